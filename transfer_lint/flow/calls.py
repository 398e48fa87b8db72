"""Calls: who is called, what comes back, and what it may have done meanwhile."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from transfer_lint.flow.attributes import attribute
from transfer_lint.flow.external import external_call
from transfer_lint.flow.knowledge import Operation
from transfer_lint.flow.modules import ClassInfo
from transfer_lint.flow.objects import found_method, store
from transfer_lint.flow.reads import READS, note
from transfer_lint.flow.tensors import as_tensor, operate, requested, tensor_method
from transfer_lint.flow.transfers import MOVES, cast, transfer
from transfer_lint.flow.unresolved import alias, hold, unknown_call
from transfer_lint.flow.values import (
    Class,
    Constant,
    External,
    Function,
    Known,
    Object,
    Tensor,
    Term,
    TermKind,
    Tuple,
    Value,
)

if TYPE_CHECKING:
    from transfer_lint.flow.interpreter import Interpreter
    from transfer_lint.flow.state import State

# Methods of torch.nn.Module that return the module itself.
_FLUENT = frozenset({"eval", "train", "requires_grad_", "zero_grad"})
_CASTS = {"half": "torch.float16", "float": "torch.float32", "double": "torch.float64", "bfloat16": "torch.bfloat16"}


def call(self: Interpreter, node: ast.Call, state: State) -> Value:
    """The value of a call, and its effects."""
    func = node.func
    if isinstance(func, ast.Attribute):
        if isinstance(func.value, ast.Call) and isinstance(func.value.func, ast.Name) and func.value.func.id == "super":
            return _super_call(self, node, func, state)
        receiver = self.eval(func.value, state)
        only_tensor = func.attr in self.knowledge.tensor_distinctive
        if isinstance(receiver, Object) and (only_tensor or (receiver.or_host and func.attr in MOVES)):
            receiver = as_tensor(self, receiver, func.value, state)
        if isinstance(receiver, Tensor | Object):
            return _method_call(self, node, func, receiver, state)
        callee = attribute(self, receiver, func, state)
    else:
        callee = self.eval(func, state)
    before, self.around.traced = self.around.traced, self.around.traced or _is_tracer(self, callee)
    arguments = evaluate_arguments(self, node, state)
    self.around.traced = before
    match callee:
        case Function():
            return self.summaries.call(self, callee.info, bind_receiver(callee, arguments), node, state)
        case Class():
            return instantiate(self, callee.info, arguments, node, state)
        case External():
            return external_call(self, callee.name, arguments, node, state)
        case Object():
            return call_object(self, callee, arguments, node, state)
    return unknown_call(self, list(arguments.values()), node, state)


def _is_tracer(self: Interpreter, callee: Value) -> bool:
    return isinstance(callee, External) and callee.name in self.knowledge.tracers


def evaluate_arguments(self: Interpreter, node: ast.Call, state: State) -> dict[str, Value]:
    """The arguments by position ("0", "1" ...) and keyword; "*" and "**" for what is unpacked."""
    found: dict[str, Value] = {}
    position = 0
    for argument in node.args:
        if not isinstance(argument, ast.Starred):
            found[str(position)] = self.eval(argument, state)
            position += 1
            continue
        value = self.eval(argument.value, state)
        items = value.items if isinstance(value, Tuple) else _listed(value, state)
        if items is None:  # nobody knows how many
            found[f"*{position}"] = value
            position += 1
        for item in items or ():
            found[str(position)] = item
            position += 1
    for keyword in node.keywords:
        value = self.eval(keyword.value, state)
        named = _keyed(value, state) if keyword.arg is None else None
        found.update(named if named is not None else {keyword.arg or "**": value})
    return found


def _listed(value: Value, state: State) -> Sequence[Value] | None:
    """The items of a list that was made here of so many; None for anything else."""
    if not isinstance(value, Object) or value.cls != "builtins.list" or state.sharing.twins.get(value.ident):
        return None  # one of several lists need not have as many
    record = state.record(value.ident)
    items = [record.attributes.get(f"[{number}]") for number in range(len(record.attributes))]
    return [item for item in items if item is not None] if record.made and all(items) and not record.epoch else None


def _keyed(value: Value, state: State) -> Mapping[str, Value] | None:
    """The items of a dictionary that was made here with names for keys; None for anything else."""
    if not isinstance(value, Object) or value.cls != "builtins.dict" or state.sharing.twins.get(value.ident):
        return None
    record = state.record(value.ident)
    names = {key[2:-2]: item for key, item in record.attributes.items() if key[:2] in ("['", '["')}
    whole = record.made and not record.epoch and len(names) == len(record.attributes)
    return names if whole and all(name.isidentifier() for name in names) else None


def bind_receiver(callee: Function, arguments: dict[str, Value]) -> dict[str, Value]:
    """The arguments with a bound method's receiver under "", and with what a `partial` has bound."""
    if callee.given:
        count = sum(key.isdigit() for key, _ in callee.given)
        later = {str(int(key) + count) if key.isdigit() else key: value for key, value in arguments.items()}
        arguments = {**dict(callee.given), **later}
    return {"": callee.receiver, **arguments} if callee.receiver is not None else arguments


def _method_call(
    self: Interpreter, node: ast.Call, func: ast.Attribute, receiver: Tensor | Object, state: State
) -> Value:
    name = func.attr
    if name in MOVES:
        own = (
            receiver.cls.method(name) if isinstance(receiver, Object) and isinstance(receiver.cls, ClassInfo) else None
        )
        if own is None:
            return transfer(self, node, receiver, evaluate_arguments(self, node, state), state)
    arguments = evaluate_arguments(self, node, state)
    operands = list(arguments.values())
    if name in self.knowledge.tensor_casts and not arguments:
        cast(self, node, receiver, self.knowledge.tensor_casts[name], state)
    if isinstance(receiver, Tensor):
        if name in READS:
            note(self, node, receiver, state)
        result = tensor_method(self, receiver, name, arguments, node, state)
        if result is not None:
            return result
        if name in self.knowledge.tensor_factories:
            device, dtype = requested(self, node, arguments)
            return Tensor(self.symbol(node, name), device or receiver.device, dtype or receiver.dtype)
        return self.unknown(node, f"{name}()")
    if receiver.cls in ("builtins.list", "builtins.dict"):
        return _container_method(self, receiver, name, operands, node, state)
    if receiver.cls is None and name == "item" and not arguments:
        note(self, node, receiver)
    member = attribute(self, receiver, func, state)
    if isinstance(member, Function):
        return self.summaries.call(self, member.info, bind_receiver(member, arguments), node, state)
    if self.is_module(receiver):
        if isinstance(member, Object) and member.cls is not None:
            return call_object(self, member, arguments, node, state)
        if name in _FLUENT:
            return receiver
        if name in _CASTS:
            dtype = Known(Term(TermKind.CONSTANT, _CASTS[name]), (self.fact(node, "`{}` sets the dtype"),))
            state.place(receiver, None, dtype, self.epoch(node), node.lineno)
            return receiver
        if name in self.knowledge.module_queries:
            result = self.unknown(node, f"{name}()")
            alias(state, result, receiver)
            return result
        if name == "load_state_dict":  # copies values into the weights; with `assign` it replaces them
            if len(node.args) > 2 or "assign" in arguments:
                state.displace(receiver, self.epoch(node), node.lineno)
            return self.unknown(node, f"{name}()")
        if name in ("register_buffer", "register_parameter"):
            key, value = arguments.get("0"), arguments.get("1")
            if isinstance(key, Constant) and isinstance(value, Tensor):
                floating = value.dtype is not None and value.dtype.term.name in _CASTS.values()
                uncast = name == "register_buffer" and not floating
                self.symbols.has_weights = True
                held = replace(value, weight=True, uncast=uncast, device=None)
                store(self, receiver, str(key.value), held, node, state)
                return self.unknown(node)
    if isinstance(member, Object) and member.cls is not None:
        return call_object(self, member, arguments, node, state)
    return unknown_call(self, [receiver, *operands], node, state)


def _super_call(self: Interpreter, node: ast.Call, func: ast.Attribute, state: State) -> Value:
    """`super().m(...)`: the method that the class's bases find."""
    arguments = evaluate_arguments(self, node, state)
    owner = self.function.owner if self.function else None
    parameters = self.function.parameters if self.function else ()
    receiver = state.locals.get(parameters[0].arg) if parameters else None
    if owner is None or receiver is None:
        return unknown_call(self, list(arguments.values()), node, state)
    for base in owner.lineage[1:]:
        if isinstance(base, ClassInfo):
            if func.attr in base.methods:
                method = base.methods[func.attr]
                return self.summaries.call(self, method, {"": receiver, **arguments}, node, state)
        elif self.knowledge.is_transparent_base(base) and func.attr == "__init__":
            return Constant(None)
        elif not self.knowledge.is_transparent_base(base):
            break
    if func.attr == "__init__" and not owner.bases:
        return Constant(None)
    return unknown_call(self, [receiver, *arguments.values()], node, state)


def _container_method(
    self: Interpreter, owner: Object, name: str, operands: list[Value], node: ast.Call, state: State
) -> Value:
    record = state.record(owner.ident)
    if owner.cls == "builtins.list" and name in ("append", "insert", "extend"):
        added = operands[-1] if operands else self.unknown(node)
        if name == "extend":
            added = self.element(added, node, state)
        held = [*record.attributes.values(), added]
        merged = self.any_of(held, node, state)
        state.heap[owner.ident] = record.holding({})
        state.write(owner, "[]", merged)
        return Constant(None)
    if name == "get" and operands and isinstance(operands[0], Constant) and owner.cls == "builtins.dict":
        held_value = record.attributes.get(f"[{operands[0].value!r}]")
        if held_value is not None:
            return held_value
    if name in ("get", "keys", "values", "items", "copy", "index", "count"):
        result = self.unknown(node, f"{name}()")
        alias(state, result, owner)
        return result
    return unknown_call(self, [owner, *operands], node, state)


def instantiate(self: Interpreter, info: ClassInfo, arguments: dict[str, Value], node: ast.Call, state: State) -> Value:
    """`Class(...)`: a new object, as its `__init__` leaves it."""
    made = Object(self.symbol(node, info.name), info, (self.fact(node, f"`{{}}` makes a `{info.name}`"),))
    state.create(made)
    initialiser = info.method("__init__")
    if initialiser is not None:
        self.summaries.call(self, initialiser, {"": made, **arguments}, node, state)
    elif info.is_dataclass:
        _fill(self, info, made, arguments, node, state)
    hold(state, made, arguments.values())
    return made


def _fill(
    self: Interpreter, info: ClassInfo, made: Object, arguments: dict[str, Value], node: ast.Call, state: State
) -> None:
    """The fields of a new dataclass: its arguments, and the defaults that are constants."""
    if any(key.startswith("*") for key in arguments):
        return
    for number, (name, (_, field)) in enumerate(info.annotated.items()):
        value = arguments.get(str(number), arguments.get(name))
        if value is None and isinstance(field.value, ast.Constant):
            value = Constant(field.value.value)
        if value is not None:
            store(self, made, name, value, node, state)
    finish = info.method("__post_init__")
    if finish is not None:
        self.summaries.call(self, finish, {"": made}, node, state)


def call_object(self: Interpreter, callee: Object, arguments: dict[str, Value], node: ast.Call, state: State) -> Value:
    """An instance is called: a module's `forward`, a layer, or something unknown."""
    operands = list(arguments.values())
    if isinstance(callee.cls, ClassInfo):
        method = found_method(self, callee, "__call__", state)
        if method is None and callee.cls.is_module and "__call__" not in callee.cls.overridden:
            method = found_method(self, callee, "forward", state)
        if method is not None:
            return self.summaries.call(self, method, {"": callee, **arguments}, node, state)
    if isinstance(callee.cls, str):
        kind = self.knowledge.layer_kind(callee.cls)
        if kind is not None:
            return _layer(self, callee, kind, operands, node, state)
    return unknown_call(self, [callee, *operands], node, state)


def _layer(self: Interpreter, layer: Object, kind: str, operands: list[Value], node: ast.Call, state: State) -> Value:
    """What a layer of torch.nn makes of its input."""
    source = operands[0] if operands else self.unknown(node)
    if kind in ("like", "norm", "like_device"):  # a norm need not have weights
        alike = kind != "like_device"
        return operate(self, Operation(True, alike, alike, autocast=True, n_dim=alike, itself=False), (source,), node)
    if kind == "sequence":
        return _sequence(self, layer, source, node, state)
    assert isinstance(layer.cls, str)
    record = state.record(layer.ident)
    name = layer.cls.rpartition(".")[2]
    reason = self.fact(
        node, f"`{{}}`: a `{name}` fails unless its input is where its weights are, so its result is there"
    )
    device = record.device or Known(Term(TermKind.WEIGHTS_DEVICE, symbol=record.anchor))
    source = as_tensor(self, source, node, state, device.because(reason))
    dtype = record.dtype or Known(Term(TermKind.WEIGHTS_DTYPE, symbol=record.anchor))
    placed = device.because(reason), self.unless_autocast(dtype.because(reason))
    return Tensor(self.symbol(node, "a result"), *placed, scalar=False, why=(reason,))


def _sequence(self: Interpreter, layer: Object, source: Value, node: ast.Call, state: State) -> Tensor:
    """What the parts of a `Sequential` make of its input, one after another."""
    value, count = source, 0
    while f"[{count}]" in state.record(layer.ident).attributes:
        part = state.read(layer, f"[{count}]")
        value = call_object(self, part, {"0": value}, node, state) if isinstance(part, Object) else self.unknown(node)
        count += 1
    symbol = self.symbol(node, "a result", "sequence")
    return replace(value, ident=symbol) if count and isinstance(value, Tensor) else Tensor(symbol)
