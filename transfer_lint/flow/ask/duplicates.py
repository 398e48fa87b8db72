"""Duplicates: transfers of a value that an earlier transfer, which dominates them, has moved already."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from transfer_lint.flow.ask.mutations import is_written_to, memory_of, on_lines
from transfer_lint.flow.program.syntax import LOOPS, blocks_of, is_plain, nodes_of, path_to, span
from transfer_lint.flow.results.mutations import Mutation
from transfer_lint.flow.results.sites import Site

_PERHAPS = (ast.IfExp, ast.BoolOp, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
"""Expressions with a part that may not run."""


def earlier_transfer(site: Site, sites: Sequence[Site], mutations: Sequence[Mutation]) -> Site | None:
    """The transfer that dominates the site and moves the same value to the same place; None if there is none.

    None, too, if something certainly writes to the value or to a copy of it. A possible write does not count here.
    """
    function = site.function
    if function is None or site.inline or not site.yields_copy or not is_plain(site.moved):
        return None
    if is_written_to(site, mutations):
        return None
    for other in sites:
        if other is site or other.function is not function or other.receiver.ident is not site.receiver.ident:
            continue
        if not same_target(site, other) or other.inline or other.in_handler or not other.yields_copy:
            continue
        if not _dominates(other, site) or is_written_to(other, mutations):
            continue
        between = mutations_between(other, site, mutations)
        if not any(m.sure and m.tensor in {*memory_of(site), other.result} for m in between):
            return other
    return None


def mutations_between(first: Site, second: Site, mutations: Sequence[Mutation]) -> Iterator[Mutation]:
    """The mutations that may run after the first transfer and before the second."""
    return on_lines(mutations, first.node.end_lineno or first.node.lineno, _last_line(first, second))


def same_target(one: Site, other: Site) -> bool:
    """Whether two transfers ask for the same placement, and `other` does nothing if the value has it already."""
    for mine, theirs in ((one.request.device, other.request.device), (one.request.dtype, other.request.dtype)):
        if (mine is None) != (theirs is None):
            return False
        if mine is not None and theirs is not None and mine.known.term != theirs.known.term:
            return False
    return one.request.device is not None and other.request.plain and not one.request.ambiguous


def name_of_result(site: Site) -> str | None:
    """The local name that the moved value is assigned to; None if there is none."""
    match site.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is site.node:
            return name
    return None


def is_bound_between(name: str, first: Site, second: Site) -> bool:
    """Whether a name may be bound again between two transfers of a function. `first` runs before `second`."""
    assert first.function is not None
    begin, end = first.statement.end_lineno or 0, _last_line(first, second)
    return any(
        begin < node.lineno <= end
        for node in nodes_of(first.function.node)
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
    )


def _dominates(first: Site, second: Site) -> bool:
    """Whether the first dominates the second: it always runs before it, in the same iteration of every loop."""
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
    # In the block that holds both, every path must run the first: only `with` may surround it there.
    entered = all(isinstance(statement, ast.With | ast.AsyncWith) for statement in own[shared:-1])
    return entered and own[shared].lineno < path[shared].lineno and _in_one_block(path, own, shared, first)


def _in_one_block(path: list[ast.stmt], own: list[ast.stmt], shared: int, site: Site) -> bool:
    assert site.function is not None
    blocks = blocks_of(path[shared - 1]) if shared else iter([site.function.node.body])
    return any(any(s is path[shared] for s in block) and any(s is own[shared] for s in block) for block in blocks)


def _holds(node: ast.AST, part: ast.AST) -> bool:
    return any(inner is part for inner in nodes_of(node))


def _last_line(first: Site, second: Site) -> int:
    """The last line that may run before the second: its own, or the end of the outermost loop around it alone."""
    assert first.function is not None
    around = path_to(first.function.node.body, first.statement)
    for statement in path_to(first.function.node.body, second.statement):
        if isinstance(statement, LOOPS) and not any(statement is outer for outer in around):
            return span(statement)[1]
    return second.node.lineno


def _position(site: Site) -> tuple[int, int]:
    return site.node.end_lineno or site.node.lineno, site.node.end_col_offset or 0
