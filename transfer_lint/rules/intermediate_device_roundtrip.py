"""TL104: a value leaves the accelerator and is then used on the accelerator again."""

from __future__ import annotations

from transfer_codemods.actions import KeepOnDevice
from transfer_lint.findings import Heat, Safety, Saving, Severity
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL104",
    "intermediate-device-roundtrip",
    "an accelerator value is sent to the host or the intermediate device and used on the accelerator again",
    fix="keep it there; convert the dtype only",
    safety=Safety.UNSAFE,
    saves=Saving.WAITS,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """Both ends must be proved: that the value was on the accelerator, and that it is used there again."""
    request = site.request
    if request.device is None:
        return None
    if not site.round_trip or site.device is None:
        return _detour(site, questions)
    receiver = questions.receiver(site)
    return Verdict(
        Severity.WARNING,
        f"`{receiver}` leaves `{site.device.term}` for {questions.wanted(site)} and is used on the accelerator again",
        (*questions.proof(site), *site.round_trip),
        KeepOnDevice(questions.spelled_target(request)) if request.plain and not site.in_fstring else None,
        "keep it on the accelerator",
        Safety.UNSAFE,
    )


def _detour(site: Site, questions: Questions) -> Verdict | None:
    """Through numpy, or up and down again: there is no fix, for the work in between has to be done elsewhere."""
    receiver = questions.receiver(site)
    if site.is_tensor and questions.is_only_downloaded(site):
        text = f"`{receiver}` is moved to {questions.wanted(site)} and only brought back: nothing is done with it there"
        return Verdict(warning_if(site.heat is not Heat.ONCE, site), text, site.receiver.why)
    index = questions.looked_up_on_host(site)
    if index is not None and site.heat is not Heat.ONCE:
        text = f"`{questions.receiver(index)}` goes to the host only to pick what comes back here"
        return Verdict(Severity.HINT, f"{text}: keep the table on the device", questions.proof(index))
    if questions.goes_to_host(site):
        return _brought_back(site, questions)
    kept = questions.brought_back(site, kept=True)
    if kept is not None and questions.goes_to_accelerator(site) and site.quiet_heat.rank >= Heat.STEP.rank:
        text = f"what line {kept.anchor[0]} has brought to the host comes back here: keep it on the device, too"
        return Verdict(warning_if(questions.is_on_accelerator(kept), site), text, questions.proof(kept))
    often = site.quiet_heat.rank >= Heat.STEP.rank and not questions.is_in_test(site)
    away = questions.kept_elsewhere(site) if often and not site.guarded else None
    if away is not None:
        text = f"`{receiver}`, which line {away.anchor[0]} keeps on {questions.wanted(away)}, comes back here"
        return Verdict(Severity.HINT, f"{text} at every step: keep it where it is used", site.receiver.why)
    given = questions.brought_for_call(site) if often else None
    if given is not None:
        text = f"`{questions.receiver(given)}` goes to the host on line {given.anchor[0]} for what comes back here"
        return Verdict(Severity.HINT, f"{text} at every step: do it on the device", questions.proof(given))
    left, computed = questions.brought_back(site, kept=False), questions.brought_by_arithmetic(site)
    surely = left is not None and questions.is_on_accelerator(left)
    # What ComfyUI gives a node is on the host, as a rule, and goes back to where it was.
    if left is None or not (surely or (questions.comes_back(site, left) and not questions.is_in_node_of_pack(site))):
        left = (computed or questions.regrouped(site)) if often else None
    if left is None:
        return None
    text = f"what left the device for numpy on line {left.anchor[0]} comes back here: do it in torch, on the device"
    # What other libraries do on the way may have no counterpart in torch.
    loud = surely and computed is not None and site.heat is not Heat.ONCE
    return Verdict(warning_if(loud, site), text, questions.proof(left))


def _brought_back(site: Site, questions: Questions) -> Verdict | None:
    """What was uploaded a few lines above, perhaps from the host, and is needed there, perhaps after arithmetic."""
    if site.quiet_heat is Heat.ONCE or site.in_handler or questions.is_in_test(site):
        return None
    upload = questions.uploaded_before(site)
    if upload is not None:
        text = f"`{questions.receiver(site)}` comes back unchanged from where line {upload.anchor[0]} has moved it"
        before = questions.receiver(upload)
        return Verdict(Severity.HINT, f"{text}: use `{before}`, if that is on the host", questions.proof(site))
    upload = questions.uploaded_for_arithmetic(site) if site.quiet_heat.rank >= Heat.STEP.rank else None
    if upload is None:
        return None
    text = f"`{questions.receiver(upload)}` goes to the device on line {upload.anchor[0]} for arithmetic alone"
    return Verdict(Severity.HINT, f"{text} and becomes an array again: do it with numpy", questions.proof(site))
