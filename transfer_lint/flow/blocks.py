"""Statements and the blocks that hold them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence


def span(node: ast.stmt) -> tuple[int, int]:
    """The first and last line of a statement."""
    return node.lineno, node.end_lineno or node.lineno


def path_to(body: Sequence[ast.stmt], target: ast.stmt) -> list[ast.stmt]:
    """The statements that hold the target, from the outside in, and the target itself."""
    for statement in body:
        if statement is target:
            return [statement]
        first, last = span(statement)
        if first <= target.lineno <= last:
            for block in blocks_of(statement):
                if path := path_to(block, target):
                    return [statement, *path]
    return []


def blocks_of(statement: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    """The blocks that a compound statement has."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, None)
        if isinstance(block, list):
            yield block
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body
