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
    have no memory for it, and a loop over modules loads each of them once. So it is in any other loop that does both in
    each round.
    """
    often = site.is_module and site.heat.rank >= Heat.STEP.rank and questions.is_half_of_pair(site)
    if questions.boundary(site) or not (often or questions.is_reloaded_in_loop(site)):
        return None
    receiver, when = questions.receiver(site), f"at every {site.heat.value}" if often else "in every round of a loop"
    return Verdict(
        warning_if(often and questions.is_moved_again_in_loop(site), site),
        f"`{receiver}` is loaded and offloaded again {when}: all its weights travel twice",
        site.receiver.why,
    )
