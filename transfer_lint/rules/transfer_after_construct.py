"""TL106: a tensor is made on the host and moved at once."""

from __future__ import annotations

import ast

from transfer_codemods.actions import ConstructOnDevice
from transfer_lint.findings import Heat, Safety, Severity
from transfer_lint.flow.questions import Questions
from transfer_lint.flow.sites import Site
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL106",
    "transfer-after-construct",
    "a tensor is made on the host and moved at once",
    fix="make it there: `device=`",
    safety=Safety.SAFE,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """Only factories that give the same bits everywhere: random ones draw from the device's own generator."""
    factory = questions.factory(site)
    if factory is None or site.request.device is None or questions.boundary(site):
        return None
    call = site.attribute.value
    assert isinstance(call, ast.Call)
    request = site.request
    makes = questions.source(call.func)
    target = questions.spelled_target(request)
    exact = factory.exact and request.plain and not request.ambiguous and not site.in_fstring
    return Verdict(
        Severity.HINT if site.heat is Heat.ONCE else Severity.WARNING,
        f"`{makes}(...)` makes a tensor on the host that is moved to {questions.wanted(site)} at once",
        (),
        ConstructOnDevice(target, with_dtype=factory.any_dtype) if exact else None,
        "make it there",
    )
