"""TL110: a module keeps a constant on the host and moves it at every call."""

from __future__ import annotations

from transfer_codemods.actions import RegisterBuffer
from transfer_lint.findings import Heat, Safety, Saving
from transfer_lint.flow.ask import ImplicitUpload, Questions, Site
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL110",
    "unregistered-constant",
    "a module keeps a constant on the host and moves it at every call",
    fix="register it as a buffer",
    safety=Safety.UNSAFE,
    saves=Saving.WAITS,
)
def check(site: Site | ImplicitUpload, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A warning in a step or layer, or in `forward`; else a hint. A buffer moves with the module, once."""
    if isinstance(site, ImplicitUpload):
        return _as_index(site, questions)
    if site.request.device is None or questions.boundary(site) or site.heat is Heat.ONCE or site.guarded:
        return None
    if site.in_handler or questions.fills_cache(site) or not questions.is_unregistered_constant(site, site.moved):
        return None
    forward = site.function is not None and site.function.name == "forward"
    receiver = questions.receiver(site)
    return Verdict(
        warning_if(forward or site.heat.rank >= Heat.STEP.rank, site),
        f"`{receiver}` is made on the host and is no buffer: it is moved to {questions.wanted(site)} at every call",
        questions.proof(site),
        RegisterBuffer(receiver.removeprefix("self.")),
        "register it as a buffer",
        Safety.UNSAFE,
    )


def _as_index(upload: ImplicitUpload, questions: Questions) -> Verdict | None:
    """The constant is an index of a tensor that is, or may be, on a device: torch copies it there at every step."""
    name = questions.brought(upload)
    if not upload.in_step or not questions.is_unregistered_constant(upload, upload.brought):
        return None
    text = f"`{name}` is made on the host and is no buffer: as an index of `{questions.indexed(upload)}`"
    return Verdict(
        warning_if(questions.is_for_accelerator(upload) and upload.heat.rank >= Heat.STEP.rank, upload),
        f"{text} it is copied to where that is {upload.often}",
        upload.why,
    )
