"""Calls: the callee, the result, and the effects."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from transfer_lint.files.scan import MOVES, READS
from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.assumed import (
    as_operand,
    made_on_device,
    method_result,
    model_result,
    of_output,
    one_number,
    prepared,
    scheduler_result,
    settled_method_result,
    settled_result,
)
from transfer_lint.flow.interpret.attributes import attribute
from transfer_lint.flow.interpret.captures import iterated, runs_later
from transfer_lint.flow.interpret.constructions import note_construction, note_values
from transfer_lint.flow.interpret.explicit_waits import note_wait
from transfer_lint.flow.interpret.external_calls import external_call
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.host_reads import by_function, logged, method, shows, unknown_method
from transfer_lint.flow.interpret.items import container_method
from transfer_lint.flow.interpret.objects import found_method, store
from transfer_lint.flow.interpret.sampler_values import got_from_options, key_of, level_of_sampler
from transfer_lint.flow.interpret.tensors import as_tensor, operate, requested, tensor_method
from transfer_lint.flow.interpret.transfers import cast, transfer, type_as
from transfer_lint.flow.interpret.unknown_calls import alias, hold, unknown_call
from transfer_lint.flow.knowledge import Operation
from transfer_lint.flow.knowledge.names import ONE_NUMBER
from transfer_lint.flow.program.modules import ClassInfo
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.terms import Known, Term, TermKind
from transfer_lint.flow.values.values import Class, Constant, External, Function, Host, Object, Tensor, Tuple, Value

# Methods of torch.nn.Module that return the module itself.
_FLUENT = frozenset({"eval", "train", "requires_grad_", "zero_grad"})
# Those that little else has; `train` with an argument.
_OF_MODELS = frozenset({"eval", "train"})
_OF_ARRAYS = frozenset({"astype", "copy", "flatten", "ravel", "reshape"})  # they make arrays of arrays
_CASTS = {"half": "torch.float16", "float": "torch.float32", "double": "torch.float64", "bfloat16": "torch.bfloat16"}


def call(frame: Frame, node: ast.Call, state: State) -> Value:
    """The value of a call, and its effects."""
    func = node.func
    if isinstance(func, ast.Attribute):
        if isinstance(func.value, ast.Call) and isinstance(func.value.func, ast.Name) and func.value.func.id == "super":
            return _super_call(frame, node, func, state)
        receiver = frame.eval(func.value, state)
        if _is_of_tensors(frame, func.attr):
            receiver = as_operand(frame, receiver, func.value)
        only_tensor = func.attr in frame.knowledge.tensor_distinctive
        if isinstance(receiver, Object) and (only_tensor or (receiver.or_host and func.attr in MOVES)):
            receiver = as_tensor(frame, receiver, func.value, state)
        if isinstance(receiver, Tensor | Object):
            return _method_call(frame, node, func, receiver, state)
        if isinstance(receiver, Host) and receiver.array and func.attr in _OF_ARRAYS:
            given = list(evaluate_arguments(frame, node, state).values())
            if not any(isinstance(value, Object | Function) for value in given):
                return Host(frame.symbol(node, "an array"), array=True)
            return unknown_call(frame, given, node, state)
        callee = attribute(frame, receiver, func, state)
    else:
        callee = frame.eval(func, state)
    before, frame.around.traced = frame.around.traced, frame.around.traced or _is_tracer(frame, callee)
    arguments = evaluate_arguments(frame, node, state)
    frame.around.traced = before
    if _formats(func):
        logged(frame, node, list(arguments.values()))
    match callee:
        case Function():
            if callee.info.owner is None:
                by_function(frame, callee.info.node, arguments, node)
            return frame.callees.call(frame, callee.info, bind_receiver(callee, arguments), node, state)
        case Class():
            return instantiate(frame, callee.info, arguments, node, state)
        case External():
            made = external_call(frame, callee.name, arguments, node, state)
            note_construction(frame, node, callee.name, made)
            note_wait(frame, node, callee.name, arguments)
            return made
        case Object():
            if isinstance(func, ast.Name) and callee.ident.is_global:
                _named_lambda(frame, func.id, arguments, node)
            return call_object(frame, callee, arguments, node, state)
    return unknown_call(frame, list(arguments.values()), node, state)


def _named_lambda(frame: Frame, name: str, arguments: Mapping[str, Value], node: ast.Call) -> None:
    """Record a host read if a name of the module is a lambda that reads: `to_np = lambda x: x.cpu().numpy()`."""
    bound = frame.module.binding(name)
    if isinstance(bound, ast.Lambda):
        by_function(frame, bound, arguments, node)


def _is_of_tensors(frame: Frame, method: str) -> bool:
    """Whether tensors have a method of that name, except those that modules have as well."""
    knowledge = frame.knowledge
    if method in MOVES or method in _CASTS or method in _FLUENT:
        return False
    return method in READS or any(
        method in names for names in (knowledge.tensor_same, knowledge.tensor_tuples, knowledge.tensor_host)
    )


def _formats(func: ast.expr) -> bool:
    """Whether it is `format` of a text that is written out."""
    return isinstance(func, ast.Attribute) and func.attr == "format" and isinstance(func.value, ast.Constant)


def _is_tracer(frame: Frame, callee: Value) -> bool:
    return isinstance(callee, External) and callee.name in frame.knowledge.tracers


def evaluate_arguments(frame: Frame, node: ast.Call, state: State) -> dict[str, Value]:
    """The arguments by position ("0", "1" ...) and keyword.

    "*" with a position stands for unpacked arguments of unknown number, "**" for unpacked keyword arguments.
    """
    if not shows(node):
        return _arguments(frame, node, state)
    before, frame.around.logging = frame.around.logging, True
    found = _arguments(frame, node, state)
    logged(frame, node, list(found.values()))
    frame.around.logging = before
    return found


def _arguments(frame: Frame, node: ast.Call, state: State) -> dict[str, Value]:
    found: dict[str, Value] = {}
    position = 0
    for argument in node.args:
        if not isinstance(argument, ast.Starred):
            found[str(position)] = frame.eval(argument, state)
            position += 1
            continue
        value = frame.eval(argument.value, state)
        iterated(frame, value, argument, state)
        items = value.items if isinstance(value, Tuple) else _listed(value, state)
        if items is None:  # it is not known how many
            found[f"*{position}"] = value
            position += 1
        for item in items or ():
            found[str(position)] = item
            position += 1
    for keyword in node.keywords:
        value = frame.eval(keyword.value, state)
        named = _keyed(value, state) if keyword.arg is None else None
        found.update(named if named is not None else {keyword.arg or "**": value})
    return found


def _listed(value: Value, state: State) -> Sequence[Value] | None:
    """The items of a list that was made in this function, if all are known; else None."""
    if not isinstance(value, Object) or value.cls != "builtins.list" or state.sharing.twins.get(value.ident):
        return None  # the lists that it may be can have different lengths
    record = state.record(value.ident)
    items = [record.attributes.get(f"[{number}]") for number in range(len(record.attributes))]
    return [item for item in items if item is not None] if record.made and all(items) and not record.epoch else None


def _keyed(value: Value, state: State) -> Mapping[str, Value] | None:
    """The items of a dict that was made in this function, if all are known and all keys are identifiers; else None."""
    if not isinstance(value, Object) or value.cls != "builtins.dict" or state.sharing.twins.get(value.ident):
        return None
    record = state.record(value.ident)
    names = {key[2:-2]: item for key, item in record.attributes.items() if key[:2] in ("['", '["')}
    whole = record.made and not record.epoch and len(names) == len(record.attributes)
    return names if whole and all(name.isidentifier() for name in names) else None


def bind_receiver(callee: Function, arguments: dict[str, Value]) -> dict[str, Value]:
    """The arguments, with the receiver of a bound method under "" and with those that a `partial` has bound."""
    if callee.given:
        count = sum(key.isdigit() for key, _ in callee.given)
        later = {str(int(key) + count) if key.isdigit() else key: value for key, value in arguments.items()}
        arguments = {**dict(callee.given), **later}
    return {"": callee.receiver, **arguments} if callee.receiver is not None else arguments


def _method_call(frame: Frame, node: ast.Call, func: ast.Attribute, receiver: Tensor | Object, state: State) -> Value:
    name = func.attr
    if name in MOVES:
        own = (
            receiver.cls.method(name) if isinstance(receiver, Object) and isinstance(receiver.cls, ClassInfo) else None
        )
        if own is None:
            return transfer(frame, node, receiver, evaluate_arguments(frame, node, state), state)
    arguments = evaluate_arguments(frame, node, state)
    operands = list(arguments.values())
    if name in frame.knowledge.tensor_casts and not arguments:
        cast(frame, node, receiver, frame.knowledge.tensor_casts[name], state)
    if isinstance(receiver, Tensor):
        method(frame, receiver, name, arguments, node, state)
        if runs_later(frame, operands, state):  # `x.apply_(f)`
            unknown_call(frame, operands, node, state)
        if name == "type_as" and "0" in arguments:
            arguments["0"] = as_tensor(frame, arguments["0"], node, state)
            type_as(frame, node, receiver, arguments["0"], state)
        result = tensor_method(frame, receiver, name, arguments, node, state)
        if result is not None:
            return result
        if name in frame.knowledge.tensor_factories:
            device, dtype = requested(frame, node, arguments, state)
            made = Tensor(frame.symbol(node, name), device or receiver.device, dtype or receiver.dtype)
            if name == "new_tensor":
                note_values(frame, receiver, arguments, made, node)
            return made
        return frame.unknown(node, f"{name}()")
    if receiver.cls in ("builtins.list", "builtins.dict"):
        return container_method(frame, receiver, name, operands, node, state)
    unknown_method(frame, receiver, name, arguments, node, state)
    member = attribute(frame, receiver, func, state)
    if isinstance(member, Function):
        result = frame.callees.call(frame, member.info, bind_receiver(member, arguments), node, state)
        return settled_method_result(frame, receiver, member.info, result, arguments, node, state)
    if frame.is_module(receiver):
        if isinstance(member, Object) and member.cls is not None:
            return call_object(frame, member, arguments, node, state)
        if name in _FLUENT:
            return receiver
        if name in _CASTS:
            dtype = Known(Term(TermKind.CONSTANT, _CASTS[name]), (frame.fact(node, "`{}` sets the dtype"),))
            state.place(receiver, None, dtype, frame.epoch(node), node.lineno)
            return receiver
        if name in frame.knowledge.module_queries:
            result = frame.unknown(node, f"{name}()")
            alias(state, result, receiver)
            return result
        if name == "load_state_dict":  # copies values into the weights; with `assign` it replaces them
            if len(node.args) > 2 or "assign" in arguments:
                state.displace(receiver, frame.epoch(node), node.lineno)
            return frame.unknown(node, f"{name}()")
        if name in ("register_buffer", "register_parameter"):
            key = arguments.get("0", arguments.get("name"))
            value = arguments.get("1", arguments.get("tensor", arguments.get("param")))
            if isinstance(key, Constant) and isinstance(value, Tensor):
                floating = value.dtype is not None and value.dtype.term.name in _CASTS.values()
                uncast = name == "register_buffer" and not floating
                frame.symbols.has_weights = True
                held = replace(value, weight=True, uncast=uncast, device=None)
                store(frame, receiver, str(key.value), held, node, state)
                return frame.unknown(node)
    if isinstance(member, Object) and member.cls is not None:
        return call_object(frame, member, arguments, node, state)
    fluent = receiver.cls is None and name in _OF_MODELS and len(arguments) == (name == "train")
    if fluent and frame.assume(Assumption.STAYS_WHERE_PUT, node, "`{}` returns the model itself"):
        return receiver
    assumed: Value | None = scheduler_result(frame, receiver, name, arguments, node, state)
    assumed = assumed or level_of_sampler(frame, receiver, name, arguments, node, state)
    if assumed is None:
        assumed = method_result(frame, receiver, name, arguments, node, state)
    if assumed is None and name == "prepare":
        assumed = prepared(frame, receiver, arguments, node)
    if assumed is not None:
        return assumed
    got = key_of(name, arguments)
    unknown = unknown_call(frame, [receiver, *operands], node, state, got or name)
    result = of_output(receiver, f"{name}()", unknown, frame, node)
    if got and isinstance(result, Object):
        return got_from_options(frame, receiver, got, result)
    if name in ONE_NUMBER and name != "item" and not arguments and receiver.cls is None and isinstance(result, Object):
        return one_number(frame, result, node)
    if name in _CASTS and not arguments and isinstance(result, Object) and receiver.cls is None:
        dtype = Known(Term(TermKind.CONSTANT, _CASTS[name]), (frame.fact(node, "`{}` sets the dtype"),))
        return replace(result, placed=(receiver.placed[0], dtype))  # a tensor or a module: it stays where it is
    return made_on_device(frame, result, arguments, node) if isinstance(result, Object) else result


def _super_call(frame: Frame, node: ast.Call, func: ast.Attribute, state: State) -> Value:
    """`super().m(...)`: a call of the method that is found in the bases of the class."""
    arguments = evaluate_arguments(frame, node, state)
    owner = frame.function.owner if frame.function else None
    parameters = frame.function.parameters if frame.function else ()
    receiver = state.locals.get(parameters[0].arg) if parameters else None
    if owner is None or receiver is None:
        return unknown_call(frame, list(arguments.values()), node, state)
    for base in owner.lineage[1:]:
        if isinstance(base, ClassInfo):
            if func.attr in base.methods:
                method = base.methods[func.attr]
                return frame.callees.call(frame, method, {"": receiver, **arguments}, node, state)
        elif frame.knowledge.is_transparent_base(base) and func.attr == "__init__":
            return Constant(None)
        elif not frame.knowledge.is_transparent_base(base):
            break
    if func.attr == "__init__" and not owner.bases:
        return Constant(None)
    return unknown_call(frame, [receiver, *arguments.values()], node, state)


def instantiate(frame: Frame, info: ClassInfo, arguments: dict[str, Value], node: ast.Call, state: State) -> Value:
    """`Class(...)`: a new object, after its `__init__`."""
    made = Object(frame.symbol(node, info.name), info, (frame.fact(node, f"`{{}}` makes a `{info.name}`"),))
    state.create(made)
    initialiser = info.method("__init__")
    if initialiser is not None:
        frame.callees.call(frame, initialiser, {"": made, **arguments}, node, state)
    elif info.is_dataclass:
        _fill(frame, info, made, arguments, node, state)
    hold(state, made, arguments.values())
    return made


def _fill(
    frame: Frame, info: ClassInfo, made: Object, arguments: dict[str, Value], node: ast.Call, state: State
) -> None:
    """Set the fields of a new dataclass instance from its arguments and constant defaults; call `__post_init__`."""
    if any(key.startswith("*") for key in arguments):
        return
    for number, (name, (_, field)) in enumerate(info.annotated.items()):
        value = arguments.get(str(number), arguments.get(name))
        if value is None and isinstance(field.value, ast.Constant):
            value = Constant(field.value.value)
        if value is not None:
            store(frame, made, name, value, node, state)
    finish = info.method("__post_init__")
    if finish is not None:
        frame.callees.call(frame, finish, {"": made}, node, state)


def call_object(frame: Frame, callee: Object, arguments: dict[str, Value], node: ast.Call, state: State) -> Value:
    """Call an instance: a module's `forward`, a layer, or something unknown."""
    operands = list(arguments.values())
    if isinstance(callee.cls, ClassInfo):
        method = found_method(frame, callee, "__call__", state)
        if method is None and callee.cls.is_module and not callee.cls.is_overridden("__call__"):
            method = found_method(frame, callee, "forward", state)
        if method is not None:
            result = frame.callees.call(frame, method, {"": callee, **arguments}, node, state)
            return settled_result(frame, callee, result, arguments, node, state) if callee.cls.is_module else result
    if isinstance(callee.cls, str):
        kind = frame.knowledge.layer_kind(callee.cls)
        if kind is not None:
            result = _layer(frame, callee, kind, operands, node, state)
            return settled_result(frame, callee, result, arguments, node, state) if kind == "sequence" else result
    assumed = model_result(frame, callee, arguments, node, state)
    if assumed is not None:
        return assumed
    state.run(callee, frame.epoch(node), node.lineno)
    return unknown_call(frame, [callee, *operands], node, state)


def _layer(frame: Frame, layer: Object, kind: str, operands: list[Value], node: ast.Call, state: State) -> Value:
    """The result of a torch.nn layer."""
    source = operands[0] if operands else frame.unknown(node)
    if kind in ("like", "norm", "like_device"):  # a norm need not have weights
        alike = kind != "like_device"
        return operate(frame, Operation(True, alike, alike, autocast=True, n_dim=alike, itself=False), (source,), node)
    if kind == "sequence":
        return _sequence(frame, layer, source, node, state)
    assert isinstance(layer.cls, str)
    record = state.record(layer.ident)
    name = layer.cls.rpartition(".")[2]
    reason = frame.fact(
        node, f"`{{}}`: a `{name}` fails unless its input is where its weights are, so its result is there"
    )
    anchor = state.anchor(layer.ident, record)
    device = record.device or Known(Term(TermKind.WEIGHTS_DEVICE, symbol=anchor))
    source = as_tensor(frame, source, node, state, device.because(reason))
    if record.device is None and isinstance(source, Tensor) and source.device is not None:
        device = source.device  # the weights are there, too
    dtype = record.dtype or Known(Term(TermKind.WEIGHTS_DTYPE, symbol=anchor))
    placed = device.because(reason), frame.unless_autocast(dtype.because(reason))
    return Tensor(frame.symbol(node, "a result"), *placed, scalar=False, why=(reason,))


def _sequence(frame: Frame, layer: Object, source: Value, node: ast.Call, state: State) -> Tensor:
    """The result of a `Sequential`: its parts are called one after another."""
    value, count = source, 0
    while f"[{count}]" in state.record(layer.ident).attributes:
        part = state.read(layer, f"[{count}]")
        value = call_object(frame, part, {"0": value}, node, state) if isinstance(part, Object) else frame.unknown(node)
        count += 1
    symbol = frame.symbol(node, "a result", "sequence")
    return replace(value, ident=symbol) if count and isinstance(value, Tensor) else Tensor(symbol)
