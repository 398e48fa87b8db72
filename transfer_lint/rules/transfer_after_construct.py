"""TL106: a tensor is made on the host and moved at once."""

from __future__ import annotations

import ast

from transfer_codemods.actions import ConstructOnDevice
from transfer_lint.findings import Heat, Safety, Severity
from transfer_lint.flow.ask import Questions, Site
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
    if site.request.device is None or questions.boundary(site):
        return None
    factory = questions.factory(site)
    if factory is None:
        return _named(site, questions)
    made, request = site.attribute.value, site.request
    makes = f"{questions.source(made.func)}(...)" if isinstance(made, ast.Call) else questions.source(made)
    target = questions.spelled_target(request)
    exact = factory.exact and request.plain and not request.ambiguous and not site.in_fstring
    return Verdict(
        Severity.HINT if site.heat is Heat.ONCE else Severity.WARNING,
        f"`{makes}` makes a tensor on the host that is moved to {questions.wanted(site)} at once",
        (),
        ConstructOnDevice(target, with_dtype=factory.any_dtype) if exact else None,
        "make it there",
    )


def _named(site: Site, questions: Questions) -> Verdict | None:
    """Made, given a name, and moved where that is read for the only time: by hand it can be made there."""
    made = questions.made_by(site)
    if made is None or not questions.is_on_host(site) or site.heat is Heat.ONCE or site.guarded:
        return None
    if questions.is_loop_invariant(site):
        return None  # TL107: it is made once
    text = (
        f"`{questions.source(made.func)}(...)` makes it on the host (line {made.lineno}) and nothing else uses it there"
    )
    name = questions.source(site.attribute.value)
    return Verdict(Severity.WARNING, f"`{name}` is moved to {questions.wanted(site)}: {text}", site.receiver.why)
