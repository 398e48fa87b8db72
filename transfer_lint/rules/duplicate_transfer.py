"""TL108: the same value is moved to the same place again."""

from __future__ import annotations

from transfer_codemods.actions import ReuseTransfer
from transfer_lint.findings import Heat, Safety, Saving, Severity
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL108",
    "duplicate-transfer",
    "a value is moved again to where a copy of it has been moved before",
    fix="use the first copy",
    safety=Safety.SAFE,
    saves=Saving.WAITS,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A warning if the value provably is elsewhere, else a hint. The fix needs a name that the first copy still has."""
    request = site.request
    if request.device is None or not request.plain or site.guarded or site.in_handler:
        return None
    earlier = questions.earlier_copy(site)
    if earlier is None:
        return _alike(site, questions) if options.assumptions else None
    receiver, name = questions.receiver(site), earlier.name
    reusable = name is not None and site.is_tensor and not site.in_fstring
    loud = site.is_tensor and questions.is_elsewhere(site) and site.heat is not Heat.ONCE
    return Verdict(
        warning_if(loud, site),
        f"`{receiver}` has been moved to {questions.wanted(site)} on line {earlier.line} already",
        site.receiver.why,
        ReuseTransfer(name) if reusable and name is not None else None,
        f"use `{name}`",
        Safety.SAFE if earlier.untouched and questions.is_operand(site) else Safety.UNSAFE,
        repeated=True,
    )


def _alike(site: Site, questions: Questions) -> Verdict | None:
    """A hint: what is written like the value has been copied to the host before, and nothing seems to change it."""
    first = questions.copied_alike(site) if questions.boundary(site) and site.quiet_heat is not Heat.ONCE else None
    if first is None or questions.is_in_test(site):
        return None
    text = f"`{questions.receiver(site)}` is written like what line {first.anchor[0]} has copied to the host already"
    return Verdict(Severity.HINT, text, site.receiver.why, repeated=True)
