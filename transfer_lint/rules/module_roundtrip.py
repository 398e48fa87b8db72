"""TL109: a module is loaded and offloaded again at every step."""

from __future__ import annotations

from transfer_lint.findings import Heat
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

    A hint unless a loop of the function loads the same module in each round: who calls the function at every step may
    have no memory for it, and a loop over modules loads each of them once.
    """
    if not site.is_module or site.heat.rank < Heat.STEP.rank:
        return None
    if questions.boundary(site) or not questions.is_half_of_pair(site):
        return None
    receiver = questions.receiver(site)
    return Verdict(
        warning_if(questions.is_in_loop(site), site),
        f"`{receiver}` is loaded and offloaded again at every {site.heat.value}: all its weights travel twice",
        site.receiver.why,
    )
