"""Calls of code outside the tree: torch's factories, operations and modules, device functions."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeGuard

from transfer_lint.flow.interpret.assumed import library_result, made_on_device, wrapped
from transfer_lint.flow.interpret.captures import is_callable, iterated, runs_later, runs_tree
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.host_reads import called, sizes, upload
from transfer_lint.flow.interpret.items import element, one_alike
from transfer_lint.flow.interpret.mutations import function_writes, out_written, written
from transfer_lint.flow.interpret.tensors import (
    NOT_OPERANDS,
    REDUCTIONS,
    as_called,
    as_tensor,
    combine,
    operate,
    pair_along,
    parts,
    requested,
)
from transfer_lint.flow.interpret.unknown_calls import alias, hold, namespace, unknown_call
from transfer_lint.flow.knowledge import Operation, Role
from transfer_lint.flow.values.aliasing import Later
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Known, Term, TermKind
from transfer_lint.flow.values.values import (
    NONE,
    Constant,
    Function,
    Host,
    Object,
    Placed,
    Tensor,
    Tuple,
    Value,
    objects_of,
)

AT_ONCE = frozenset(
    f"builtins.{name}" for name in ["list", "tuple", "sorted", "set", "dict", "any", "all", "sum", "min", "max"]
)
"""What goes through all items before it returns."""
_VARIABLES = frozenset({"torch.autograd.Variable", "torch.autograd.variable.Variable"})


def external_call(frame: Frame, name: str, arguments: dict[str, Value], node: ast.Call, state: State) -> Value:
    """A call of something outside the tree, by its dotted name."""
    knowledge = frame.knowledge
    operands = list(arguments.values())
    frame.run_operators(operands, node, state, name)
    if "0" in arguments and _reads_tensor(frame, name):
        arguments["0"] = as_tensor(frame, arguments["0"], node, state)
    called(frame, name, arguments, node, state)
    if function_writes(frame, name, arguments):
        written(frame, node, operands)
    out_written(frame, node, arguments)
    first = arguments.get("0")
    if (
        name == "functools.partial"
        and isinstance(first, Function)
        and not any(key.startswith("*") for key in arguments)
    ):
        return _partial(first, arguments)
    calls = name in knowledge.iterates or name in AT_ONCE
    if calls:
        for operand in _not_at_once(name, arguments, node):
            iterated(frame, operand, node, state)
    if runs_later(frame, operands, state) or (calls and any(is_callable(value, modules=True) for value in operands)):
        return unknown_call(frame, operands, node, state, name.rpartition(".")[2])
    if runs_tree(operands, state):
        state.havoc_all((), frame.epoch(node), node.lineno, module_level=True)
    if name == "builtins.dict" and not any(key.isdigit() or key.startswith("*") for key in arguments):
        return _dict(frame, arguments, node, state)
    if name == "builtins.vars" and isinstance(first, Object):
        return namespace(frame, first, node, state)
    if name in ("torch.device", "torch.torch.device"):
        return _device(frame, arguments, node)
    if name in knowledge.devices:
        known = knowledge.devices[name]
        term = Term(TermKind.STABLE, name) if known.stable else Term(TermKind.VALUE, symbol=frame.symbol(node, name))
        return Placed(Known(term, (frame.fact(node, "`{}` says the device"),)), is_dtype=False)
    if name in knowledge.dtypes:
        stable = knowledge.dtypes[name]
        term = Term(TermKind.STABLE, name) if stable else Term(TermKind.VALUE, symbol=frame.symbol(node, f"{name}()"))
        return Placed(Known(term), is_dtype=True)
    if name in knowledge.host_tensors:
        why = (frame.fact(node, "`{}` is a tensor on the host"),)
        return Tensor(frame.symbol(node, "a tensor"), Known(Term(TermKind.CONSTANT, "cpu"), why), scalar=None, why=why)
    sizes(frame, name, arguments, node, state)
    if name in knowledge.factories or name in knowledge.like_factories:
        return _factory(frame, name, arguments, node, state)
    if name in knowledge.legacy_factories:
        return _legacy(frame, knowledge.legacy_factories[name], operands, node)
    if name in knowledge.from_values:
        made = _from_values(frame, arguments, node, state)
        upload(frame, name, arguments, made, node)
        return made
    if name in knowledge.tuples or name in knowledge.combine or name in knowledge.take_sequences:
        operation = knowledge.function(name, arguments)
        if name not in knowledge.take_sequences and "0" in arguments:
            arguments["0"] = as_tensor(frame, arguments["0"], node, state)
        if name == "torch.where" and isinstance(whole := arguments.get("0"), Tensor) and len(arguments) == 1:
            return _indices(frame, whole, node, state)
        if operation is None:
            short = name.rpartition(".")[2]
            pair = pair_along(frame, first, short, arguments, "1", node, state) if isinstance(first, Tensor) else None
            return pair if pair is not None else frame.unknown(node, f"{short}()")
        operation = as_called(operation, arguments)
        if name not in knowledge.tuples:
            made = _combine_call(frame, operation, arguments, node, state)
            if len(arguments) == 1 and name.rpartition(".")[2] in REDUCTIONS:
                made = replace(made, scalar=True)
            held = [value.memory() for value in arguments.values() if isinstance(value, Tensor)]
            if name in knowledge.function_views:
                made = replace(made, shares=frozenset().union(*held) - {made.ident})
            return made if name in knowledge.combine else parts(frame, made, operation, node, state)
        whole = arguments.get("0")
        return parts(frame, whole, operation, node, state) if isinstance(whole, Tensor) else frame.unknown(node)
    if name in ("torch.nn.Parameter", "torch.nn.parameter.Parameter", "torch.nn.Buffer"):
        frame.symbols.has_weights = True
        return Tensor(frame.symbol(node, "a parameter"), weight=True, why=(frame.fact(node, "`{}` is a parameter"),))
    if name in _VARIABLES and "0" in arguments:
        return _variable(frame, as_tensor(frame, arguments["0"], node, state), node)
    if name in knowledge.wrappers and (model := wrapped(frame, arguments, node)) is not None:
        return model
    if knowledge.is_module_class(name):
        return _torch_module(frame, name, arguments, node, state)
    if name in ("builtins.sum", "builtins.abs") and isinstance(first, Tensor | Object):
        item = first if name == "builtins.abs" or isinstance(first, Tensor) else element(frame, first, node, state)
        if isinstance(item, Tensor):
            return combine(frame, (item,), node, keeps_dtype=False)
        if isinstance(item, Object) and item.cls is None:
            return frame.unknown(node, f"{name.rpartition('.')[2]}()")
    if name in knowledge.iterates and ("0" in arguments or "*0" in arguments):
        return _iterated(frame, name, arguments, node, state)
    if name in knowledge.host:
        return Host(frame.symbol(node, name), array=name.startswith("numpy."))
    if name in knowledge.pure:
        result = frame.unknown(node, f"{name.rpartition('.')[2]}()")
        for operand in operands:
            alias(state, result, operand)
        _may_run(result, operands, state)
        return result
    if name in knowledge.makes_tensors:
        unknown_call(frame, operands, node, state, name.rpartition(".")[2])
        return Tensor(frame.symbol(node, "a tensor"), why=(frame.fact(node, "`{}` is a tensor"),))
    computed = library_result(frame, name, arguments, node, state)
    if computed is not None:
        return computed
    result = unknown_call(frame, operands, node, state, name.rpartition(".")[2])
    return made_on_device(frame, result, arguments, node)


def _not_at_once(name: str, arguments: Mapping[str, Value], node: ast.Call) -> list[Value]:
    """The arguments but for generators that a function consumes at once: they are as their expressions say."""
    at_once = {str(n) for n, part in enumerate(node.args) if isinstance(part, ast.GeneratorExp) and name in AT_ONCE}
    return [value for key, value in arguments.items() if key not in at_once]


def _partial(function: Function, arguments: Mapping[str, Value]) -> Function:
    """`functools.partial(f, ...)`: nothing runs yet."""
    before = sum(key.isdigit() for key, _ in function.given)
    fresh = {
        str(int(key) - 1 + before) if key.isdigit() else key: value for key, value in arguments.items() if key != "0"
    }
    return replace(function, given=tuple({**dict(function.given), **fresh}.items()))


def _iterated(frame: Frame, name: str, arguments: Mapping[str, Value], node: ast.Call, state: State) -> Object:
    """`enumerate`, `zip`, `reversed`, `tqdm` ...: a list of the items that it yields."""
    made = Object(frame.symbol(node, f"{name.rpartition('.')[2]}()"), "builtins.list")
    sources = [value for key, value in arguments.items() if key.isdigit() or key.startswith("*")]
    first = element(frame, sources[0], node, state)
    if name == "builtins.zip":
        if any(key.startswith("*") for key in arguments):  # an unknown number of parts, all alike
            item: Value = Object(frame.symbol(node, "an item", "zip"), "builtins.list")
            assert isinstance(item, Object)
            state.create(item)
            state.write(item, "[]", one_alike(frame, element(frame, first, node, state), node, state, "part"))
        else:
            rest = [
                one_alike(frame, element(frame, source, node, state), node, state, str(n))
                for n, source in enumerate(sources)
            ]
            item = Tuple(tuple(rest))
    elif name == "builtins.enumerate":
        item = Tuple((Host(frame.symbol(node, "a number")), first))
    else:
        item = first
    state.create(made)
    state.write(made, "[]", item)
    for source in sources:
        alias(state, made, source)
    if name not in AT_ONCE:
        _may_run(made, sources, state)
    return made


def _dict(frame: Frame, items: Mapping[str, Value], node: ast.Call, state: State) -> Object:
    """`dict(a=1, b=2)`: `{"a": 1, "b": 2}`."""
    made = Object(frame.symbol(node, "a dict"), "builtins.dict")
    state.create(made)
    for key, value in items.items():
        state.write(made, f"[{key!r}]", value)
    return made


def _indices(frame: Frame, mask: Tensor, node: ast.Call, state: State) -> Object:
    """`torch.where(mask)`: for each dimension a list of indices, on the device of the mask."""
    made = Object(frame.symbol(node, "indices"), "builtins.list")
    state.create(made)
    dtype = Known(Term(TermKind.CONSTANT, "torch.int64"))
    device = mask.device or Known(mask.device_term())
    state.write(made, "[]", Tensor(frame.symbol(node, "an index"), device, dtype, scalar=False, why=mask.why))
    return made


def _may_run(made: Object, sources: Sequence[Value], state: State) -> None:
    """What a call returns may run the generators that it was given, later."""
    code = tuple(ident for source in sources for ident in objects_of(source) if state.sharing.code(ident))
    opaque = any(isinstance(source, Object) and source.cls is None for source in sources)
    if code or opaque:
        state.sharing.later[made.ident] = Later(code, runs_tree=opaque, certain=False)


def _device(frame: Frame, arguments: dict[str, Value], node: ast.Call) -> Value:
    first, index = arguments.get("0", arguments.get("device", arguments.get("type"))), arguments.get("1")
    if isinstance(first, Placed):
        return first
    if isinstance(first, Constant) and isinstance(first.value, str):
        text = first.value
        if isinstance(index, Constant):
            text = f"{text}:{index.value}"
        if index is None or isinstance(index, Constant):
            return Placed(Known(Term(TermKind.CONSTANT, text), (frame.fact(node, "`{}`"),)), is_dtype=False)
    term = frame.placed_by(first, node) if first is not None and index is None else None
    if term is not None:  # a device from a string or a device is the same target
        return Placed(Known(term, (frame.fact(node, "`{}`"),)), is_dtype=False)
    return Placed(Known(Term(TermKind.VALUE, symbol=frame.symbol(node, "this device"))), is_dtype=False)


def _reads_tensor(frame: Frame, name: str) -> bool:
    """Whether a function of torch reads its first argument, a tensor, perhaps only without other arguments."""
    if not name.startswith("torch."):
        return False
    reads = name in frame.knowledge.function_reads or name in frame.knowledge.function_checks
    return reads or name in ("torch.where", "torch.histc")


def _factory(frame: Frame, name: str, arguments: dict[str, Value], node: ast.Call, state: State) -> Tensor:
    device, dtype = requested(frame, node, arguments, state)
    given = arguments.get("device")
    like = (
        as_tensor(frame, arguments["0"], node, state)
        if name in frame.knowledge.like_factories and "0" in arguments
        else None
    )
    if isinstance(like, Tensor):
        device = device or like.device or Known(like.device_term())
        dtype = dtype or like.dtype or Known(like.dtype_term())
        return Tensor(frame.symbol(node, "a tensor"), device, dtype, like.scalar, why=like.why)
    why = (frame.fact(node, "`{}` is a tensor"),)
    if device is None and given in (None, NONE) and name in frame.knowledge.factories:
        device = _default_device(frame, node)
    n_dim = name in frame.knowledge.n_dim_factories or _has_size(arguments, state)
    return Tensor(frame.symbol(node, "a tensor"), device, dtype, scalar=False if n_dim else None, made=node, why=why)


def _has_size(arguments: Mapping[str, Value], state: State) -> bool:
    """Whether a factory is given a size of at least one dimension, spelled out."""
    match arguments.get("size", arguments.get("0")):
        case Constant(value=bool()):
            return False
        case Constant(value=int()):
            return True
        case Tuple(items=items):
            return bool(items)
        case Object(cls="builtins.list", ident=ident):
            return "[0]" in state.record(ident).attributes
    return False


def _from_values(frame: Frame, arguments: dict[str, Value], node: ast.Call, state: State) -> Tensor:
    """`torch.tensor(...)` without a device: made from numbers, it is on the default device, else on an unknown one."""
    device, dtype = requested(frame, node, arguments, state)
    why = (frame.fact(node, "`{}` is a tensor"),)
    given = arguments.get("0")
    if device is None and _holds_numbers(given, state) and arguments.get("device") in (None, NONE):
        device = _default_device(frame, node)
    ident = frame.symbol(node, "a tensor")
    if device is None and arguments.get("device") in (None, NONE):
        device = _device_of_values(frame, given, ident, node)
    scalar = False if _is_list(given) else True if isinstance(given, Constant) else None
    return Tensor(ident, device, dtype, scalar, made=node, why=why)


def _holds_numbers(value: Value | None, state: State, around: frozenset[Symbol] = frozenset()) -> bool:
    """Whether a value is a number, or a list that holds nothing else, nor do the lists and tuples in it.

    around: the lists that it is in. One that holds itself, or may, is none of numbers.
    """
    if _is_list(value):
        if value.ident in around:
            return False
        around |= {value.ident}
        items: Sequence[Value] = list(state.record(value.ident).attributes.values())
    elif isinstance(value, Tuple):
        items = value.items
    else:
        return isinstance(value, Constant) or (isinstance(value, Host) and not value.array)
    return bool(items) and all(_holds_numbers(item, state, around) for item in items)


def _device_of_values(frame: Frame, given: Value | None, ident: Symbol, node: ast.Call) -> Known | None:
    """The device of `torch.tensor(values)` where the values are not known: that of a tensor, or else the host.

    Nobody copies a tensor that way, so its role is that of the host, whatever it is equal to.
    """
    placed = isinstance(given, Tensor) or (isinstance(given, Object) and given.placed[0] is not None)
    if placed or _default_device(frame, node).term.kind is not TermKind.CONSTANT:
        return None
    return Known(Term(TermKind.DEVICE_OF, symbol=ident, role=Role.HOST))


def _legacy(frame: Frame, dtype: str, operands: Sequence[Value], node: ast.Call) -> Tensor:
    """`torch.FloatTensor(...)`: always on the host; of the dtype that its name says. Made of a tensor, it shares it."""
    why = (frame.fact(node, "`{}` is a tensor on the host"),)
    device = Known(Term(TermKind.CONSTANT, "cpu"), why) if dtype else _default_device(frame, node)
    known = Known(Term(TermKind.CONSTANT, dtype), why) if dtype else None
    held = frozenset[Symbol]().union(*(value.memory() for value in operands if isinstance(value, Tensor)))
    return Tensor(frame.symbol(node, "a tensor"), device, known, made=node, shares=held, why=why)


def _variable(frame: Frame, given: Value, node: ast.Call) -> Value:
    """`Variable(x)`, of the time before torch 0.4: another tensor with the memory of `x`."""
    if not isinstance(given, Tensor):
        return frame.unknown(node)
    device, dtype = given.device or Known(given.device_term()), given.dtype or Known(given.dtype_term())
    ident = frame.symbol(node, "a tensor")
    return Tensor(ident, device, dtype, given.scalar, made=given.made, shares=given.memory(), why=given.why)


def _is_list(value: Value | None) -> TypeGuard[Object]:
    return isinstance(value, Object) and value.cls == "builtins.list"


def _default_device(frame: Frame, node: ast.Call) -> Known:
    """The device of a factory call that names none: the host, unless the tree may change the default device."""
    if frame.around.default_device or frame.callees.sets_default_device(frame.module):
        term = Term(TermKind.DEFAULT_DEVICE, symbol=frame.symbol(node, "the default device", "device"))
        return Known(term, (frame.fact(node, "`{}` is made on the default device"),))
    return Known(Term(TermKind.CONSTANT, "cpu"), (frame.fact(node, "`{}` is made on the host"),))


def _combine_call(frame: Frame, known: Operation, arguments: dict[str, Value], node: ast.Call, state: State) -> Tensor:
    operands: list[Value] = []
    for key, value in arguments.items():
        if key in NOT_OPERANDS:
            continue
        if isinstance(value, Tuple):
            operands.extend(value.items)
        elif _is_list(value):
            operands.extend(state.record(value.ident).attributes.values() or (value,))
        else:
            operands.append(value)
    if "0" not in arguments:  # the first operand is given by keyword: it is not known which one it is
        known = replace(known, own_device=False, own_dtype=False, itself=False)
    return operate(frame, known, operands, node)


def _torch_module(frame: Frame, name: str, arguments: Mapping[str, Value], node: ast.Call, state: State) -> Object:
    operands = list(arguments.values())
    label = name.rpartition(".")[2]
    if not frame.knowledge.is_usual_layer(name, arguments):
        name = "torch.nn.Module"  # nothing is known of its result
    made = Object(frame.symbol(node, label), name, (frame.fact(node, "`{}` is a module"),))
    state.create(made)
    hold(state, made, operands)
    short = name.rpartition(".")[2]
    if short in frame.knowledge.layers_sequence:
        for number, operand in enumerate(operands):
            state.write(made, f"[{number}]", operand)
    elif short in frame.knowledge.layers_containers and operands:
        held = operands[0]
        if isinstance(held, Object) and held.cls == "builtins.list":
            for key, value in state.record(held.ident).attributes.items():
                state.write(made, key, value)
    return made
