"""Loop invariance: transfers that move the same value to the same place in every iteration of a loop."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from transfer_lint.flow.ask.mutations import is_written_to, memory_of, on_lines
from transfer_lint.flow.program.syntax import (
    ancestors,
    is_plain,
    kinds_in,
    loops_around,
    nodes_of,
    path_to,
    span,
    spelled,
    spelled_in,
)
from transfer_lint.flow.results.mutations import Mutation
from transfer_lint.flow.results.sites import Site


@dataclass(frozen=True)
class Invariance:
    """A transfer that is loop-invariant: it does the same in every iteration of the loops around it.

    loops: the number of these loops, counted from the innermost.
    line: the first line of the outermost of them.
    proved: the value and the target are proved to stay the same; else they are only spelled alike.
    untouched: nothing in the loops may write to a tensor.
    """

    loops: int
    line: int
    proved: bool
    untouched: bool


def replaces_itself(site: Site) -> bool:
    """Whether a loop binds a name to nothing but its own moved copy: `x = x.to(d)`, which is there from then on."""
    function, moved = site.function, site.moved
    match site.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is site.node:
            if not isinstance(moved, ast.Name) or moved.id != name or function is None:
                return False
        case _:
            return False
    stores = [
        node
        for loop in loops_around(function.node.body, site.statement)[-1:]
        for node in nodes_of(loop)
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
    ]
    return len(stores) == 1


def invariant_loops(site: Site, mutations: Sequence[Mutation], proved: bool = True) -> list[ast.AST]:
    """The loops and comprehensions in which a transfer moves the same value to the same place each time, from inside.

    A loop in which something certainly writes to the value does not count, nor does any loop around it.
    proved: if False, value and target need only be spelled alike; an unknown call may change them in between.
    """
    function = site.function
    if function is None or not site.yields_copy or not _is_read_again(site.moved):
        return []
    found: list[ast.AST] = []
    if is_memoised(site) or is_written_to(site, mutations):
        return []
    inline = _comprehensions(site)
    if site.inline and not inline:
        return []
    for loop in (*inline, *reversed(loops_around(function.node.body, site.statement))):
        first, last = span(loop)
        if loop is site.statement or (proved and _is_made_within(site, first, last)) or _is_assigned_in(loop, site):
            break
        if any(m.sure and m.tensor in memory_of(site) for m in on_lines(mutations, first, last)):
            break
        found.append(loop)
    return found


def _is_read_again(node: ast.expr) -> bool:
    """Whether reading a value again gives the same one: it is plain, perhaps detached."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr="detach"), args=[], keywords=[]):
            return is_plain(value)
    return is_plain(node)


def _comprehensions(site: Site) -> list[ast.expr]:
    """The comprehensions that evaluate the transfer for each of their items, innermost first."""
    kinds = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
    inside = kinds_in(site.statement)
    if ast.Lambda in inside or inside.isdisjoint(kinds):
        return []
    found = [node for node in ancestors(site.statement, site.node) if isinstance(node, kinds)]
    return [node for node in found if site.node not in nodes_of(node.generators[0].iter)]


def is_memoised(site: Site) -> bool:
    """Whether the result is assigned under an `if` that tests the target of the assignment: `if y is None: y = ...`."""
    if not isinstance(site.statement, ast.Assign) or site.function is None:
        return False
    targets = {spelled(target) for target in site.statement.targets} - {spelled(site.moved)}
    around = path_to(site.function.node.body, site.statement)
    return any(isinstance(statement, ast.If) and targets & spelled_in(statement.test) for statement in around)


def _is_made_within(site: Site, first: int, last: int) -> bool:
    """Whether lines first..last make the value that is moved, or the target."""
    halves = (site.request.device, site.request.dtype)
    symbols = [half.known.term.symbol for half in halves if half is not None]
    return any(symbol is not None and symbol.made_within(first, last) for symbol in (site.receiver.ident, *symbols))


def _is_assigned_in(loop: ast.AST, site: Site) -> bool:
    """Whether the loop may change the value of the call: it binds or deletes something that the call is spelled with.

    Or an attribute of that name of anything, which may be the same object. Also true if a part of the call is neither
    plain nor a constant nor a stable argument.
    """
    parts = [site.moved, *site.node.args, *(keyword.value for keyword in site.node.keywords)]
    if not all(_is_read_again(part) or isinstance(part, ast.Constant) or _is_stable(part, site) for part in parts):
        return True
    read = {spelled(node) for part in parts for node in nodes_of(part) if isinstance(node, ast.expr)}
    attributes = {node.attr for part in parts for node in nodes_of(part) if isinstance(node, ast.Attribute)}
    for node in nodes_of(loop):
        bound = isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
        if bound and isinstance(node, ast.expr) and (spelled(node) in read or getattr(node, "attr", "") in attributes):
            return True
        names = (getattr(node, "name", None), getattr(node, "rest", None), getattr(node, "asname", None))
        if any(isinstance(name, str) and name in read for name in names):
            return True
    return False


def _is_stable(node: ast.expr, site: Site) -> bool:
    halves = (site.request.device, site.request.dtype)
    arguments = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
    return any(
        h is not None and h.repeatable and h.argument is not None and arguments[h.argument] is node for h in halves
    )
