"""`x.to(d).to(t)` becomes `x.to(d, dtype=t)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import libcst as cst

from .actions import Half, MergeTransfer, Target
from .arguments import inserted, keyword, spelled, value_of
from .binding import compared_with, demand_understood, halves_of, repeatable
from .site import Site
from .syntax import Refused, receiver_of

_KEYWORDS = ("device", "dtype", "other", "tensor", "non_blocking", "copy")
_DROPPED = "An argument that would go does more than to name a placement."


@dataclass(frozen=True)
class _Link:
    """One call of the chain.

    first: how many arguments the chain evaluates before those of this call. `first` plus an argument's index is the
    argument's turn.
    """

    call: cst.Call
    target: Target
    first: int

    def free(self) -> dict[int, bool]:
        """Turn -> whether the argument may be evaluated at any time, or never."""
        halves = halves_of(self.target)
        return {self.first + i: repeatable(arg, i, halves) for i, arg in enumerate(self.call.args)}

    def turn(self, half: Half) -> int | None:
        """The turn of the argument that gives a half; None if the method's name gives it."""
        return None if half.argument is None else self.first + half.argument


def merge_transfer(site: Site, action: MergeTransfer) -> cst.BaseExpression:
    """One call that replaces two. Raises Refused.

    If one of them gives the whole target, it stays unchanged. Else the call that gives the device becomes a `.to`, and
    takes the dtype; its `non_blocking` stays. Arguments are evaluated in the same order, or the order does not matter.

    If both calls give the same half differently, a value that ends where it began is no longer copied, and a value that
    would lose bits on the way keeps them. The plan has to know that this does no harm.
    """
    inner, outer = _links(site, action)
    free = {**inner.free(), **outer.free()}
    if not halves_of(_left_to(inner.target, outer.target)):
        if not all(inner.free().values()):
            raise Refused(_DROPPED)
        site.draft.rewritten[site.original] = outer.target
        return _after(inner.call, outer.call)
    inner = replace(inner, target=spelled(site, inner.call, inner.target))
    outer = replace(outer, target=spelled(site, outer.call, outer.target))
    if all(free.values()) and _says_nothing_new(inner, outer):
        site.draft.rewritten[site.original] = inner.target
        return _instead_of(outer.call, inner.call)
    if outer.target.device:
        call, target = _joined(outer, inner, free)
        new = _after(inner.call, call)
    else:
        call, target = _joined(inner, outer, free)
        new = _instead_of(outer.call, call)
    site.draft.rewritten[site.original] = target
    return new


def _links(site: Site, action: MergeTransfer) -> tuple[_Link, _Link]:
    """Both calls with their targets. Raises Refused unless both calls are understood."""
    original = cst.ensure_type(site.original.func, cst.Attribute).value
    call = site.receiver
    if not isinstance(original, cst.Call) or not isinstance(original.func, cst.Attribute):
        raise Refused("The receiver is not a call that this one could be merged with.")
    target = site.draft.rewritten.get(original, action.inner)
    if target is None or not isinstance(call, cst.Call):
        raise Refused("The inner call of the chain has become something else.")
    inner = _Link(call, target, 0)
    outer = _Link(site.call, action.outer, len(call.args))
    if action.cast:
        outer = replace(outer, target=Target(action.outer.device, Half(None, wrap=action.cast)))
    for link in (inner, outer):
        demand_understood(link.call, Target(_said(link.target.device), _said(link.target.dtype)))
        if any(arg.keyword and arg.keyword.value not in _KEYWORDS for arg in link.call.args):
            raise Refused("A call of the chain has an argument that transfers do not have.")
    return inner, outer


def _said(half: Half | None) -> Half | None:
    """The half; without a spelling if the method's name gives it, because a spelling may never be needed."""
    return replace(half, wrap="") if half and half.argument is None else half


def _left_to(inner: Target, outer: Target) -> Target:
    """The halves that the outer call leaves to the inner one."""
    return Target(None if outer.device else inner.device, None if outer.dtype else inner.dtype)


def _says_nothing_new(inner: _Link, outer: _Link) -> bool:
    """Whether the outer call asks for nothing that the inner call does not give."""
    asked = {name: compared_with(half, inner.call.args) for name, half in halves_of(inner.target)}
    return all(asked.get(name) == compared_with(half, outer.call.args) for name, half in halves_of(outer.target))


def _after(inner: cst.Call, outer: cst.Call) -> cst.Call:
    """The outer call on the inner one's receiver."""
    func = cst.ensure_type(outer.func, cst.Attribute)
    return outer.with_changes(func=func.with_changes(value=receiver_of(inner)))


def _instead_of(outer: cst.Call, inner: cst.Call) -> cst.Call:
    """The inner call, with the parentheses that were around it and around the outer call."""
    func = cst.ensure_type(outer.func, cst.Attribute)
    return inner.with_changes(lpar=[*outer.lpar, *func.lpar, *inner.lpar], rpar=[*inner.rpar, *func.rpar, *outer.rpar])


def _joined(base: _Link, other: _Link, free: Mapping[int, bool]) -> tuple[cst.Call, Target]:
    """`base`, the call that gives the device, with the dtype of `other`; and its target. Raises Refused."""
    device, dtype = base.target.device, other.target.dtype
    assert device
    assert dtype
    call, turns, where = _device_said(base, device)
    own = base.target.dtype.argument if base.target.dtype else None
    value = value_of(dtype, other.call)
    if own is not None and own != device.argument:
        own += len(call.args) - len(base.call.args)
        choices = [(own, _replaced(call, own, call.args[own].with_changes(value=value)))]
        turns = [*turns[:own], *turns[own + 1 :]]
    else:
        call = _labelled(call, where)
        # Beside the device if that keeps the order, else last.
        choices = [(at, inserted(call, at, keyword("dtype", value))) for at in (where + 1, len(call.args))]
    for at, choice in choices:
        order = [turn for turn in (*turns[:at], other.turn(dtype), *turns[at:]) if turn is not None]
        if not all(free[turn] for turn in free.keys() - set(order)):
            raise Refused(_DROPPED)
        if all(first < then or (free[first] and free[then]) for first, then in combinations(order, 2)):
            return choice, Target(Half(where, device.repeatable), Half(at, dtype.repeatable))
    raise Refused("The arguments would be evaluated in another order, and one does more than to name a placement.")


def _device_said(base: _Link, device: Half) -> tuple[cst.Call, list[int | None], int]:
    """`base` as a `.to` with the device as an argument: the call, the turns of its arguments, and that argument's
    index."""
    func = cst.ensure_type(base.call.func, cst.Attribute)
    call = base.call.with_changes(func=func.with_changes(attr=cst.Name("to")))
    turns: list[int | None] = [base.first + index for index in range(len(call.args))]
    value = value_of(device, base.call)
    if device.argument is None:
        return inserted(call, 0, cst.Arg(value)), [None, *turns], 0
    arg = call.args[device.argument].with_changes(value=value)
    if arg.keyword:
        arg = arg.with_changes(keyword=arg.keyword.with_changes(value="device"))
    return _replaced(call, device.argument, arg), turns, device.argument


def _replaced(call: cst.Call, index: int, arg: cst.Arg) -> cst.Call:
    return call.with_changes(args=[*call.args[:index], arg, *call.args[index + 1 :]])


def _labelled(call: cst.Call, where: int) -> cst.Call:
    """The call with a positional `non_blocking` made a keyword, because `.to` would take it for a dtype there."""
    for index, arg in enumerate(call.args):
        if index != where and not arg.keyword:
            labelled = keyword("non_blocking", arg.value)
            labelled = labelled.with_changes(comma=arg.comma, whitespace_after_arg=arg.whitespace_after_arg)
            return _replaced(call, index, labelled)
    return call
