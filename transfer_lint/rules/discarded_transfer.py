"""TL201: a tensor is moved and the result is not used."""

from __future__ import annotations

from transfer_codemods.actions import AssignResult
from transfer_lint.findings import Safety, Severity
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule
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

    A hint if the function moves the value again to the same place and uses that result: a value that moves in place
    would be moved only once.
    """
    if not site.is_discarded or not site.moves_place:
        return None
    name = questions.receiver(site)
    if not site.is_tensor:
        again = questions.moved_again(site)
        if again is None:
            return None
        text = f"nobody takes what `{name}.{site.method}(...)` returns, and line {again.anchor[0]} moves it again"
        return Verdict(Severity.HINT, text)
    return Verdict(
        Severity.ERROR,
        f"`{name}` is a tensor: `.{site.method}(...)` returns the moved one, which is thrown away here",
        site.receiver.why,
        AssignResult(),
        f"assign it to `{name}`",
        Safety.UNSAFE,
    )
