"""TL102: a tensor that may be there already is moved unconditionally."""

from __future__ import annotations

from transfer_codemods.actions import GuardTensor
from transfer_lint.findings import Heat, Safety, Saving, Severity
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL102",
    "unguarded-tensor-transfer",
    "a tensor that may be there already is moved unconditionally",
    fix="guard",
    safety=Safety.SAFE,
    saves=Saving.CALLS,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A hint if the move may do nothing, and a test can tell when: a call with nothing to do takes a microsecond.

    Or if what is kept elsewhere is moved: every step makes the same copy. Not reported: a boundary, such as a move to
    the host.
    """
    return _unguarded(site, questions) or _kept(site, questions) or _refilled(site, questions)


def _refilled(site: Site, questions: Questions) -> Verdict | None:
    """The verdict on the items of a list that are moved in their places, at every step or to where an input is."""
    often = site.quiet_heat.rank >= Heat.STEP.rank or (site.heat is Heat.CALL and questions.follows_tensor(site))
    kept = questions.refilled(site) if often and not site.guarded and not questions.boundary(site) else None
    if kept is None or site.is_module:
        return None
    text = f"the items of `{kept}` are there after the first time, and moved {_often(site.quiet_heat)}"
    return Verdict(Severity.HINT, f"{text}: move them where they are made", site.receiver.why)


def _kept(site: Site, questions: Questions) -> Verdict | None:
    """The verdict on a value that is the same at every step, and is moved at every step."""
    if site.request.device is None or site.quiet_heat.rank < Heat.STEP.rank or site.is_module:
        return None
    if site.guarded or site.in_handler or questions.boundary(site) or questions.is_on_device(site):
        return None
    if questions.is_memoised(site) or questions.fills_cache(site):
        return None
    receiver, often = questions.receiver(site), _often(site.quiet_heat)
    if questions.is_picked_from(site):
        text = f"the whole of `{receiver}` is moved {often} for the items that the index picks"
        return Verdict(Severity.HINT, f"{text}: keep it on the device", site.receiver.why)
    if site.is_tensor and questions.replaces_itself(site) and not questions.targets_loop_variable(site):
        text = f"`{receiver}` is there after the first iteration, and moved {often}"
        return Verdict(Severity.HINT, f"{text}: move it before the loop", site.receiver.why)
    if not questions.is_kept_outside(site) or questions.earlier_copy(site) is not None:
        return None  # TL108 reports the second move of a call
    return Verdict(
        Severity.HINT,
        f"`{receiver}` is kept from step to step and moved {often}: keep the moved copy",
        site.receiver.why,
    )


def _unguarded(site: Site, questions: Questions) -> Verdict | None:
    """The verdict on a value that may be there already."""
    request = site.request
    if not site.is_tensor or request.device is None or site.heat is Heat.ONCE:
        return None
    if site.guarded or site.in_handler or site.inline or site.in_fstring or site.round_trip:
        return None
    if questions.is_inner(site) or site.moves_computed:
        return None  # a value that was just computed is not an input
    if questions.boundary(site):
        return None
    # A module-level constant stays where it is made, so every call copies it, and a guard would not help. What another
    # function returns is an input: where that puts it, is its own affair.
    given = questions.comes_from_function(site)
    constant = questions.is_placed_elsewhere(site) and not given
    if constant and (not site.receiver.ident.is_global or site.quiet_heat.rank >= Heat.STEP.rank):
        return None
    if questions.is_memoised(site) or questions.fills_cache(site) or questions.is_loop_invariant(site):
        return None  # TL107 reports transfers that a loop repeats
    if questions.is_on_device(site):  # only the dtype conversion is left
        return None
    target = questions.target(site)
    if target is None:
        return None
    receiver, often = questions.receiver(site), _often(site.heat)
    made_here = not site.receiver.ident.is_initial()  # it may always be elsewhere, or always there
    guards = not constant and (not made_here or questions.is_in_node_of_pack(site))
    return Verdict(
        Severity.HINT,
        f"`{receiver}` is moved {often}, also where it is on {questions.wanted(site)} already",
        site.receiver.why,
        GuardTensor(target, questions.is_rebindable(site)) if guards else None,
        "move it only where it is elsewhere",
    )


def _often(heat: Heat) -> str:
    return "at every call" if heat is Heat.CALL else f"at every {heat.value}"
