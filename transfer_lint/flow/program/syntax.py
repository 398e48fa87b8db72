"""Syntax trees: walks, and the blocks that hold statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

LOOPS = (ast.For, ast.AsyncFor, ast.While)

NO_OPERATORS = frozenset(
    {
        "__init__", "__new__", "__post_init__", "__init_subclass__", "__class_getitem__", "__call__", "__repr__",
        "__str__", "__format__", "__hash__", "__del__", "__enter__", "__exit__", "__aenter__", "__aexit__",
        "__getattr__", "__getstate__", "__setstate__", "__reduce__", "__copy__", "__deepcopy__",
    }
)  # fmt: skip
"""Special methods that no operator, subscript, loop or test calls."""


def nodes_of(root: ast.AST) -> tuple[ast.AST, ...]:
    """The node and everything below it, in the order of `ast.walk`. Memoised on the node, as it is needed often."""
    known: tuple[ast.AST, ...] | None = getattr(root, "_transfer_lint_nodes", None)
    if known is None:
        found: list[ast.AST] = [root]
        for node in found:  # the list grows during the loop
            for name in node._fields:
                value = getattr(node, name, None)
                if isinstance(value, ast.AST):
                    found.append(value)
                elif isinstance(value, list):
                    found += [item for item in value if isinstance(item, ast.AST)]
        known = tuple(found)
        root._transfer_lint_nodes = known  # type: ignore[attr-defined]
    return known


def span(node: ast.AST) -> tuple[int, int]:
    """The first and last line of a statement or expression."""
    first: int = getattr(node, "lineno", 0)
    return first, getattr(node, "end_lineno", None) or first


def path_to(body: Sequence[ast.stmt], target: ast.stmt) -> list[ast.stmt]:
    """The statements that hold the target, outermost first, and the target itself; empty if it is not in `body`."""
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
    """The blocks of a compound statement."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, None)
        if isinstance(block, list):
            yield block
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def is_plain(node: ast.expr) -> bool:
    """Whether it is a name, an attribute, or an item with such a key or a constant one: reading it has no effect."""
    match node:
        case ast.Name():
            return True
        case ast.Attribute(value=value):
            return is_plain(value)
        case ast.Subscript(value=value, slice=ast.Constant()):
            return is_plain(value)
        case ast.Subscript(value=value, slice=ast.Name() | ast.Attribute() as key):
            return is_plain(value) and is_plain(key)
    return False


def is_literal(node: ast.expr) -> bool:
    """Whether it is a number, string or the like, or a list, tuple or arithmetic of such: no name, no call."""
    parts = (ast.Constant, ast.List, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.unaryop, ast.operator, ast.expr_context)
    return all(isinstance(part, parts) for part in nodes_of(node))


def attributes_assigned(node: ast.AST, owner: str) -> frozenset[str]:
    """The attributes of the name `owner` that are assigned or deleted in a piece of code."""
    return frozenset(
        part.attr
        for part in nodes_of(node)
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store | ast.Del)
        if isinstance(part.value, ast.Name) and part.value.id == owner
    )


def written(node: ast.AST, limit: int = 60) -> str:
    """How a node is written, on one line of at most `limit` characters."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def bindings(function: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """(target, value) of every assignment; the value is what is iterated or unpacked, None if it is not spelled."""
    for node in nodes_of(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from ((part, value) for part in _targets(target))
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                yield target, value
            case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
                yield from ((part, value) for part in _targets(target))
            case ast.withitem(optional_vars=ast.expr() as target):
                yield from ((part, None) for part in _targets(target))


def _targets(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for item in target.elts:
            yield from _targets(item)
    else:
        yield target.value if isinstance(target, ast.Starred) else target
