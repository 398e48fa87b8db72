"""Syntax trees: walks, and the blocks that hold statements."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

LOOPS = (ast.For, ast.AsyncFor, ast.While)
_NAMES = (ast.Name, ast.Attribute)
_STORED = (ast.Store, ast.Del)

_PLAIN_FIELDS = frozenset({"ctx", "op", "ops", "id", "attr", "arg", "kind", "type_comment", "level", "conversion"})
"""Fields that hold names and numbers, or the contexts and operators, of which each kind has one node for all."""

_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {ast.Constant: ()}  # kind of node -> its fields that may hold nodes


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes that a node holds, without contexts and operators."""
    found: list[ast.AST] = []
    _add_children(node, found)
    return found


def _add_children(node: ast.AST, found: list[ast.AST]) -> None:
    kind = type(node)
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(name for name in kind._fields if name not in _PLAIN_FIELDS)
    for name in names:
        value = getattr(node, name, None)
        if isinstance(value, list):
            for item in value:
                if isinstance(item, ast.AST):
                    found.append(item)
        elif isinstance(value, ast.AST):
            found.append(value)


def nodes_of(root: ast.AST) -> tuple[ast.AST, ...]:
    """The node and everything below it, in the order of `ast.walk`, without contexts and operators.

    Memoised on the node, as it is needed often.
    """
    known: tuple[ast.AST, ...] | None = getattr(root, "_transfer_lint_nodes", None)
    if known is None:
        found: list[ast.AST] = [root]
        for node in found:  # the list grows during the loop
            _add_children(node, found)
        known = tuple(found)
        root._transfer_lint_nodes = known  # type: ignore[attr-defined]
    return known


def calls_in(root: ast.AST) -> tuple[ast.Call, ...]:
    """The calls among `nodes_of`. Memoised on the node."""
    known: tuple[ast.Call, ...] | None = getattr(root, "_transfer_lint_calls", None)
    if known is None:
        known = tuple(node for node in nodes_of(root) if isinstance(node, ast.Call))
        root._transfer_lint_calls = known  # type: ignore[attr-defined]
    return known


def span(node: ast.AST) -> tuple[int, int]:
    """The first and last line of a statement or expression."""
    first: int = getattr(node, "lineno", 0)
    return first, getattr(node, "end_lineno", None) or first


def path_to(body: Sequence[ast.stmt], target: ast.stmt) -> list[ast.stmt]:
    """The statements that hold the target, outermost first, and the target itself; empty if it is not in `body`."""
    for index in range(bisect_right(body, target.lineno, key=_line) - 1, -1, -1):
        statement = body[index]
        if statement is target:
            return [statement]
        if target in parents(statement):
            around = [node for node in ancestors(statement, target) if isinstance(node, ast.stmt)]
            return [*reversed(around), target]
        if span(statement)[1] < target.lineno:  # else several statements share a line
            break
    return []


def _line(statement: ast.stmt) -> int:
    return statement.lineno


def loops_around(body: Sequence[ast.stmt], target: ast.stmt) -> list[ast.stmt]:
    """The loops in `body` that repeat a statement, outermost first; the last may be the statement itself.

    What stands in the `else` of a loop comes after it.
    """
    path = path_to(body, target)
    inside: list[ast.stmt | None] = [*path[1:], None]
    return [
        loop
        for loop, held in zip(path, inside, strict=True)
        if isinstance(loop, LOOPS) and (held is None or held in loop.body)
    ]


def parents(root: ast.AST) -> Mapping[ast.AST, ast.AST]:
    """Each node below a node, and the node that holds it. Memoised on the root."""
    known: dict[ast.AST, ast.AST] | None = getattr(root, "_transfer_lint_parents", None)
    if known is None:
        known = {child: node for node in nodes_of(root) for child in children(node)}
        root._transfer_lint_parents = known  # type: ignore[attr-defined]
    return known


def ancestors(root: ast.AST, node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that hold a node, innermost first, up to the root."""
    known = parents(root)
    while (holder := known.get(node)) is not None:
        yield holder
        node = holder


def kinds_in(root: ast.AST) -> frozenset[type[ast.AST]]:
    """The kinds of all nodes of a piece of code. Memoised on the root."""
    known: frozenset[type[ast.AST]] | None = getattr(root, "_transfer_lint_kinds", None)
    if known is None:
        known = frozenset(map(type, nodes_of(root)))
        root._transfer_lint_kinds = known  # type: ignore[attr-defined]
    return known


def blocks_of(statement: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    """The blocks of a compound statement."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, None)
        if isinstance(block, list):
            yield block
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def block_with(body: Sequence[ast.stmt], target: ast.stmt) -> Sequence[ast.stmt]:
    """The innermost block that holds a statement: `body`, or one of a statement in it."""
    inner = (block for around in path_to(body, target)[-2:-1] for block in blocks_of(around))
    return next((block for block in inner if any(each is target for each in block)), body)


def defaults_of(arguments: ast.arguments) -> dict[str, ast.expr]:
    """Parameter name -> its default."""
    placed = [*arguments.posonlyargs, *arguments.args]
    last = placed[len(placed) - len(arguments.defaults) :]
    found = {parameter.arg: value for parameter, value in zip(last, arguments.defaults, strict=True)}
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return found | {parameter.arg: value for parameter, value in named if value is not None}


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
    parts = (ast.Constant, ast.List, ast.Tuple, ast.UnaryOp, ast.BinOp)
    return all(isinstance(part, parts) for part in nodes_of(node))


def attributes_assigned(node: ast.AST, owner: str) -> frozenset[str]:
    """The attributes of the name `owner` that are assigned or deleted in a piece of code."""
    return frozenset(
        part.attr
        for part in nodes_of(node)
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, _STORED)
        if isinstance(part.value, ast.Name) and part.value.id == owner
    )


def stores_of(root: ast.AST, name: str) -> Sequence[ast.Name | ast.Attribute]:
    """The names and attributes called `name` that are assigned or deleted in a piece of code. Memoised on the root."""
    known: dict[str, list[ast.Name | ast.Attribute]] | None = getattr(root, "_transfer_lint_stores", None)
    if known is None:
        known = {}
        for node in nodes_of(root):
            if isinstance(node, _NAMES) and isinstance(node.ctx, _STORED):
                known.setdefault(node.id if isinstance(node, ast.Name) else node.attr, []).append(node)
        root._transfer_lint_stores = known  # type: ignore[attr-defined]
    return known.get(name, ())


def names_in(root: ast.AST) -> frozenset[str]:
    """The names that a piece of code reads or binds."""
    return frozenset(part.id for part in nodes_of(root) if isinstance(part, ast.Name))


def spelled(node: ast.AST) -> str:
    """How a node is written, in one form for all that mean the same. Memoised on the node."""
    if isinstance(node, ast.Name):
        return node.id
    known: str | None = getattr(node, "_transfer_lint_text", None)
    if known is None:
        if isinstance(node, ast.Attribute) and isinstance(node.value, _NAMES):  # `unparse` is slow
            known = f"{spelled(node.value)}.{node.attr}"
        else:
            known = ast.unparse(node)
        node._transfer_lint_text = known  # type: ignore[attr-defined]
    return known


def spelled_in(node: ast.AST) -> frozenset[str]:
    """How the expressions in a piece of code are written. Memoised on the node."""
    known: frozenset[str] | None = getattr(node, "_transfer_lint_texts", None)
    if known is None:
        known = frozenset(spelled(part) for part in nodes_of(node) if isinstance(part, ast.expr))
        node._transfer_lint_texts = known  # type: ignore[attr-defined]
    return known


_LONG = 400  # columns or lines of code of which only the beginning is looked at


def written(node: ast.AST, limit: int = 60) -> str:
    """How a node is written, on one line of at most `limit` characters."""
    short = _beginning(node)
    text = " ".join(spelled(short).split())
    if short is not node:
        return text[: limit - 1] + "…"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _beginning(node: ast.AST) -> ast.AST:
    """The node; of one that is very long, a part with which it begins. Memoised on the node."""
    passed: list[ast.AST] = []
    while (known := getattr(node, "_transfer_lint_beginning", None)) is None:
        passed.append(node)
        first, last = span(node)
        long = last - first > _LONG or getattr(node, "end_col_offset", 0) - getattr(node, "col_offset", 0) > _LONG
        start = next((child for child in children(node) if isinstance(child, ast.expr)), None)
        if not long or start is None:
            known = node
            break
        node = start
    for one in passed:
        one._transfer_lint_beginning = known  # type: ignore[attr-defined]
    assert isinstance(known, ast.AST)
    return known


Binding: TypeAlias = "tuple[ast.expr, ast.expr | None]"
"""A target, and what is assigned, iterated or unpacked; None if that is not spelled."""


def bindings(function: ast.AST) -> tuple[Binding, ...]:
    """Every assignment in a piece of code. Memoised on the root."""
    known: tuple[Binding, ...] | None = getattr(function, "_transfer_lint_assignments", None)
    if known is None:
        known = tuple(_bindings(function))
        function._transfer_lint_assignments = known  # type: ignore[attr-defined]
    return known


def _bindings(function: ast.AST) -> Iterator[Binding]:
    for node in nodes_of(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from _assignments(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                yield target, value
            case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
                yield from ((part, value) for part in _targets(target))
            case ast.withitem(optional_vars=ast.expr() as target):
                yield from ((part, None) for part in _targets(target))


def _assignments(target: ast.expr, value: ast.expr) -> Iterator[Binding]:
    """What an assignment binds: `x` to `a`, and `y` to `b`, in `x, y = a, b`."""
    match target, value:
        case ast.Tuple(elts=parts), ast.Tuple(elts=values) if len(parts) == len(values):
            if not any(isinstance(part, ast.Starred) for part in (*parts, *values)):
                for part, inner in zip(parts, values, strict=True):
                    yield from _assignments(part, inner)
                return
    yield from ((part, value) for part in _targets(target))


def _targets(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for item in target.elts:
            yield from _targets(item)
    else:
        yield target.value if isinstance(target, ast.Starred) else target


def own_attribute(node: ast.expr) -> str | None:
    """`x` of `self.x`."""
    own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return node.attr if own and isinstance(node, ast.Attribute) else None
