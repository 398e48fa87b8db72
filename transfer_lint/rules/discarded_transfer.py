"""TL201: a tensor is moved and the result is not used."""

from __future__ import annotations

from transfer_codemods.actions import AssignResult
from transfer_lint.findings import Heat, Safety, Severity
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL201",
    "discarded-transfer",
    "a tensor is moved, and the moved copy is thrown away",
    fix="assign it",
    safety=Safety.UNSAFE,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """An error only for a proved tensor, because modules and batches move in place.

    What is bound to a name that nothing reads is thrown away, too.
    A hint if the function moves the value again to the same place and uses that result: a value that moves in place
    would be moved only once. Or if the function computes it: neither modules nor batches can be, and a program that
    works has its operands in one place.
    """
    if not site.is_discarded:
        return _unread(site, questions)
    if not site.moves_place:
        return None
    if questions.is_there(site) is not None or questions.has_dtype(site) is not None:
        return None  # TL101 reports it: there is nothing to assign
    name = questions.receiver(site)
    if not site.is_tensor:
        again, line = questions.moved_again(site), questions.computed_on(site)
        text = f"nobody takes what `{name}.{site.method}(...)` returns"
        if again is not None:
            return Verdict(Severity.HINT, f"{text}, and line {again.anchor[0]} moves it again")
        if line is None:
            return None
        mend = "assign it" if questions.is_read_later(site) else "leave it out"
        return Verdict(Severity.HINT, f"{text}, and what line {line} computes moves nothing in place: {mend}")
    if questions.targets_loop_variable(site):
        text = f"nobody takes what `{name}.{site.method}(...)` returns: the loop moves it to one place after the other"
        return Verdict(Severity.HINT, text, site.receiver.why)
    if (line := questions.computed_before(site)) is not None:
        text = f"nobody takes what `{name}.{site.method}(...)` returns, and what line {line} computes is where its"
        return Verdict(Severity.HINT, f"{text} operands are: leave it out", site.receiver.why)
    # To assign what nothing reads, or what a module holds as its parameter, would hide the bug or raise.
    mends = questions.is_read_later(site) and not questions.is_weight(site)
    return Verdict(
        Severity.ERROR,
        f"`{name}` is a tensor: `.{site.method}(...)` returns the moved one, which is thrown away here",
        site.receiver.why,
        AssignResult() if mends else None,
        f"assign it to `{name}`",
        Safety.UNSAFE,
    )


def _unread(site: Site, questions: Questions) -> Verdict | None:
    """What is moved is bound to a name that nothing reads: the copy is for nothing, and so is the wait for it."""
    often = site.request.device is not None and site.quiet_heat is not Heat.ONCE
    name = questions.unread_name(site) if site.is_tensor and often else None
    if name is None or site.in_handler or questions.is_in_test(site):
        return None
    text = (
        f"`{questions.receiver(site)}` is moved to {questions.wanted(site)}, and nothing reads `{name}`: leave it out"
    )
    return Verdict(warning_if(site.heat.rank >= Heat.STEP.rank, site), text, questions.proof(site))
