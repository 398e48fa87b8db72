"""TL104: a value leaves the accelerator and is then used on the accelerator again."""

from __future__ import annotations

from transfer_codemods.actions import KeepOnDevice
from transfer_lint.findings import Safety, Severity
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL104",
    "intermediate-device-roundtrip",
    "an accelerator value is sent to the host or the intermediate device and used on the accelerator again",
    fix="keep it there; convert the dtype only",
    safety=Safety.UNSAFE,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """Both ends must be proved: that the value was on the accelerator, and that it is used there again."""
    request = site.request
    if not site.round_trip or site.device is None or request.device is None:
        return None
    receiver = questions.receiver(site)
    return Verdict(
        Severity.WARNING,
        f"`{receiver}` leaves `{site.device.term}` for {questions.wanted(site)} and is used on the accelerator again",
        (*questions.proof(site), *site.round_trip),
        KeepOnDevice(questions.spelled_target(request)) if request.plain and not site.in_fstring else None,
        "keep it on the accelerator",
        Safety.UNSAFE,
    )
