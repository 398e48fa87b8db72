"""Dominance: which of two places of a function always runs before the other, and what may run in between."""

from __future__ import annotations

import ast
from typing import TypeAlias

from transfer_lint.flow.program.syntax import LOOPS, ancestors, blocks_of, kinds_in, parents, path_to, span
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Site

HostPlace: TypeAlias = "Site | HostRead"

_PERHAPS = (ast.IfExp, ast.BoolOp, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
"""Expressions with a part that may not run."""


def dominates(first: HostPlace, second: HostPlace) -> bool:
    """Whether the first dominates the second: it always runs before it, in the same iteration of every loop."""
    here, there = first.statement, second.statement
    certain = kinds_in(here).isdisjoint(_PERHAPS)
    if not certain and any(isinstance(node, _PERHAPS) for node in (first.node, *ancestors(here, first.node))):
        return False
    if here is there:
        return certain and next(blocks_of(here), None) is None and _position(first) < _position(second)
    # In the block that holds both, every path must run the first: only `with` may surround it there.
    above = parents(first.scope)
    inside, around = here, above.get(here)
    while around is not None:
        if isinstance(around, ast.stmt | ast.Module) and _runs_before(inside, there, around):
            return True
        if not isinstance(around, ast.With | ast.AsyncWith):
            # The block of a handler or a `case` is held by a node that is no statement.
            return not isinstance(around, ast.stmt) and _runs_before(inside, there, around)
        inside, around = around, above.get(around)
    return False


def last_line(first: HostPlace, second: HostPlace) -> int:
    """The last line that may run before the second: its own, or the end of the outermost loop around it alone."""
    around = path_to(first.scope.body, first.statement)
    for statement in path_to(first.scope.body, second.statement):
        if isinstance(statement, LOOPS) and not any(statement is outer for outer in around):
            return span(statement)[1]
    return second.node.lineno


def _runs_before(inside: ast.stmt, later: ast.stmt, around: ast.AST) -> bool:
    """Whether a statement stands before one that is, or holds, the later one, in one and the same block."""
    blocks = blocks_of(around) if isinstance(around, ast.stmt) else iter([getattr(around, "body", [])])
    for block in blocks:
        if block and span(block[0])[0] <= inside.lineno <= span(block[-1])[1] and any(s is inside for s in block):
            held = path_to(block, later) if later.lineno <= span(block[-1])[1] else []
            return bool(held) and inside.lineno < held[0].lineno
    return False


def _position(place: HostPlace) -> tuple[int, int]:
    return place.node.end_lineno or place.node.lineno, place.node.end_col_offset or 0
