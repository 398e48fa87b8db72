"""TL108: the same value is moved to the same place again."""

from __future__ import annotations

from transfer_codemods.actions import ReuseTransfer
from transfer_lint.findings import Heat, Safety, Severity
from transfer_lint.flow import repeats
from transfer_lint.flow.questions import Questions
from transfer_lint.flow.sites import Site
from transfer_lint.flow.values import Tensor
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL108",
    "duplicate-transfer",
    "a value is moved again to where a copy of it has been moved before",
    fix="use the first copy",
    safety=Safety.SAFE,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A warning where the value provably is elsewhere. The fix needs a name that the first copy still has."""
    request = site.request
    if request.device is None or not request.plain or site.guarded or site.in_handler:
        return None
    twin = repeats.earlier_twin(site, questions.sites, questions.changes)
    if twin is None:
        return None
    proved = isinstance(site.receiver, Tensor)
    name = repeats.has_name(twin)
    reusable = name is not None and proved and not repeats.is_bound_between(name, twin, site)
    untouched = not any(repeats.changes_between(twin, site, questions.changes)) and questions.is_operand(site)
    receiver = questions.source(site.attribute.value)
    loud = proved and questions.is_elsewhere(site) and site.heat is not Heat.ONCE
    return Verdict(
        Severity.WARNING if loud else Severity.HINT,
        f"`{receiver}` has been moved to {questions.wanted(site)} on line {twin.anchor[0]} already",
        site.receiver.why,
        ReuseTransfer(name) if reusable and name is not None and not site.in_fstring else None,
        f"use `{name}`",
        Safety.SAFE if untouched else Safety.UNSAFE,
    )
