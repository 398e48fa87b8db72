"""`m.to(d)` of a module runs only if one of its parameters or buffers is elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain, count

import libcst as cst

from .actions import GuardForm, GuardModule
from .binding import Fit, fit
from .evaluation import harmless
from .imports import chain_spelling
from .site import Site, Test
from .syntax import Refused, Room, assign, dotted, expression, lines_joined, standalone

_BUILTIN = {GuardForm.EXACT: "any", GuardForm.FIRST_TENSOR: "next", GuardForm.CACHED: "getattr"}


def guard_module(site: Site, action: GuardModule) -> cst.BaseExpression:
    """The expression that replaces the call. Raises Refused.

    A whole statement `m.to(d)` or `m = m.to(d)` goes under an `if`. In any other statement the guarded call goes before
    the statement and the module replaces the call, because `Module.to` moves in place and returns the module. If the
    order of evaluation forbids that, and in `self.m = self.m.to(d)`, the guard is a ternary.
    """
    if site.place.in_class:
        raise Refused("A generator in a class body does not see the names of that body.")
    if action.form is GuardForm.FIRST_TENSOR and not site.place.walrus:
        raise Refused("The guard needs a new name, and none can be bound here.")
    cached = action.form is GuardForm.CACHED
    before = _may_go_before(site)
    if cached and not (before or site.is_whole_statement):
        raise Refused("A cached guard is a statement, and none can be put before this one.")
    owner = _owner(site) if cached else ""
    site.draft.names.demand_builtin(_BUILTIN[action.form])

    ready = fit(site, action.target)
    after: list[cst.BaseStatement] = []
    if cached:
        memory = site.draft.names.shared(f"_{ready.receiver.rpartition('.')[2].strip('_') or 'module'}_placed")
        placed = f"({', '.join([ready.receiver, *(wanted for _, wanted in ready.halves)])})"
        after.append(assign(f"{owner}.{memory}", expression(placed)))
        test = _fixed(f'getattr({owner}, "{memory}", None) != {placed}')
    elif action.form is GuardForm.FIRST_TENSOR:
        test = _first_elsewhere(ready, site.draft.names.fresh("first", site.place.scope), chain_spelling(site))
    else:
        test = _any_elsewhere(ready, chain_spelling(site))

    if site.is_whole_statement:
        site.guard_own_statement(test, after)
        return ready.call
    if before and (cached or site.assigned_to != dotted(site.receiver)):
        site.guard_before(test, [cst.SimpleStatementLine([cst.Expr(standalone(ready.call))]), *after])
        site.draft.residue[site.original] = None
        return expression(ready.receiver)
    return site.choose(ready.call, test, expression(ready.receiver))


def _may_go_before(site: Site) -> bool:
    """Whether the move may run before everything else in its statement.

    It changes attributes of the module in place, so no attribute may be read before it, except to be called.
    """
    parents, residue = site.draft.parents, site.draft.residue

    def called(node: cst.CSTNode) -> bool:
        parent = parents[node]
        return isinstance(parent, cst.Call) and parent.func is node

    return site.place.statement is not None and all(
        harmless(node, residue, attributes=called(node)) for node in site.place.earlier
    )


def _any_elsewhere(ready: Fit, chain_name: str) -> Test:
    """The test whether the move would change some parameter or buffer."""
    taken = re.findall(r"\w+", " ".join([ready.receiver, *(wanted for _, wanted in ready.halves)]))
    tensor = next(name for name in chain(("t", "tensor"), map("tensor_{}".format, count(2))) if name not in taken)
    terms = _elsewhere(tensor, ready)
    loop = f"for {tensor} in {_tensors(ready, chain_name)}"

    def test(room: Room) -> str:
        condition = " or ".join(terms)
        if room.fits(line := f"any({condition} {loop})"):
            return line
        inner = [condition] if room.fits_inside(condition) else _rows(terms, room)
        return room.bracketed("any(", [*inner, *_over_lines(loop, room)], ")")

    return test


def _first_elsewhere(ready: Fit, first: str, chain_name: str) -> Test:
    """The test whether the move would change the first parameter or buffer; false for a module without any."""
    terms = _elsewhere(first, ready)
    taken = f"next({_tensors(ready, chain_name)}, None)"

    def test(room: Room) -> str:
        if len(terms) == 1:
            return room.joined([f"({first} := {taken}) is not None", terms[0]], "and")
        if room.fits(line := f"({first} := {taken}) is not None and ({' or '.join(terms)})"):
            return line
        opening = f"({first} := {taken}) is not None and ("
        if not room.fits(opening):
            opening = f"{room.bracketed('(', [f'{first} := {taken}'], ')')} is not None and ("
        return room.bracketed(opening, _rows(terms, room), ")")

    return test


def _rows(terms: list[str], room: Room) -> list[str]:
    """Terms joined by `or`, each on a line inside the test's brackets; `(a and b)` on several if need be."""
    rows = lines_joined(terms, "or")
    if len(terms) > 1 and not room.fits_inside(rows[1]):
        halves = terms[1][1:-1].split(" and ", 1)
        inner = replace(room, margin=room.margin + room.indent)
        rows[1] = inner.bracketed("or (", lines_joined(halves, "and"), ")")
    return rows


def _over_lines(loop: str, room: Room) -> list[str]:
    """`for t in chain(a, b)`, with the arguments on one line of their own, or on one each, where it does not fit."""
    if room.fits_inside(loop):
        return [loop]
    head, _, arguments = loop.removesuffix(")").partition("(")
    inside = replace(room, margin=room.margin + room.indent)
    lines = [arguments] if inside.fits_inside(arguments) else [f"{each}," for each in arguments.split(", ")]
    return [f"{head}(", *(f"{room.indent}{line}" for line in lines), ")"]


def _tensors(ready: Fit, chain_name: str) -> str:
    return f"{chain_name}({ready.receiver}.parameters(), {ready.receiver}.buffers())"


def _elsewhere(tensor: str, ready: Fit) -> list[str]:
    """Conditions of which one holds if `Module.to` would change the tensor: it casts only floating and complex ones."""
    terms = []
    for half, wanted in ready.halves:
        differs = f"{tensor}.{half} != {wanted}"
        if half == "dtype":
            differs += f" and ({tensor}.is_floating_point() or {tensor}.is_complex())"
        terms.append(f"({differs})" if half == "dtype" and len(ready.halves) > 1 else differs)
    return terms


def _fixed(line: str) -> Test:
    return lambda room: line


def _owner(site: Site) -> str:
    """The name of the instance whose method holds the call. Raises Refused if no instance can store the last move."""
    method = site.place.scope
    body = site.draft.parents.get(method)
    owner = site.draft.parents.get(body) if body else None
    if isinstance(method, cst.FunctionDef) and isinstance(owner, cst.ClassDef):
        decorators = {dotted(item.decorator) for item in method.decorators}
        slotted = any(
            isinstance(line, cst.SimpleStatementLine)
            and any(
                isinstance(item, cst.Assign) and dotted(item.targets[0].target) == "__slots__" for item in line.body
            )
            for line in owner.body.body
        )
        params = [*method.params.posonly_params, *method.params.params]
        if params and not slotted and not decorators & {"staticmethod", "classmethod"}:
            return params[0].name.value
    raise Refused("A cached guard remembers on `self`, and the call is not in a method of an instance that can.")
