"""TL204: a tensor is kept for the first device that was seen."""

from __future__ import annotations

from transfer_lint.findings import Heat, Severity
from transfer_lint.flow.ask import Construction, Questions, Site
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL204",
    "stale-device-cache",
    "a tensor is kept for the first device that was seen",
    fix="",
    safety=None,
)
def check(place: Site | Construction, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A hint: a later input on another device meets a tensor that stayed behind."""
    if place.heat is Heat.ONCE:
        return None
    kept = questions.kept_for_first_device(place)
    if kept is None:
        return None
    text = f"`{kept}` is made once, for the first device that is seen, and used with inputs on any device"
    return Verdict(Severity.HINT, f"{text}: ask for its device as well")
