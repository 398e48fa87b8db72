"""Tensor operations: the placements of their results."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from transfer_lint.flow.interpret.assumed import agreed_device, as_operand, is_likely_on_host
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.mutations import method_writes, written
from transfer_lint.flow.knowledge import Operation
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.terms import Known, Term, TermKind, merge_why
from transfer_lint.flow.values.values import Constant, Host, Object, Placed, Tensor, Tuple, Value


def combine(
    frame: Frame,
    operands: Sequence[Value],
    node: ast.expr,
    keeps_dtype: bool = True,
    surely: bool = False,
    device: Known | None = None,
) -> Value:
    """The result of an operation on `operands`: a tensor if one of them is (or if `surely`).

    It is on `device`, or where that is None on the device of its tensor operands. These agree, except that a 0-dim
    tensor on the host can be combined with any other. So the device is known if all operands are known to agree, or if
    one of them is known to be n-dim.
    """
    operands = [as_operand(frame, value, node) for value in operands]
    tensors = [v for v in operands if isinstance(v, Tensor)]
    others = [v for v in operands if isinstance(v, Object | Tuple) and not _is_size(v)]
    if not tensors:
        if surely:
            return Tensor(frame.symbol(node, "a result"), device)
        if others and all(isinstance(v, Object) and v.or_host for v in others):
            return _perhaps_computed(frame, others, node)
        if others:
            return frame.unknown(node, "a result")
        return Host(frame.symbol(node, "a number"), any(isinstance(v, Host) and v.array for v in operands))
    decisive = [t for t in tensors if t.scalar is False]
    if device is not None:
        chosen: Known | None = device
    elif not others and _agree(t.device_term() for t in tensors):
        chosen = tensors[0].device or Known(tensors[0].device_term())
    elif decisive:
        chosen = decisive[0].device or Known(decisive[0].device_term())
    else:
        chosen = agreed_device(frame, tensors, node)
    dtype = None
    if keeps_dtype and not others and (len(tensors) > 1 or len(operands) == 1):
        alike = _agree(t.dtype_term() for t in tensors)
        dtype = (tensors[0].dtype or Known(tensors[0].dtype_term())) if alike else None
    scalar = False if decisive else None
    if chosen is not None and device is None:
        chosen = chosen.proved_by(merge_why(*(t.device.why for t in tensors if t.device)))
    why = next((t.why for t in tensors if t.why), ())
    arrays = any(isinstance(value, Host) and value.array for value in operands)
    made = made_of(frame, tensors) if not others and not arrays else None  # an array can only meet a host tensor
    likely_host = device is None and is_likely_on_host(frame, tensors, others, node)
    return Tensor(frame.symbol(node, "a result"), chosen, dtype, scalar, likely_host=likely_host, made=made, why=why)


def _agree(terms: Iterable[Term]) -> bool:
    """Whether all are equal."""
    first, *others = terms
    return all(other == first for other in others)


def _perhaps_computed(frame: Frame, operands: Sequence[Value], node: ast.expr) -> Object:
    """The result of an operation on numbers and on what may be numbers: a tensor where one of them is."""
    devices = [value.placed[0] for value in operands if isinstance(value, Object)]
    device = devices[0] if all(known == devices[0] for known in devices) else None
    return Object(frame.symbol(node, "a result"), placed=(device, None), or_host=True)


def _is_size(value: Value) -> bool:
    """Whether an operand is a tuple of numbers: `x.repeat((n, 1))`."""
    return isinstance(value, Tuple) and all(
        isinstance(item, Constant) or (isinstance(item, Host) and not item.array) for item in value.items
    )


def made_of(frame: Frame, operands: Sequence[Tensor]) -> ast.Call | None:
    """The factory call that the result of an operation comes from, if every tensor operand comes from one; else None.

    If there are several, a random factory comes first.
    """
    calls = [tensor.made for tensor in operands]
    drawn = (call for call in calls if call and frame.module.dotted(call.func) in frame.knowledge.random_factories)
    return next(drawn, calls[0]) if calls and all(calls) else None


# Keywords whose arguments are never operands.
NOT_OPERANDS = frozenset({"dim", "axis", "keepdim", "dtype", "out", "mode", "size", "scale_factor"})


def operate(frame: Frame, known: Operation, operands: Sequence[Value], node: ast.expr) -> Tensor:
    """The result of a known operation: `known` says what its first operand decides, and what all of them decide."""
    first = operands[0] if operands else None
    if known.itself and isinstance(first, Tensor):
        return first
    device, dtype = None, None
    if isinstance(first, Tensor) and known.own_device:
        device = first.device or Known(first.device_term())
    result = combine(frame, operands, node, keeps_dtype=False, surely=True, device=device)
    assert isinstance(result, Tensor)
    if isinstance(first, Tensor) and known.own_dtype:
        dtype = first.dtype or Known(first.dtype_term())
    elif known.keeps_dtype and not any(isinstance(v, Object | Tuple) for v in operands):
        terms = {v.dtype_term(): v for v in operands if isinstance(v, Tensor)}
        dtype = next((v.dtype or Known(term) for term, v in terms.items()), None) if len(terms) == 1 else None
    if known.autocast:
        dtype = frame.unless_autocast(dtype)
    return replace(result, dtype=dtype, scalar=result.scalar if known.n_dim else None)


def as_called(known: Operation, arguments: Mapping[str, Value]) -> Operation:
    """What is known of a call with these arguments: if one may be a dtype, the dtype of the result is not known."""
    for key in known.dtype_arguments & (arguments.keys() | ({"dtype"} if "**" in arguments else set())):
        value = arguments.get(key)
        last = not key.isdigit() or str(int(key) + 1) not in arguments
        listed = isinstance(value, Object) and value.cls == "builtins.list"
        if last and not listed and not isinstance(value, Constant | Host | Tuple | Tensor):
            return replace(known, own_dtype=False, keeps_dtype=False)
    return known


# What makes one number of all elements of a tensor, if it is given nothing else.
_PAIRS = frozenset({"max", "median", "min", "mode", "nanmedian"})
_ALONG = frozenset({"0", "1", "2", "dim", "keepdim"})
REDUCTIONS = frozenset(
    {"sum", "mean", "std", "var", "prod", "norm", "max", "min", "argmax", "argmin", "median", "all", "any"}
)  # fmt: skip

# Methods that may return the tensor that they are called on, besides those that work in place.
_PERHAPS_ITSELF = frozenset({"contiguous", "flatten", "ravel", "real"})


def as_tensor(frame: Frame, value: Value, node: ast.AST, state: State, device: Known | None = None) -> Value:
    """The operand of an operation that fails for anything but a tensor: from here on, it is known to be one.

    device: the device that it must be on for the operation to succeed.
    """
    if isinstance(value, Object) and value.cls is None:
        why = (frame.fact(node, "`{}` can only be a tensor here"),)
        tensor = Tensor(value.ident, device or value.placed[0], value.placed[1], optional=False, why=why)
    elif isinstance(value, Tensor) and value.device is None and device is not None:
        tensor = replace(value, device=device)
    else:
        return value
    state.learn(value.ident, tensor)
    return tensor


def tensor_attribute(frame: Frame, owner: Tensor, name: str, node: ast.AST) -> Value:
    """`x.name` for a tensor x."""
    if name == "device":
        return Placed(owner.device or Known(owner.device_term()), is_dtype=False)
    if name == "dtype":
        return Placed(owner.dtype or Known(owner.dtype_term()), is_dtype=True)
    if name in frame.knowledge.tensor_host:
        return Host(frame.symbol(node, name))
    if name in frame.knowledge.tensor_attributes:
        return replace(owner, ident=frame.symbol(node, name), weight=False, shares=owner.memory())
    return frame.unknown(node, name)


def tensor_method(
    frame: Frame, owner: Tensor, name: str, arguments: Mapping[str, Value], node: ast.Call, state: State
) -> Value | None:
    """The result of `owner.name(...)`; None where the method is not known."""
    knowledge = frame.knowledge
    if method_writes(frame, name, arguments):
        written(frame, node, (owner,))
    target = arguments.get("0", arguments.get("dtype")) if name == "type" else None
    if name in knowledge.tensor_casts or (isinstance(target, Placed) and target.is_dtype):
        if name != "type" and (node.args or node.keywords):
            return Tensor(
                frame.symbol(node, name), owner.device, weight=owner.weight, shares=owner.memory(), why=owner.why
            )
        asked = target.known if isinstance(target, Placed) else Known(_cast_to(frame, name))
        return Tensor(
            frame.symbol(node, name),
            owner.device or Known(owner.device_term()),
            asked.because(frame.fact(node, "`{}` sets the dtype")),
            owner.scalar,
            weight=owner.weight,
            made=owner.made,
            shares=owner.memory(),
            moved_from=owner.moved_from,
            why=owner.why,
        )
    if name == "type_as" and "0" in arguments:
        other = as_tensor(frame, arguments["0"], node, state)
        if isinstance(other, Tensor):
            device, dtype = other.device or Known(other.device_term()), other.dtype or Known(other.dtype_term())
            return Tensor(frame.symbol(node, name), device, dtype, owner.scalar, shares=owner.memory(), why=owner.why)
    if name in knowledge.tensor_same or name in knowledge.tensor_tuples:
        known = knowledge.method(name, arguments)
        if known is None:
            pair = pair_along(frame, owner, name, arguments, "0", node, state)
            return pair if pair is not None else frame.unknown(node, f"{name}()")
        known = as_called(known, arguments)
        if name in knowledge.tensor_tuples:
            return parts(frame, owner, known, node, state)
        others = (value for key, value in arguments.items() if key not in NOT_OPERANDS)
        result = operate(frame, known, (owner, *others), node)
        scalar = owner.scalar if name in ("detach", "clone", "contiguous") else result.scalar
        scalar = True if name in REDUCTIONS and not arguments else scalar
        weight = owner.weight and (known.itself or name in _PERHAPS_ITSELF)
        perhaps = name in knowledge.tensor_views or name in _PERHAPS_ITSELF or known.itself
        shares = owner.memory() - {result.ident} if perhaps else frozenset()
        made = owner.made if perhaps or name == "repeat" else result.made  # whatever the sizes are
        return replace(result, scalar=scalar, weight=weight, made=made, shares=shares, moved_from=owner.moved_from)
    if name in knowledge.tensor_host:
        return Host(frame.symbol(node, name), array=name == "numpy")
    return None


def _cast_to(frame: Frame, name: str) -> Term:
    """The dtype that a cast such as `half` makes."""
    return Term(TermKind.CONSTANT, frame.knowledge.tensor_casts[name])


def parts(frame: Frame, whole: Tensor, known: Operation, node: ast.Call, state: State) -> Object:
    """The tuple that `chunk`, `topk` and the like make from a tensor: its items are on the tensor's device."""
    made = Object(frame.symbol(node, "parts"), "builtins.list")
    state.create(made)
    device = whole.device or Known(whole.device_term())
    dtype = (whole.dtype or Known(whole.dtype_term())) if known.own_dtype else None
    dtype = frame.unless_autocast(dtype) if known.autocast else dtype
    part = Tensor(frame.symbol(node, "a part"), device, dtype, made=whole.made, shares=whole.memory(), why=whole.why)
    state.write(made, "[]", part)
    return made


def pair_along(
    frame: Frame, whole: Value, name: str, arguments: Mapping[str, Value], key: str, node: ast.Call, state: State
) -> Object | None:
    """The values and places that `x.max(dim=1)` and the like give; None for another call.

    key: of the positional argument that is the dimension, where it is a number.
    """
    number = arguments.get("dim", arguments.get(key))
    along = isinstance(number, Constant) and type(number.value) is int and arguments.keys() <= _ALONG
    if name not in _PAIRS or not along or not isinstance(whole, Tensor):
        return None
    return parts(frame, whole, Operation(True, False, False, False, False, False), node, state)


def requested(
    frame: Frame, node: ast.Call, values: dict[str, Value], state: State
) -> tuple[Known | None, Known | None]:
    """The device and dtype that the keywords of a factory ask for, each None if it is not asked for.

    What an unknown mapping may give (`**m`) is one that only equals itself.
    """
    found: list[Known | None] = []
    mapping = values.get("**")
    for key in ("device", "dtype"):
        value = values.get(key)
        if value is None and mapping is not None:
            item = state.read(mapping, f"['{key}']") if isinstance(mapping, Object) else None
            value = item if isinstance(item, Object) else Object(frame.symbol(node, f"the {key} of `**`", key))
        given = next((keyword.value for keyword in node.keywords if keyword.arg == key), node)
        term = frame.placed_by(value, given) if value is not None else None
        why = value.known.why if isinstance(value, Placed) else ()
        found.append(Known(term, (*why, frame.fact(node, "`{}` makes it there"))) if term else None)
    return found[0], found[1]
