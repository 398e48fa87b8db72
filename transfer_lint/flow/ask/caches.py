"""Caches: values that are kept for later calls, and the tests that fill them only once."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from transfer_lint.flow.program.syntax import nodes_of, path_to
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
        for statement in path_to(function.node.body, place.statement)
        if isinstance(statement, ast.If) and any(inner is place.statement for inner in _body(statement))
        for part in nodes_of(statement)
        for target in kept_by(part)
        if not isinstance(target, ast.Name)
        and not (isinstance(place, Site) and ast.unparse(target) == ast.unparse(place.moved))
    )


def remembers(read: HostRead) -> bool:
    """Whether what is read is remembered for as long as the same object is asked for.

    `if last[0] is not x: last = x, x.item()`.
    """
    path = path_to(read.function.node.body, read.statement) if read.function is not None else []
    return any(
        _keeps_identity(statement.test, read.statement)
        for statement in path
        if isinstance(statement, ast.If) and any(inner is read.statement for inner in _body(statement))
    )


def _keeps_identity(test: ast.expr, statement: ast.stmt) -> bool:
    match test, statement:
        case (
            ast.Compare(left=kept, ops=[ast.IsNot()], comparators=[ast.Name(id=name)]),
            ast.Assign(targets=targets, value=value),
        ):
            base = ast.unparse(kept.value if isinstance(kept, ast.Subscript) else kept)
            holds = any(isinstance(node, ast.Name) and node.id == name for node in nodes_of(value))
            return holds and any(ast.unparse(target) == base for target in targets)
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


def _body(statement: ast.If) -> Iterator[ast.AST]:
    for inner in statement.body:
        yield from nodes_of(inner)


def asks_for(test: ast.expr, target: ast.expr) -> bool:
    """Whether a test is about what an assignment to `target` keeps: it names it, or asks for its key or attribute."""
    spelled = ast.unparse(target)
    if any(isinstance(node, ast.expr) and ast.unparse(node) == spelled for node in nodes_of(test)):
        return True
    for node in nodes_of(test):
        match node, target:
            case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[cache]), ast.Subscript():
                if ast.unparse(key) == ast.unparse(target.slice) and ast.unparse(cache) == ast.unparse(target.value):
                    return True
            case ast.Call(func=ast.Name(id="hasattr"), args=[owner, ast.Constant(value=name)]), ast.Attribute():
                if name == target.attr and ast.unparse(owner) == ast.unparse(target.value):
                    return True
    return False
