"""Transfers that do what has been done: in every round of a loop, or once more on the same path."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from transfer_lint.flow.blocks import blocks_of, path_to, span
from transfer_lint.flow.changes import Change
from transfer_lint.flow.sites import Site
from transfer_lint.flow.values import Object, Symbol, Tensor
from transfer_lint.flow.walking import nodes_of

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_PERHAPS = (ast.IfExp, ast.BoolOp, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def loops_without_change(site: Site, changes: Sequence[Change], proved: bool = True) -> list[ast.stmt]:
    """The loops around a transfer, from the inside out, in which it moves the same value to the same place each time.

    None where something in the loop surely writes to the value. Not `proved`: the target need only be spelled alike;
    an unknown call may change it between two rounds.
    """
    function = site.function
    if function is None or site.inline or not is_value(site) or not _is_plain(site.attribute.value):
        return []
    found: list[ast.stmt] = []
    path = path_to(function.node.body, site.statement)
    if is_done_once(site) or _is_written_to(site, changes):
        return []
    for loop in reversed([statement for statement in path if isinstance(statement, _LOOPS)]):
        first, last = span(loop)
        if loop is site.statement or _is_made_within(site, first, last, proved) or _is_assigned_in(loop, site):
            break
        if any(c.sure and c.tensor in _memory(site) for c in within(changes, first, last)):
            break
        found.append(loop)
    return found


def earlier_twin(site: Site, sites: Sequence[Site], changes: Sequence[Change]) -> Site | None:
    """The transfer that surely has moved the same value to the same place before, unless something may since have
    written to the value, or to what was made of it."""
    function = site.function
    if function is None or site.inline or not is_value(site) or not _is_plain(site.attribute.value):
        return None
    if _is_written_to(site, changes):
        return None
    for other in sites:
        if other is site or other.function is not function or other.receiver.ident is not site.receiver.ident:
            continue
        if not same_target(site, other) or other.inline or other.in_handler or not is_value(other):
            continue
        if not _runs_before(other, site) or _is_written_to(other, changes):
            continue
        between = changes_between(other, site, changes)
        if not any(c.sure and c.tensor in {*_memory(site), other.result} for c in between):
            return other
    return None


def changes_between(first: Site, second: Site, changes: Sequence[Change]) -> Iterator[Change]:
    """What may have written to tensors after the first transfer when the second runs."""
    return within(changes, first.node.end_lineno or first.node.lineno, _last_line(first, second))


def _memory(site: Site) -> frozenset[Symbol | None]:
    """What stands for the value that is moved, what it may share memory with, and the moved value."""
    own = site.receiver.memory() if isinstance(site.receiver, Tensor) else {site.receiver.ident}
    return frozenset({*own, site.result})


def _is_written_to(site: Site, changes: Sequence[Change]) -> bool:
    """Whether the function surely writes to what the transfer makes, wherever that is: it needs a copy of its own."""
    assert site.function is not None
    return any(change.sure and change.tensor is site.result for change in within(changes, *span(site.function.node)))


def is_done_once(site: Site) -> bool:
    """Whether the result is assigned under an `if` that asks for what it is assigned to: `if y is None: y = ...`."""
    if not isinstance(site.statement, ast.Assign) or site.function is None:
        return False
    targets = {ast.unparse(target) for target in site.statement.targets} - {ast.unparse(site.attribute.value)}
    return any(
        isinstance(node, ast.expr) and ast.unparse(node) in targets
        for statement in path_to(site.function.node.body, site.statement)
        if isinstance(statement, ast.If)
        for node in nodes_of(statement.test)
    )


def is_value(site: Site) -> bool:
    """Whether the result is used, and is no module: then it is the moved copy."""
    bare = isinstance(site.statement, ast.Expr) and site.statement.value is site.node
    return not bare and (
        isinstance(site.receiver, Tensor) or (isinstance(site.receiver, Object) and site.receiver.cls is None)
    )


def has_name(site: Site) -> str | None:
    """The local name that the moved value gets."""
    match site.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is site.node:
            return name
    return None


def is_bound_between(name: str, first: Site, second: Site) -> bool:
    """Whether a name may be bound anew between two transfers of a function, the first of which runs before."""
    assert first.function is not None
    begin, end = first.statement.end_lineno or 0, _last_line(first, second)
    return any(
        begin < node.lineno <= end
        for node in nodes_of(first.function.node)
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
    )


def within(changes: Sequence[Change], first: int, last: int) -> Iterator[Change]:
    """The changes on some lines."""
    return (change for change in changes if first <= change.position[0] <= last)


def _is_plain(node: ast.expr) -> bool:
    """A name, an attribute, or an item under a constant key: reading it again has no effect."""
    match node:
        case ast.Name():
            return True
        case ast.Attribute(value=value):
            return _is_plain(value)
        case ast.Subscript(value=value, slice=ast.Constant()):
            return _is_plain(value)
    return False


def _is_made_within(site: Site, first: int, last: int, target_too: bool) -> bool:
    """Whether some lines make the value that is moved, or what says where to."""
    halves = (site.request.device, site.request.dtype) if target_too else ()
    symbols = [half.known.term.symbol for half in halves if half is not None]
    return any(symbol is not None and symbol.made_within(first, last) for symbol in (site.receiver.ident, *symbols))


def _is_assigned_in(loop: ast.stmt, site: Site) -> bool:
    """Whether the loop binds or deletes a name, attribute or item that the call is spelled with."""
    parts = [site.attribute.value, *site.node.args, *(keyword.value for keyword in site.node.keywords)]
    if not all(_is_plain(part) or isinstance(part, ast.Constant) or _is_stable(part, site) for part in parts):
        return True
    read = {ast.unparse(node) for part in parts for node in nodes_of(part) if isinstance(node, ast.expr)}
    for node in nodes_of(loop):
        bound = isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
        if bound and isinstance(node, ast.expr) and ast.unparse(node) in read:
            return True
        names = (getattr(node, "name", None), getattr(node, "rest", None), getattr(node, "asname", None))
        if any(isinstance(name, str) and name in read for name in names):
            return True
    return False


def _is_stable(node: ast.expr, site: Site) -> bool:
    halves = (site.request.device, site.request.dtype)
    spelled = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
    return any(
        h is not None and h.repeatable and h.argument is not None and spelled[h.argument] is node for h in halves
    )


def same_target(one: Site, other: Site) -> bool:
    """Whether two transfers ask for the same placement, and the second for no copy of what is there."""
    for mine, theirs in ((one.request.device, other.request.device), (one.request.dtype, other.request.dtype)):
        if (mine is None) != (theirs is None):
            return False
        if mine is not None and theirs is not None and mine.known.term != theirs.known.term:
            return False
    return one.request.device is not None and other.request.plain and not one.request.ambiguous


def _runs_before(first: Site, second: Site) -> bool:
    """Whether the first surely has run, in the same round of every loop, when the second does."""
    assert first.function is not None
    here, there = first.statement, second.statement
    if any(isinstance(node, _PERHAPS) for node in nodes_of(here) if _holds(node, first.node)):
        return False
    if here is there:
        return _position(first) < _position(second) and not any(
            isinstance(node, _PERHAPS) or (isinstance(node, ast.stmt) and node is not here) for node in nodes_of(here)
        )
    path = path_to(first.function.node.body, there)
    own = path_to(first.function.node.body, here)
    shared = 0
    while shared < min(len(path), len(own)) and path[shared] is own[shared]:
        shared += 1
    if not own or shared >= len(own) or shared >= len(path):
        return False
    # From the block that both stand in, the first must be met on every way: only `with` and `try` may hold it.
    entered = all(isinstance(statement, ast.With | ast.AsyncWith) for statement in own[shared:-1])
    return entered and own[shared].lineno < path[shared].lineno and _in_one_block(path, own, shared, first)


def _in_one_block(path: list[ast.stmt], own: list[ast.stmt], shared: int, site: Site) -> bool:
    assert site.function is not None
    blocks = blocks_of(path[shared - 1]) if shared else iter([site.function.node.body])
    return any(any(s is path[shared] for s in block) and any(s is own[shared] for s in block) for block in blocks)


def _holds(node: ast.AST, part: ast.AST) -> bool:
    return any(inner is part for inner in nodes_of(node))


def _last_line(first: Site, second: Site) -> int:
    """Up to which line something may happen before the second runs: all of a loop that is around it alone."""
    assert first.function is not None
    around = path_to(first.function.node.body, first.statement)
    for statement in path_to(first.function.node.body, second.statement):
        if isinstance(statement, _LOOPS) and not any(statement is outer for outer in around):
            return span(statement)[1]
    return second.node.lineno


def _position(site: Site) -> tuple[int, int]:
    return site.node.end_lineno or site.node.lineno, site.node.end_col_offset or 0
