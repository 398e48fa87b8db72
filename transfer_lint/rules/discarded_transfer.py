"""TL201: a tensor is moved and nobody takes the result."""

from __future__ import annotations

import ast

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
    """Modules and batches move in place: only a proved tensor is certain.

    Near-certain is what the function moves again, to the same place, and then uses: what moves in place needs it once.
    """
    statement, receiver = site.statement, site.attribute.value
    if not isinstance(statement, ast.Expr) or statement.value is not site.node:
        return None
    if not isinstance(receiver, ast.Name | ast.Attribute | ast.Subscript):
        return None
    name = questions.source(receiver)
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
