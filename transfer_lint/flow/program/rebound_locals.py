"""Rebound locals: what a function binds again after code in it that runs later has been made.

`d = "cuda"`, `def f(): return x.to(d)`, `d = "cpu"`: when `f` runs, `d` is what it was bound to last.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from transfer_lint.flow.program.syntax import nodes_of
from transfer_lint.flow.program.unshown_bindings import named_by, outside_of_bodies

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def rebound_after(function: ast.AST, later: ast.AST) -> frozenset[str]:
    """The locals of a function that it may bind while code that runs later is there.

    later: a function, a lambda or a generator in it. What stands before that is bound already; a function in the
    function that declares a name `nonlocal` may bind it at any time.
    """
    end = (getattr(later, "end_lineno", 0), getattr(later, "end_col_offset", 0))
    known = _bindings(function)
    return known.declared.union(name for name, place in known.last.items() if place >= end)


def bound_in(function: ast.AST) -> frozenset[str]:
    """The locals of a function, with its parameters."""
    parameters = nodes_of(function.args) if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) else ()
    return frozenset((*(node.arg for node in parameters if isinstance(node, ast.arg)), *_bindings(function).last))


class _Bindings(NamedTuple):
    """What a function binds in its own scope: where it does so last, and what functions in it declare `nonlocal`."""

    last: Mapping[str, tuple[int, int]]
    declared: frozenset[str]


def _bindings(function: ast.AST) -> _Bindings:
    """Memoised on the function."""
    known: _Bindings | None = getattr(function, "_transfer_lint_own_bindings", None)
    if known is None:
        last: dict[str, tuple[int, int]] = {}
        stack: list[ast.AST] = list(getattr(function, "body", ()))
        while stack:
            node = stack.pop()
            place = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
            for name in _names(node):
                last[name] = max(place, last.get(name, place))
            stack += outside_of_bodies(node)
        declared = (name for node in nodes_of(function) if isinstance(node, ast.Nonlocal) for name in node.names)
        known = _Bindings(last, frozenset(declared))
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
