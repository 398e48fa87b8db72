"""`torch.zeros(n).to(d)` becomes `torch.zeros(n, device=d)`."""

from __future__ import annotations

import libcst as cst

from .actions import ConstructOnDevice
from .arguments import inserted, keyword, spelled, value_of
from .binding import demand_understood, halves_of, repeatable
from .evaluation import binds
from .keep_on_device import dtype_alone
from .site import Site
from .syntax import Refused, dotted, source

# The arguments of these are numbers, which no other evaluation changes; `tensor` and the like read from objects.
_OF_NUMBERS = (
    "arange",
    "empty",
    "eye",
    "full",
    "linspace",
    "logspace",
    "ones",
    "tril_indices",
    "triu_indices",
    "zeros",
)
_OF_TENSORS = frozenset(
    {"torch.zeros", "torch.ones", "torch.empty", "torch.full"}
)  # tensors make these with a method `new_...`
_FIXED = {
    "device": "The factory has a `device` already.",
    "generator": "The factory draws from a generator, which belongs to a device.",
    "out": "The factory writes into a tensor that exists already.",
}
# Arguments that are harmless if they are False.
_SWITCHES = {
    "pin_memory": "The factory pins its memory, which is possible on the host only.",
    "requires_grad": "The factory's tensor requires a gradient, and its moved copy would be another leaf.",
}


def construct_on_device(site: Site, action: ConstructOnDevice) -> cst.BaseExpression:
    """The factory's call with the target of the move; a dtype that the factory cannot take stays in a `.to`.
    Raises Refused."""
    original = cst.ensure_type(site.original.func, cst.Attribute).value
    factory, call = site.receiver, site.call
    if not isinstance(factory, cst.Call) or original in site.draft.rewritten:
        raise Refused("The receiver is not the call of a factory.")
    if action.unpacked:
        return _unpacking(factory, call)
    target = spelled(site, call, action.target)
    demand_understood(call, target)
    moving = [(name, half) for name, half in halves_of(target) if name == "device" or action.with_dtype]
    if not moving:
        raise Refused("The call has nothing that the factory could do instead.")
    _demand_room(factory, [name for name, _ in moving])

    halves = halves_of(target)
    free = [repeatable(arg, index, halves) for index, arg in enumerate(call.args)]
    asked = [half.argument for _, half in halves if half.argument is not None]
    if not all(free[index] for index in range(len(free)) if asked.count(index) != 1):
        raise Refused("An argument does more than to name a placement, and would not be evaluated exactly once.")
    if not all(free) and (dotted(factory.func) or "").rpartition(".")[2] not in _OF_NUMBERS:
        raise Refused("An argument does more than to name a placement, perhaps to what the factory reads.")
    moving.sort(key=lambda item: -1 if item[1].argument is None else item[1].argument)
    if len(moving) < len(halves) and asked != sorted(asked) and not all(free):
        raise Refused("The device would be evaluated before the dtype, and one does more than to name a placement.")

    made = _made_like(factory, call.args[moving[0][1].argument or 0].value) if action.like else None
    new = made or (factory if action.legacy is None else _modern(factory, action.legacy))
    for name, half in moving if made is None else ():
        new = inserted(new, len(new.args), keyword(name, value_of(half, call)))
    if len(moving) < len(halves):
        left = dtype_alone(call, target)
        func = cst.ensure_type(left.func, cst.Attribute)
        return left.with_changes(func=func.with_changes(value=new))
    return _in_place_of(call, new)


def _unpacking(factory: cst.Call, call: cst.Call) -> cst.Call:
    """`torch.zeros(n, **m)` for `torch.zeros(n).to(**m)`."""
    if len(call.args) != 1 or call.args[0].star != "**" or dotted(call.args[0].value) is None:
        raise Refused("The call does not unpack one mapping, by a name.")
    _demand_room(factory, ["device", "dtype"])
    new = inserted(factory, len(factory.args), call.args[0].with_changes(comma=cst.MaybeSentinel.DEFAULT))
    return _in_place_of(call, new)


def _in_place_of(call: cst.Call, new: cst.Call) -> cst.Call:
    """The factory's call with the parentheses that the move had."""
    func = cst.ensure_type(call.func, cst.Attribute)
    return new.with_changes(lpar=[*call.lpar, *func.lpar, *new.lpar], rpar=[*new.rpar, *func.rpar, *call.rpar])


def _made_like(factory: cst.Call, other: cst.BaseExpression) -> cst.Call | None:
    """`other.new_zeros(n)` for `torch.zeros(n)`; None if tensors have no such method, or `other` is no name."""
    named = dotted(factory.func)
    if named not in _OF_TENSORS or dotted(other) is None or any(arg.keyword or arg.star for arg in factory.args):
        return None
    if any(binds(arg) for arg in factory.args):
        return None
    return factory.with_changes(func=cst.Attribute(other, cst.Name(f"new_{named.rpartition('.')[2]}")))


def _modern(factory: cst.Call, dtype: str) -> cst.Call:
    """`torch.FloatTensor(values)` as `torch.tensor(values, dtype=torch.float32)`."""
    if not isinstance(factory.func, cst.Attribute):
        raise Refused("The constructor is not called as an attribute of its module.")
    new = factory.with_changes(func=factory.func.with_changes(attr=cst.Name("tensor")))
    if not dtype:
        return new
    spelled = factory.func.with_changes(attr=cst.Name(dtype.rpartition(".")[2]), lpar=[], rpar=[])
    return inserted(new, len(new.args), keyword("dtype", spelled))


def _demand_room(factory: cst.Call, names: list[str]) -> None:
    """Raises Refused unless the factory's call can take the named arguments and then makes the same tensor."""
    for arg in factory.args:
        if arg.star == "**":
            raise Refused("The factory takes `**` arguments, which may say where and what it makes.")
        label = arg.keyword.value if arg.keyword else ""
        if label in _FIXED:
            raise Refused(_FIXED[label])
        if label in _SWITCHES and source(arg.value) != "False":
            raise Refused(_SWITCHES[label])
        if label in names:
            raise Refused(f"The factory has a `{label}` already.")
