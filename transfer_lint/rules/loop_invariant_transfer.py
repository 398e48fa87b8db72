"""TL107: a loop moves the same value to the same place in every iteration."""

from __future__ import annotations

from transfer_codemods.actions import HoistTransfer
from transfer_lint.findings import Heat, Safety, Saving, Severity
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL107",
    "loop-invariant-transfer",
    "a loop moves the same value to the same place in every round",
    fix="move it once, in the first round",
    safety=Safety.SAFE,
    saves=Saving.WAITS,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A warning if the value provably is elsewhere, else a hint: a move of a value that is there already costs little.

    The fix is safe if nothing in the loops may write to a tensor and the copy is only the operand of an operation.
    """
    request = site.request
    if request.device is None or not (request.plain or request.unpacked) or site.guarded or site.in_handler:
        return None
    invariance = questions.invariance(site)
    if invariance is None:
        return _in_pieces(site, questions)
    if questions.can_only_be_module(site):
        return None  # TL103 reports modules
    receiver, proved = questions.receiver(site), invariance.proved and not request.ambiguous
    loud = proved and questions.is_elsewhere(site) and site.heat is not Heat.ONCE
    return Verdict(
        warning_if(loud, site),
        f"`{receiver}` is moved to {questions.wanted(site)} again in every round of the loop of line {invariance.line}",
        site.receiver.why,
        HoistTransfer(invariance.loops)
        if proved and request.plain and not site.in_fstring and not site.inline
        else None,
        "move it once, in the first round",
        Safety.SAFE if invariance.untouched and questions.is_operand(site) else Safety.UNSAFE,
    )


def _in_pieces(site: Site, questions: Questions) -> Verdict | None:
    """What each round moves is another piece of the same tensor: one copy of the whole would do (a hint)."""
    piece = questions.piece(site) if site.heat is not Heat.ONCE and not questions.is_in_test(site) else None
    if piece is None:
        return None
    text = f"`{questions.receiver(site)}` is a piece of `{piece.whole}`: move the whole once,"
    return Verdict(Severity.HINT, f"{text} before the loop of line {piece.line}", site.receiver.why)
