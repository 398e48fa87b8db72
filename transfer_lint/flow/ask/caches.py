"""Caches: values that are kept for later calls, and the tests that fill them only once."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import pairwise

from transfer_lint.flow.program.syntax import nodes_of, path_to, spelled
from transfer_lint.flow.results.constructions import Construction
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Site

_CACHING = frozenset({"functools.lru_cache", "functools.cache", "functools.cached_property"})


def fills_cache(place: Site | Construction) -> bool:
    """Whether the site runs only where its result is not kept yet.

    A test around it asks for what its block then assigns (`if key not in cache: cache[key] = ...`, `if self.x is None:
    self.x = ...`), or its function remembers its results (`functools.lru_cache`).
    """
    function = place.function
    if function is None:
        return False
    if _CACHING & set(function.decorators):
        return True
    return any(
        asks_for(statement.test, target)
        for statement, held in pairwise(path_to(function.node.body, place.statement))
        if isinstance(statement, ast.If) and any(inner is held for inner in statement.body)
        for inner in statement.body
        for part in nodes_of(inner)
        for target in kept_by(part)
        if not isinstance(target, ast.Name)
        and not (isinstance(place, Site) and spelled(target) == spelled(place.moved))
    )


def remembers(read: HostRead) -> bool:
    """Whether what is read is remembered for as long as the same object is asked for.

    `if last[0] is not x: last = x, x.item()`.
    """
    path = path_to(read.function.node.body, read.statement) if read.function is not None else []
    return any(
        _keeps_identity(statement.test, read.statement)
        for statement, held in pairwise(path)
        if isinstance(statement, ast.If) and any(inner is held for inner in statement.body)
    )


def _keeps_identity(test: ast.expr, statement: ast.stmt) -> bool:
    match test, statement:
        case (
            ast.Compare(left=kept, ops=[ast.IsNot()], comparators=[ast.Name(id=name)]),
            ast.Assign(targets=targets, value=value),
        ):
            base = spelled(kept.value if isinstance(kept, ast.Subscript) else kept)
            holds = any(isinstance(node, ast.Name) and node.id == name for node in nodes_of(value))
            return holds and any(spelled(target) == base for target in targets)
    return False


def kept_by(statement: ast.AST) -> Sequence[ast.expr]:
    """What one statement assigns; `register_buffer("x", ...)` assigns `.x`."""
    match statement:
        case ast.Assign(targets=targets):
            return targets
        case ast.AnnAssign(target=target, value=ast.expr()) | ast.AugAssign(target=target):
            return [target]
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=owner, attr="register_buffer"), args=[ast.Constant(value=key), *_])
        ):
            return [ast.Attribute(owner, str(key), ast.Store())]
    return []


def asks_for(test: ast.expr, target: ast.expr) -> bool:
    """Whether a test is about what an assignment to `target` keeps: it names it, or asks for its key or attribute."""
    text = spelled(target)
    if any(isinstance(node, ast.expr) and spelled(node) == text for node in nodes_of(test)):
        return True
    for node in nodes_of(test):
        match node, target:
            case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[cache]), ast.Subscript():
                if spelled(key) == spelled(target.slice) and spelled(cache) == spelled(target.value):
                    return True
            case ast.Call(func=ast.Name(id="hasattr"), args=[owner, ast.Constant(value=name)]), ast.Attribute():
                if name == target.attr and spelled(owner) == spelled(target.value):
                    return True
    return False
