"""TL106: a tensor is made on the host and moved at once."""

from __future__ import annotations

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
    """Only factories that give the same bits on every device; random ones draw from the device's own generator."""
    if site.request.device is None or questions.boundary(site):
        return None
    factory = questions.factory(site)
    if factory is None:
        return _named(site, questions)
    request = site.request
    target = questions.spelled_target(request)
    exact = factory.exact and request.plain and not request.ambiguous and not site.in_fstring
    return Verdict(
        Severity.HINT if site.heat is Heat.ONCE else Severity.WARNING,
        f"`{factory.written}` makes a tensor on the host that is moved to {questions.wanted(site)} at once",
        (),
        ConstructOnDevice(target, with_dtype=factory.any_dtype) if exact else None,
        "make it there",
    )


def _named(site: Site, questions: Questions) -> Verdict | None:
    """A tensor is made, bound to a name, and moved at the only read of that name: a user can make it on the device."""
    made = questions.made_by(site)
    if made is None or not questions.is_on_host(site) or site.heat is Heat.ONCE or site.guarded:
        return None
    if questions.is_loop_invariant(site):
        return None  # TL107 reports it: it is made once and moved in every iteration
    text = f"`{made.written}` makes it on the host (line {made.line}) and nothing else uses it there"
    name = questions.receiver(site)
    return Verdict(Severity.WARNING, f"`{name}` is moved to {questions.wanted(site)}: {text}", site.receiver.why)
