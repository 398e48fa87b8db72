"""Prepares a call for a guard: each part that may not be written twice is bound to a fresh local once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from .actions import Half, Target
from .evaluation import binds, harmless, suspends
from .site import Site
from .syntax import Refused, assign, dotted, operand, source


@dataclass(frozen=True)
class Fit:
    """A call prepared for a guard: every part that the guard repeats may be evaluated again.

    receiver: its spelling, a plain or dotted name.
    halves: ("device" or "dtype", what to compare it with), in the order in which they have to be evaluated.
    fresh: the receiver is a new local, assigned in a statement before the call's.
    """

    call: cst.Call
    receiver: str
    halves: Sequence[tuple[str, str]]
    fresh: bool


def halves_of(target: Target) -> list[tuple[str, Half]]:
    """(tensor attribute to compare with, half) for each half that a target has."""
    return [(name, half) for name, half in (("device", target.device), ("dtype", target.dtype)) if half]


def demand_understood(call: cst.Call, target: Target | None = None) -> None:
    """Raises Refused unless the call has the arguments that its target names and, as far as its arguments show,
    returns its receiver if there is nothing to move."""
    halves = halves_of(target) if target else []
    for _, half in halves:
        if half.argument is None and "{}" in half.wrap:
            raise Refused("What the call moves to cannot be spelled for a comparison.")
        if half.argument is not None and half.argument >= len(call.args):
            raise Refused("The call does not have the arguments that its target names.")
    if target and not halves:
        raise Refused("The call's target has neither a device nor a dtype.")
    named = {half.argument for _, half in halves}
    positional = 0
    for index, arg in enumerate(call.args):
        keyword = arg.keyword.value if arg.keyword else None
        if arg.star:
            raise Refused("The call takes `*` or `**` arguments, which may ask for a copy.")
        if keyword == "memory_format" or (keyword == "copy" and source(arg.value) != "False"):
            raise Refused(f"The call has a `{keyword}` argument, so it may copy what is in place already.")
        positional += keyword is None and index not in named
    if target and positional > 1:
        raise Refused("The call has a positional argument that may ask for a copy of what is in place already.")
    receiver = cst.ensure_type(call.func, cst.Attribute).value
    if isinstance(receiver, cst.Call) and dotted(receiver.func) == "super":
        raise Refused("The receiver is `super()`, which is no value of its own.")


def compared_with(half: Half, args: Sequence[cst.Arg]) -> str:
    """The expression to compare a tensor's device or dtype with."""
    if "{}" not in half.wrap:
        return half.wrap
    assert half.argument is not None
    value = args[half.argument].value
    return half.wrap.replace("{}", operand(value))


def fit(site: Site, target: Target) -> Fit:
    """Prepares a call for its guard. Names are bound by statements before the call's; Refused where none can stand."""
    demand_understood(site.call, target)
    if any(binds(arg) for arg in site.call.args):
        raise Refused("An argument of the call binds a name.")
    halves = halves_of(target)
    loose = [index for index, arg in enumerate(site.call.args) if not repeatable(arg, index, halves)]
    path = dotted(site.receiver)
    bind_receiver = path is None or (bool(loose) and "." in path)
    if not loose and not bind_receiver:
        assert path is not None
        return _fit(site.call, path, halves, fresh=False)
    place = site.place
    if place.in_class:
        raise Refused("The guard needs a new name, and here in a class body that would become an attribute.")
    undisturbed = not binds(site.receiver) and all(
        harmless(node, site.draft.residue, attributes=False) for node in place.earlier
    )
    if place.statement and (undisturbed or not place.earlier):
        return _bind_before(site, halves, loose, bind_receiver)
    raise Refused("Something in the call must be evaluated only once, and no new name can be bound for it here.")


def repeatable(arg: cst.Arg, index: int, halves: Sequence[tuple[str, Half]]) -> bool:
    """Whether the argument may be evaluated any number of times, including never."""
    if suspends(arg.value):
        return False
    asked = [half.repeatable for _, half in halves if half.argument == index]
    return all(asked) if asked else harmless(arg.value, {})


def _fit(call: cst.Call, receiver: str, halves: Sequence[tuple[str, Half]], *, fresh: bool) -> Fit:
    texts = [(name, compared_with(half, call.args)) for name, half in halves]
    return Fit(call, receiver, texts, fresh)


def _bind_before(site: Site, halves: Sequence[tuple[str, Half]], loose: Sequence[int], bind_receiver: bool) -> Fit:
    """Binds names by statements before the call's statement, in the order in which the call evaluates its parts."""
    call = site.call
    receiver = dotted(site.receiver) or ""
    if bind_receiver:
        receiver = site.draft.names.fresh("moved", site.place.scope)
        site.put_before(assign(receiver, site.receiver))
        call = _with_receiver(call, receiver)
    for index in loose:
        name = site.draft.names.fresh(_base(call, index, halves), site.place.scope)
        site.put_before(assign(name, call.args[index].value))
        call = _with_argument(call, index, cst.Name(name))
    return _fit(call, receiver, halves, fresh=bind_receiver)


def _base(call: cst.Call, index: int, halves: Sequence[tuple[str, Half]]) -> str:
    asked = [name for name, half in halves if half.argument == index]
    if len(asked) == 1:
        return f"target_{asked[0]}"
    keyword = call.args[index].keyword
    return f"target_{keyword.value}" if keyword else "target"


def _with_receiver(call: cst.Call, name: str) -> cst.Call:
    func = cst.ensure_type(call.func, cst.Attribute)
    return call.with_changes(func=func.with_changes(value=cst.Name(name)))


def _with_argument(call: cst.Call, index: int, value: cst.BaseExpression) -> cst.Call:
    args = list(call.args)
    args[index] = args[index].with_changes(value=value)
    return call.with_changes(args=args)
