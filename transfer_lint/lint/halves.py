"""Moves that would go alone where others that are written alike stay: what a reviewer takes for half a change.

Such a move stands beside the others in one call, one list or a run of assignments; or the same move stands in another
branch of an `if`, or near it that of another part of the same tensor.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import pairwise
from typing import TypeGuard

from transfer_lint.flow.program.syntax import ancestors, nodes_of, parents, spelled
from transfer_lint.flow.results.sites import Site


def halves(sites: Mapping[ast.Call, Site], kept: Set[ast.Call], unsafe: Set[ast.Call]) -> Set[ast.Call]:
    """The moves that are not to go, as one that is written alike would stay.

    sites: the moves that fixes would take away. kept: those of them that go whatever stays beside them. unsafe: those
    that go only where unsafe fixes are applied.
    """
    twins = {node: list(_twins(site)) for node, site in sites.items() if node not in kept}
    going = set(sites)
    while found := {
        node
        for node in going & twins.keys()
        if any(twin not in going or (twin in unsafe and node not in unsafe) for twin in twins[node])
    }:
        going -= found
    return sites.keys() - going


def _twins(site: Site) -> Iterator[ast.Call]:
    scope = site.function.node if site.function else site.module.tree
    for value in filter(_is_call, _neighbours(site, parents(scope))):
        moved = _moved_alike(site, value)
        if moved and _is_plain(moved) and _is_plain(site.moved) and not _is_same(moved, site.moved):
            yield value
    near = _around(site, scope)
    for node in filter(_is_call, nodes_of(near)):
        moved = _moved_alike(site, node)
        if moved is None or not _is_same(_whole(moved), _whole(site.moved)):
            continue
        same = _is_same(moved, site.moved)
        twin = _are_exclusive(scope, node, site.node) if same else (_is_part(moved) or _is_part(site.moved))
        if twin and _stores(site, near, scope, node) == _stores(site, near, scope, site.node):
            yield node


def _is_call(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call)


def _is_same(one: ast.AST, other: ast.AST) -> bool:
    return spelled(one) == spelled(other)


def _moved_alike(site: Site, call: ast.Call) -> ast.expr | None:
    """What another call moves that is written like the site's, but for what it moves."""
    if not isinstance(call.func, ast.Attribute) or call is site.node:
        return None
    alike = call.func.attr == site.method and _arguments(call) == _arguments(site.node)
    return call.func.value if alike else None


def _arguments(call: ast.Call) -> Sequence[str]:
    return [ast.dump(each) for each in (*call.args, *call.keywords)]


def _neighbours(site: Site, holders: Mapping[ast.AST, ast.AST]) -> Sequence[ast.AST]:
    """The other arguments or items, or the values of the assignments right above and below."""
    holder = holders.get(site.node)
    if isinstance(holder, ast.keyword):
        holder = holders.get(holder)
    match holder:
        case ast.Call(args=args, keywords=keywords):
            return [*args, *(each.value for each in keywords)]
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) | ast.Dict(values=items):
            return items
        case ast.Assign():
            return list(_run(site, holder, holders))
    return ()


def _run(site: Site, statement: ast.Assign, holders: Mapping[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    """The values of the assignments next to one that move something alike, without those that make what is moved."""
    fields = ast.iter_fields(holders[statement])
    block = next(value for _, value in fields if isinstance(value, list) and statement in value)
    at = block.index(statement)
    for others in (block[:at][::-1], block[at + 1 :]):
        for other in others:
            if not isinstance(other, ast.Assign) or not _is_call(other.value) or not _moved_alike(site, other.value):
                break
            makes = any(_is_same(_whole(site.moved), target) for target in other.targets)
            if not makes or other.lineno > site.node.lineno:
                yield other.value


def _is_plain(value: ast.expr) -> bool:
    """Whether it is a name, an attribute or an item: nothing that is computed first."""
    return isinstance(value, ast.Name | ast.Attribute | ast.Subscript) and not any(
        isinstance(node, ast.Call) for node in nodes_of(value)
    )


def _whole(value: ast.expr) -> ast.expr:
    """What a value is a part of: `v` of `v[0]`."""
    while _is_part(value):
        assert isinstance(value, ast.Subscript)
        value = value.value
    return value


def _is_part(value: ast.expr) -> bool:
    """Whether it is an item or a slice, and not what stands under a text: that is another thing."""
    if not isinstance(value, ast.Subscript):
        return False
    return not (isinstance(value.slice, ast.Constant) and isinstance(value.slice.value, str))


def _around(site: Site, scope: ast.AST) -> ast.stmt:
    """Where to look for the same move: the outermost `if` around the site in its loop or function, or its statement."""
    found = site.statement
    for node in ancestors(scope, found):
        if isinstance(node, ast.If):
            found = node
        elif not isinstance(node, ast.With | ast.AsyncWith):
            break
    return found


def _are_exclusive(scope: ast.AST, one: ast.AST, other: ast.AST) -> bool:
    """Whether at most one of two nodes runs: they stand in different branches of an `if`."""
    inside = {node: below for below, node in pairwise([one, *ancestors(scope, one)])}
    for below, node in pairwise([other, *ancestors(scope, other)]):
        if node in inside:
            if not isinstance(node, ast.If) or node.test in (inside[node], below):
                return False
            return (inside[node] in node.body) != (below in node.body)
    return False


def _stores(site: Site, near: ast.stmt, scope: ast.AST, call: ast.Call) -> Set[ast.AST]:
    """The assignments before a call, near it, that may make what is moved there."""
    names = {spelled(node) for node in nodes_of(site.moved) if isinstance(node, ast.Name | ast.Attribute)}
    return {
        node
        for node in nodes_of(near)
        if isinstance(node, ast.Name | ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and node.lineno < call.lineno
        and spelled(node) in names
        and not _are_exclusive(scope, node, call)
    }
