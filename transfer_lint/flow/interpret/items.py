"""Items of sequences and containers: the item at an index, or an item whose index is not known."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.annotations import holds_tensors
from transfer_lint.flow.interpret.assumed import of_output
from transfer_lint.flow.interpret.captures import iterated
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.unknown_calls import alias, unknown_call
from transfer_lint.flow.values.aliasing import Later
from transfer_lint.flow.values.records import Record
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Known
from transfer_lint.flow.values.values import Constant, Host, Object, Tensor, Tuple, Value, objects_of

_ITEMS_ONLY = ("builtins.list", "builtins.dict")
_CONTAINERS = ("torch.nn.ModuleList", "torch.nn.ParameterList")


def annotated_item(frame: Frame, owner: Object, value: Value, node: ast.AST, kinds: tuple[type, ...]) -> Value:
    """An item of a parameter; as a tensor if the annotation of the parameter says that it holds tensors."""
    name = owner.ident.label
    known = frame.function is None or owner.cls is not None or not owner.ident.is_initial() or owner.ident.parent
    if known or not isinstance(value, Object) or value.cls is not None:
        return value
    assert frame.function is not None
    noted = next((a for a in frame.function.parameters if a.arg == name), None)
    if noted is None or holds_tensors(frame.module, noted.annotation) not in kinds:
        return value
    fact = frame.assume(Assumption.MOVED_IS_TENSOR, noted, "`{}` is annotated to hold tensors")
    return Tensor(value.ident, *value.placed, why=(fact,)) if fact is not None else value


def item_at(frame: Frame, value: Value, index: int, node: ast.AST, state: State) -> Value:
    """Item `index` of a sequence."""
    match value:
        case Tuple() if index < len(value.items):
            return value.items[index]
        case Object():
            attributes = state.record(value.ident).attributes
            if f"[{index}]" in attributes:
                return attributes[f"[{index}]"]
            if "[]" in attributes:
                return one_alike(frame, attributes["[]"], node, state, str(index))
            return of_output(value, "[]", state.read(value, f"[{index}]"), frame, node)
        case Tensor():
            return _part(value, frame.symbol(node, "an item", str(index)))
    return frame.unknown(node)


def _part(whole: Tensor, fresh: Symbol) -> Tensor:
    """An item of a tensor, which is where the tensor is."""
    device = whole.device or Known(whole.device_term())
    dtype = whole.dtype or Known(whole.dtype_term())
    return Tensor(fresh, device, dtype, shares=whole.memory(), why=whole.why)


def picked(frame: Frame, owner: Object | Tuple, node: ast.AST, state: State) -> Object:
    """An item of a container, at an unknown index. It may be a method, so that a call of it may change what is held."""
    value = frame.unknown(node, "an item")
    alias(state, value, owner)
    if not isinstance(owner, Object) or owner.ident in state.sharing.later or state.record(owner.ident).attributes:
        state.sharing.later[value.ident] = Later(tuple(objects_of(owner)), certain=False)
    return value


def any_of(frame: Frame, values: Sequence[Value], node: ast.AST, state: State) -> Value:
    """One of several values; it is not known which one."""
    merged = values[0]
    for number, value in enumerate(values[1:]):
        merged = state.merge_values(merged, value, frame.phi(node, "an item", str(number)))
    return one_alike(frame, merged, node, state)


def element(frame: Frame, value: Value, node: ast.AST, state: State) -> Value:
    """Some item of a value that is iterated over."""
    match value:
        case Tuple() if value.items:
            return any_of(frame, value.items, node, state)
        case Object():
            record = state.record(value.ident)
            held = [v for name, v in record.attributes.items() if name.startswith("[")]
            whole = record.epoch is None and (
                value.cls in _CONTAINERS or (value.cls == "builtins.list" and record.made)
            )
            if whole and held:
                return any_of(frame, held, node, state)
            found = frame.unknown(node, "an item")
            state.sharing.alias(found.ident, value.ident)
            if value.cls in _CONTAINERS:
                return frame.callees.attribute(frame, value, "[]", found.ident)
            return annotated_item(frame, value, of_output(value, "[]", found, frame, node), node, (list,))
        case Tensor():
            return _part(value, frame.symbol(node, "an item"))
        case Host():
            return Host(frame.symbol(node, "an item"))
    return frame.unknown(node, "an item")


def extend(frame: Frame, owner: Object, added: Value, node: ast.AST, state: State) -> None:
    """Add an item to a list or dictionary; under which key, is not known.

    If it was not made here, or unknown code may have changed it, one of its items may be anything.
    """
    record = state.record(owner.ident)
    held = [*record.attributes.values(), added]
    if record.epoch is not None or not record.made:
        unknown = frame.unknown(node, "an item")
        state.sharing.alias(unknown.ident, owner.ident)
        held.append(unknown)
    merged = any_of(frame, held, node, state)
    state.heap[owner.ident] = record.holding({})
    state.write(owner, "[]", merged)


def combined_lists(frame: Frame, operands: Sequence[Value], node: ast.BinOp, state: State) -> Object | None:
    """`[x] * n` and `xs + ys`: a new list of the items of lists that were made here; None of anything else."""
    held: list[Value] = []
    lists = [operand for operand in operands if isinstance(operand, Object) and operand.cls == "builtins.list"]
    counts = [operand for operand in operands if isinstance(operand, Constant) or _is_number(operand)]
    if not lists or not isinstance(node.op, ast.Mult | ast.Add):
        return None
    if len(lists) + (len(counts) if isinstance(node.op, ast.Mult) else 0) < len(operands):
        return None
    for listed in lists:
        record = state.record(listed.ident)
        if not record.made or record.epoch is not None:
            return None
        held += record.attributes.values()
    made = Object(frame.symbol(node, "a list"), "builtins.list")
    state.create(made)
    if held:
        state.write(made, "[]", any_of(frame, held, node, state))
    return made


def _is_number(value: Value) -> bool:
    return isinstance(value, Host) and not value.array


def one_alike(frame: Frame, value: Value, node: ast.AST, state: State, part: str = "") -> Value:
    """One of several values that `value` describes, with its own symbol: effects on it do not reach the others."""
    match value:
        case Tensor():
            device = value.device if value.device and value.device.term.symbol is not value.ident else None
            fresh = frame.symbol(node, "an item", part)
            return replace(value, ident=fresh, device=device, optional=False, shares=value.memory())
        case Object():
            made = replace(value, ident=frame.symbol(node, "an item", part))
            record = state.record(value.ident)
            attributes = record.attributes if value.cls in _ITEMS_ONLY else {}
            state.heap[made.ident] = Record(None, attributes, record.device, record.dtype)
            state.sharing.twin(made.ident, value.ident)
            state.sharing.alias(made.ident, value.ident)
            return made
        case Tuple():
            return Tuple(tuple(one_alike(frame, v, node, state, f"{part}[{n}]") for n, v in enumerate(value.items)))
    return value


def container_method(
    frame: Frame, owner: Object, name: str, operands: list[Value], node: ast.Call, state: State
) -> Value:
    """Call a method of a list or dictionary whose items are followed."""
    record = state.record(owner.ident)
    frame.run_operators((owner, *operands), node, state, f"builtins.{'set' if owner.cls == 'builtins.dict' else 'max'}")
    if owner.cls == "builtins.list" and name in ("append", "insert", "extend"):
        added = operands[-1] if operands else frame.unknown(node)
        if name == "extend":
            iterated(frame, added, node, state)
        extend(frame, owner, element(frame, added, node, state) if name == "extend" else added, node, state)
        return Constant(None)
    if name == "get" and operands and isinstance(operands[0], Constant) and owner.cls == "builtins.dict":
        held_value = record.attributes.get(operands[0].item or "")
        if held_value is not None:
            return held_value
    if name in ("get", "keys", "values", "items", "copy", "index", "count"):
        result = frame.unknown(node, f"{name}()")
        alias(state, result, owner)
        return result
    return unknown_call(frame, [owner, *operands], node, state)
