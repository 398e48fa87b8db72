"""Duplicates: transfers of a value that an earlier transfer, which dominates them, has moved already."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transfer_lint.flow.ask.dominance import dominates, last_line
from transfer_lint.flow.ask.mutations import is_written_to, memory_of, on_lines
from transfer_lint.flow.program.syntax import blocks_of, is_plain, names_in, nodes_of, parents, span, spelled
from transfer_lint.flow.results.mutations import Mutation
from transfer_lint.flow.results.sites import Site


@dataclass(frozen=True)
class EarlierCopy:
    """The copy from an earlier transfer of the same value to the same place.

    line: the line of that transfer.
    name: the local name that still holds the copy; None if there is none.
    untouched: nothing may have written to a tensor since.
    """

    line: int
    name: str | None
    untouched: bool


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
        first, last = _reach(other)
        if not first <= site.statement.lineno <= last:
            continue
        if other is site or other.function is not function or other.receiver.ident is not site.receiver.ident:
            continue
        if not same_target(site, other) or other.inline or other.in_handler or not other.yields_copy:
            continue
        if not dominates(other, site) or is_written_to(other, mutations):
            continue
        between = mutations_between(other, site, mutations)
        if not any(m.sure and m.tensor in {*memory_of(site), other.result} for m in between):
            return other
    return None


def alike_before(site: Site, sites: Sequence[Site], mutations: Sequence[Mutation]) -> Site | None:
    """The transfer that dominates the site and moves what is written like its value to the same place; None if none.

    `.detach()` and `.clone()` make no other values. It only seems the same value: nothing between the two is written
    as if it changed it.
    """
    value = _without_copies(site.moved)
    root = _root(value)
    if site.function is None or site.inline or root is None or not is_plain(value) or is_written_to(site, mutations):
        return None
    for other in sites:
        if other is site or other.function is not site.function or other.node.lineno > site.node.lineno:
            continue
        if spelled(_without_copies(other.moved)) != spelled(value) or other.inline or other.in_handler:
            continue
        if isinstance(site.moved, ast.Name) and isinstance(other.moved, ast.Name):
            continue  # what is known of a local decides
        if not same_target(site, other) or not dominates(other, site):
            continue
        if any(is_bound_between(name, other, site) for name in names_in(value)):
            continue
        first, last = other.node.end_lineno or 0, last_line(other, site)
        parts = [part for part in nodes_of(site.function.node) if first < getattr(part, "lineno", 0) <= last]
        if not is_written_to(other, mutations) and not any(_may_change(part, root, site) for part in parts):
            return other
    return None


def _without_copies(node: ast.expr) -> ast.expr:
    """`x` of `x.detach().clone()`."""
    while True:
        match node:
            case ast.Call(
                func=ast.Attribute(value=inner, attr="clone" | "contiguous" | "detach"), args=[], keywords=[]
            ):
                node = inner
            case ast.Attribute(value=inner, attr="data"):
                node = inner
            case _:
                return node


def _root(node: ast.expr) -> str | None:
    """The name at which a name, attribute or item begins."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _may_change(part: ast.AST, root: str, site: Site) -> bool:
    """Whether a part of the code may change what the name holds: a step of an optimizer, a call, or an assignment."""
    match part:
        case ast.Attribute(value=value, ctx=ast.Store()) | ast.Subscript(value=value, ctx=ast.Store()):
            return _root(value) == root
        case ast.keyword(arg="out", value=value):
            return _root(value) == root
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=args):
            if name == "step" or (name.endswith("_") and _root(value) == root):
                return True
        case ast.Call(args=args):
            pass
        case _:
            return False
    held = isinstance(_without_copies(site.moved), ast.Attribute | ast.Subscript)  # else it is a local
    given = [part.func.value if isinstance(part.func, ast.Attribute) else part.func, *args]
    return held and any(isinstance(each, ast.Name) and each.id == root for each in given)


def mutations_between(first: Site, second: Site, mutations: Sequence[Mutation]) -> Sequence[Mutation]:
    """The mutations that may run after the first transfer and before the second."""
    return on_lines(mutations, first.node.end_lineno or first.node.lineno, last_line(first, second))


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
    begin, end = first.statement.end_lineno or 0, last_line(first, second)
    lines = _binding_lines(first.function.node).get(name, ())
    return bisect_right(lines, begin) < bisect_right(lines, end)


def _binding_lines(function: ast.AST) -> Mapping[str, Sequence[int]]:
    """Name -> the lines of a function that bind or delete it, in order. Memoised on the function."""
    known: dict[str, list[int]] | None = getattr(function, "_transfer_lint_bindings", None)
    if known is None:
        known = {}
        for node in nodes_of(function):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                known.setdefault(node.id, []).append(node.lineno)
        for lines in known.values():
            lines.sort()
        function._transfer_lint_bindings = known  # type: ignore[attr-defined]
    return known


def _reach(site: Site) -> tuple[int, int]:
    """The lines of the statements that the site may dominate: from its own to the end of the block that holds it.

    Memoised on the statement, for that function.
    """
    statement = site.statement
    function = site.function.node if site.function is not None else None
    holder, known = getattr(statement, "_transfer_lint_reach", (None, None))
    if known is None or holder is not function:
        end = span(statement)[1]
        around = parents(site.function.node).get(statement) if site.function is not None else None
        inside: ast.AST = statement
        while around is not None:
            blocks = blocks_of(around) if isinstance(around, ast.stmt) else iter([getattr(around, "body", [])])
            end = max((span(block[-1])[1] for block in blocks if any(s is inside for s in block)), default=end)
            if not isinstance(around, ast.With | ast.AsyncWith) or site.function is None:
                break
            inside, around = around, parents(site.function.node).get(around)
        known = (statement.lineno, end)
        statement._transfer_lint_reach = function, known  # type: ignore[attr-defined]
    return known[0], known[1]
