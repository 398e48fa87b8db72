"""TL103: a module is moved at every call, although it is there after the first call."""

from __future__ import annotations

from transfer_codemods.actions import GuardForm, GuardModule
from transfer_lint.findings import Heat, Safety, Saving
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL103",
    "unguarded-module-move",
    "a module is moved at every call",
    fix="guard on its live placement",
    safety=Safety.SAFE,
    saves=Saving.CALLS,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A hint, unless the module surely outlives the call and nothing takes it away again.

    And unless it is moved at every step, or by a node, which ComfyUI calls again and again.

    Not reported, because needed or meant: an offload, a move that is half of an unconditional onload/offload pair, a
    function that does nothing but move, a choice between places, a guard by hand.
    """
    request = site.request
    if request.device is None or not request.plain or site.heat is Heat.ONCE:
        return None
    if not site.is_module and not questions.can_only_be_module(site):
        return None
    if site.moves_result_of_call:
        return None  # a module that was just made or fetched may need the move every time
    if site.guarded or site.made_here or site.in_handler or site.in_fstring:
        return None
    if questions.boundary(site) or questions.is_half_of_pair(site) or questions.is_put_back(site):
        return None
    if questions.is_placed_on_purpose(site):
        return None
    receiver = questions.receiver(site)
    target = questions.target(site)
    often = questions.is_in_node_of_pack(site) or site.heat.rank >= Heat.STEP.rank
    form = options.module_guard
    return Verdict(
        warning_if(often and questions.is_worth_a_guard(site), site),
        f"`{receiver}` is moved at every {site.heat.value}: `.{site.method}(...)` walks all its weights even where "
        "they are there already",
        site.receiver.why,
        GuardModule(target, form) if site.is_module and target is not None and not site.inline else None,
        "move it only where one of its weights is elsewhere",
        Safety.SAFE if form is GuardForm.EXACT else Safety.UNSAFE,
    )
