"""TL109: a module is loaded and offloaded again at every step."""

from __future__ import annotations

from transfer_lint.findings import Heat, Severity
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL109",
    "module-roundtrip",
    "a module is loaded and offloaded again at every step",
    fix="",
    safety=None,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """Reported where the module is loaded; the other half of the pair is an offload, which is never reported.

    A hint unless a loop of the function holds the pair: who calls the function at every step may have no memory for it.
    In any other loop that holds both halves it is a hint, too.
    """
    if site.heat is Heat.ONCE or questions.boundary(site):
        return None
    receiver = questions.receiver(site)
    line = questions.reloaded_in_loop(site)
    if site.heat.rank < Heat.STEP.rank or not site.is_module:
        if line is None or not (site.is_module or questions.can_only_be_module(site)):
            return None
        text = f"`{receiver}` is loaded and offloaded again in every round of the loop of line {line}"
        return Verdict(Severity.HINT, f"{text}: all its weights travel twice", site.receiver.why)
    if not questions.is_half_of_pair(site):
        return None
    return Verdict(
        warning_if(questions.is_in_loop(site), site),
        f"`{receiver}` is loaded and offloaded again at every {site.heat.value}: all its weights travel twice",
        site.receiver.why,
    )
