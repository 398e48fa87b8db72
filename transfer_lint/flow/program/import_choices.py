"""Choices at import: a module-level name that an `if` binds in each of its branches, or right after its default.

`if cuda: device = "cuda"` with `else: device = "cpu"` says what `device = "cuda" if cuda else "cpu"` says.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import pairwise


def chosen_at_import(body: Sequence[ast.stmt], name: str, bindings: int) -> ast.expr | None:
    """The conditional expression that says the same; None if the bindings of the name are no such choice.

    body: the statements of the module. bindings: how many it has for the name, which are all to be among these.
    """
    for before, statement in pairwise((None, *body)):
        if isinstance(statement, ast.If):
            chosen, values = _chosen(statement, name, _bound(before, name))
            if chosen is not None and values == bindings:
                return chosen
    return None


def _chosen(statement: ast.If, name: str, default: ast.expr | None) -> tuple[ast.expr | None, int]:
    """What an `if` gives the name, and of how many values that is one.

    Where the default stays in one branch, the other replaces it at once: nothing is made by it before.
    """
    branches = [_in_block(block, name) for block in (statement.body, statement.orelse)]
    if default is not None and any(value is None for value, _ in branches):
        blocks = [block for block in (statement.body, statement.orelse) if block]
        if any(_binds(block, name) and _in_block(block[:1], name)[0] is None for block in blocks):
            return None, 0
        branches = [branch if branch[0] is not None else (default, 1) for branch in branches]
    (first, several), (second, others) = branches
    if first is None or second is None or first is second:
        return None, 0
    return ast.copy_location(ast.IfExp(statement.test, first, second), statement), several + others


def _binds(block: Sequence[ast.stmt], name: str) -> bool:
    return _in_block(block, name)[0] is not None


def _in_block(block: Sequence[ast.stmt], name: str) -> tuple[ast.expr | None, int]:
    """The same of a block in which one statement binds the name."""
    found = [_chosen(each, name, None) if isinstance(each, ast.If) else (_bound(each, name), 1) for each in block]
    known = [each for each in found if each[0] is not None]
    return known[0] if len(known) == 1 else (None, 0)


def _bound(statement: ast.stmt | None, name: str) -> ast.expr | None:
    match statement:
        case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
            return value
    return None
