"""Rebound locals: what a function binds again after code in it that runs later has been made.

`d = "cuda"`, `def f(): return x.to(d)`, `d = "cpu"`: when `f` runs, `d` is what it was bound to last.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from transfer_lint.flow.program.syntax import nodes_of
from transfer_lint.flow.program.unshown_bindings import named_by, outside_of_bodies

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def rebound_after(function: ast.AST, later: ast.AST) -> frozenset[str]:
    """The locals of a function that it may bind while code that runs later is there.

    later: a function, a lambda or a generator in it. What stands before that is bound already; a function in the
    function that declares a name `nonlocal` may bind it at any time.
    """
    end = (getattr(later, "end_lineno", 0), getattr(later, "end_col_offset", 0))
    declared = (name for node in nodes_of(function) if isinstance(node, ast.Nonlocal) for name in node.names)
    return frozenset((*(name for place, name in _bindings(function) if place >= end), *declared))


def bound_in(function: ast.AST) -> frozenset[str]:
    """The locals of a function, with its parameters."""
    parameters = nodes_of(function.args) if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) else ()
    given = (node.arg for node in parameters if isinstance(node, ast.arg))
    return frozenset((*given, *(name for _, name in _bindings(function))))


def _bindings(function: ast.AST) -> Sequence[tuple[tuple[int, int], str]]:
    """Where a function binds its locals, in its own scope. Memoised on the function."""
    known: list[tuple[tuple[int, int], str]] | None = getattr(function, "_transfer_lint_own_bindings", None)
    if known is None:
        known = []
        stack: list[ast.AST] = list(getattr(function, "body", ()))
        while stack:
            node = stack.pop()
            place = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
            known += ((place, name) for name in _names(node))
            stack += outside_of_bodies(node)
        function._transfer_lint_own_bindings = known  # type: ignore[attr-defined]
    return known


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, _DEFINITIONS):
        yield node.name
    elif isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    else:
        yield from named_by(node)
