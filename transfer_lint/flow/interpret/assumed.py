"""Assumptions: what a reader takes for granted where nothing is proved. Each function does nothing without it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.names import may_be_tensor_or_module, value_of_binding
from transfer_lint.flow.interpret.seeming import is_among_tensors
from transfer_lint.flow.interpret.unknown_calls import unknown_call
from transfer_lint.flow.knowledge import Knowledge, Role
from transfer_lint.flow.program.modules import FunctionInfo, Import, Module
from transfer_lint.flow.program.syntax import nodes_of
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.terms import Fact, Known, Term, TermKind, role_of
from transfer_lint.flow.values.values import External, Function, Host, Object, Placed, Tensor, Tuple, Value

# Attributes of a model or of its result that hold no tensors.
_SIZES = frozenset({"size", "sizes", "shape", "shapes"})
_NO_TENSORS = frozenset({"config", "dtype", "keys()", "items()"})


def as_operand(frame: Frame, value: Value, node: ast.AST) -> Value:
    """An operand; as a tensor if it is a value of unknown class that was moved to a device.

    What is imported from outside the tree may be a tensor, too.
    """
    if isinstance(value, External) and may_be_tensor_or_module(value):
        return Object(frame.symbol(node, value.name, value.name))
    device, dtype = value.placed if isinstance(value, Object) and value.cls is None else (None, None)
    if isinstance(value, Object) and device is not None:
        if _is_assumed(device):  # what the assumption speaks of is a tensor
            return Tensor(value.ident, device, dtype)
        fact = frame.assume(Assumption.MOVED_IS_TENSOR, node, "`{}` uses what is on a device as a tensor")
        if fact is not None:
            return Tensor(value.ident, device, dtype, why=(fact,))
    return value


def _is_assumed(known: Known) -> bool:
    return any(fact.assumption is not None for fact in known.why)


def agreed_device(frame: Frame, tensors: Iterable[Tensor], node: ast.AST) -> Known | None:
    """The device of tensors that are combined, although it is not proved that they are on one."""
    known = [tensor for tensor in tensors if tensor.device is not None and not _is_host(frame, tensor.device)]
    if len({tensor.device_term() for tensor in known}) != 1:
        return None
    fact = frame.assume(Assumption.INPUTS_AGREE, node, "`{}` combines tensors without a move")
    return known[0].device.because(fact) if fact is not None and known[0].device is not None else None


def is_likely_on_host(frame: Frame, tensors: Sequence[Tensor], others: Sequence[Value], node: ast.AST) -> bool:
    """Whether tensors of the host are combined with nothing but what is not known: that is mostly there, too.

    One number of the host can be combined with what is anywhere; what it is compared with is mostly a number.
    """
    for tensor in tensors:
        on_host = tensor.device is not None and _is_host(frame, tensor.device)
        if not tensor.likely_host and (not on_host or (tensor.scalar and not isinstance(node, ast.Compare))):
            return False
    return bool(others) or any(tensor.likely_host for tensor in tensors)


def model_result(
    frame: Frame, model: Object, arguments: Mapping[str, Value], node: ast.Call, state: State
) -> Object | None:
    """The result of a call of a model whose code is not known."""
    if not _is_model(frame, model, state):
        return None
    device = state.record(model.ident).device or model.placed[0] or _device_of_inputs(frame, arguments.values())
    if device is None:
        return None
    fact = _made_by_model(frame, node)
    if fact is None:
        return None
    dtype = frame.unless_autocast(state.record(model.ident).dtype or model.placed[1])
    result = unknown_call(frame, list(arguments.values()), node, state)
    return replace(result, placed=(device.because(fact), dtype))


def method_result(
    frame: Frame, model: Object, name: str, arguments: Mapping[str, Value], node: ast.Call, state: State
) -> Object | None:
    """The result of an unknown method of a model: of one that computes, or is given what is on a device."""
    moved = state.record(model.ident).device is not None and _device_of_inputs(frame, arguments.values()) is not None
    if name in frame.knowledge.computing_methods or (moved and name not in frame.knowledge.module_queries):
        return model_result(frame, model, arguments, node, state)
    return None


def settled_result(
    frame: Frame, model: Object, result: Value, arguments: Mapping[str, Value], node: ast.Call, state: State
) -> Value:
    """The result of a model whose code is known, where that does not tell its device."""
    match result:
        case Tuple(items=items):
            return Tuple(tuple(settled_result(frame, model, item, arguments, node, state) for item in items))
        case Tensor(device=None) | Object(cls=None, placed=(None, _)):
            device = state.record(model.ident).device or _device_of_inputs(frame, arguments.values())
        case Tensor(device=Known(term=term)) if _is_of_its_own(term, arguments):
            device = state.record(model.ident).device or _device_of_inputs(frame, arguments.values())
        case Tensor(device=Known(term=Term(kind=TermKind.WEIGHTS_DEVICE))):  # the inputs have to be there, too
            device = _device_of_inputs(frame, arguments.values())
        case _:
            return result
    if device is None:
        return result
    fact = _made_by_model(frame, node)
    if fact is None:
        return result
    dtype = frame.unless_autocast(state.record(model.ident).dtype)
    if isinstance(result, Tensor):
        return replace(result, device=device.because(fact), dtype=result.dtype or dtype, computed=True)
    return replace(result, placed=(device.because(fact), result.placed[1] or dtype))


def settled_method_result(
    frame: Frame,
    model: Object,
    called: FunctionInfo,
    result: Value,
    arguments: Mapping[str, Value],
    node: ast.Call,
    state: State,
) -> Value:
    """The result of a method of a model that is given what is on a device, where its code does not tell its device.

    Not of a method that makes tensors on the host, or brings them there, or calls a function of the tree that does:
    any of them may be its result.
    """
    if not frame.is_module(model) or _device_of_inputs(frame, arguments.values()) is None:
        return result
    if _uses_host(frame, called):
        return result
    return settled_result(frame, model, result, arguments, node, state)


def _uses_host(frame: Frame, called: FunctionInfo, depth: int = 2) -> bool:
    """Whether a function, or one of the tree that it calls by name, makes tensors on the host or brings them there.

    depth: of how many calls in calls the functions are looked at.
    """
    module = called.module
    for call in (node for node in nodes_of(called.node) if isinstance(node, ast.Call)):
        if _is_of_host(call, module, frame.knowledge):
            return True
        binding = module.binding(call.func.id) if depth and isinstance(call.func, ast.Name) else None
        if isinstance(binding, FunctionInfo | Import):
            inner = value_of_binding(frame, module, binding.name or "", binding)
            if isinstance(inner, Function) and inner.info is not called and _uses_host(frame, inner.info, depth - 1):
                return True
    return False


def _is_of_host(node: ast.Call, module: Module, knowledge: Knowledge) -> bool:
    """Whether the result of a call is on the host: `torch.tensor(values)`, `x.cpu()`."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("cpu", "numpy"):
        return True
    name = module.dotted(node.func)
    made = name in knowledge.from_values or name in knowledge.host_tensors
    return made and not any(keyword.arg == "device" for keyword in node.keywords)


def _is_of_its_own(term: Term, arguments: Mapping[str, Value]) -> bool:
    """Whether a device is that of a tensor which was made in the call, wherever that is."""
    given = {value.ident for value in arguments.values() if isinstance(value, Tensor | Object)}
    symbol = term.symbol
    if term.kind is not TermKind.DEVICE_OF or symbol is None:
        return False
    return symbol not in given and symbol.parent is None and symbol.line > 0


def library_result(
    frame: Frame, name: str, arguments: Mapping[str, Value], node: ast.Call, state: State
) -> Object | Tensor | None:
    """The result of a function of a library that computes with tensors."""
    if name not in frame.knowledge.tensor_libraries:
        return None
    first = arguments.get("0")
    if name.startswith("einops.") and isinstance(first, Tensor):
        fact = frame.assume(Assumption.LIBRARY_MODEL, node, "`{}` only changes the shape")
        made = frame.symbol(node, "a result")
        return (
            replace(first, ident=made, weight=False, shares=first.memory(), why=(fact,)) if fact is not None else None
        )
    device = _device_of_inputs(frame, arguments.values())
    if device is None:
        return None
    fact = frame.assume(Assumption.LIBRARY_MODEL, node, "`{}` is where the tensors are that it is made of")
    if fact is None:
        return None
    result = unknown_call(frame, list(arguments.values()), node, state)
    return replace(result, placed=(device.because(fact), None))


def scheduler_result(
    frame: Frame, scheduler: Object, method: str, arguments: Mapping[str, Value], node: ast.Call, state: State
) -> Object | None:
    """The result of a method of a diffusion scheduler that takes a sample."""
    keys = frame.knowledge.scheduler_samples.get(method)
    if keys is None or not _words(scheduler) & frame.knowledge.scheduler_words.exact:
        return None
    samples = [arguments[key] for key in sorted(keys.exact) if key in arguments]
    device = _device_of_inputs(frame, samples)
    if device is None:
        return None
    fact = frame.assume(Assumption.SCHEDULER_KEEPS, node, "`{}` returns a sample where it was")
    if fact is None:
        return None
    result = unknown_call(frame, [scheduler, *arguments.values()], node, state)
    return replace(result, placed=(device.because(fact), None))


def scheduler_timesteps(frame: Frame, scheduler: Object, name: str, value: Value, node: ast.AST) -> Value:
    """The time steps of a diffusion scheduler: a tensor, wherever it has been put."""
    if name != "timesteps" or not isinstance(value, Object) or value.cls is not None:
        return value
    if not _words(scheduler) & frame.knowledge.scheduler_words.exact:
        return value
    fact = frame.assume(Assumption.SCHEDULER_KEEPS, node, "`{}` are the time steps of a scheduler, a tensor")
    return value if fact is None else Tensor(value.ident, why=(fact,))


def wrapped(frame: Frame, arguments: Mapping[str, Value], node: ast.Call) -> Value | None:
    """The result of `torch.compile(m)` and the like: the model itself."""
    fact = frame.assume(Assumption.WRAPPER_KEEPS, node, "`{}` wraps a model where it is")
    if fact is None:
        return None
    given = [
        replace(value, why=(*value.why, fact)) if isinstance(value, Object) else value
        for key, value in arguments.items()
        if key.isdigit()
    ]
    if not given:
        return None
    return given[0] if len(given) == 1 else Tuple(tuple(given))


def prepared(frame: Frame, owner: Object, arguments: Mapping[str, Value], node: ast.Call) -> Value | None:
    """The result of `accelerator.prepare(m, ..)`."""
    return wrapped(frame, arguments, node) if _words(owner) & frame.knowledge.preparer_words.exact else None


def made_on_device(frame: Frame, result: Object, arguments: Mapping[str, Value], node: ast.Call) -> Object:
    """The result of an unknown function that is given a device."""
    value = arguments.get("device", arguments.get("device_map"))
    if not isinstance(value, Placed | Object | Host | External) or (isinstance(value, Placed) and value.is_dtype):
        return result
    term = frame.placed_by(value, node)
    computes = any(isinstance(v, Tensor) or (isinstance(v, Object) and v.placed[0]) for v in arguments.values())
    name = _name(node)
    if term is None or computes or name[:1].isupper():  # a loss, say, may well return what is on the host
        return result
    if name in frame.knowledge.movers:  # what moves something may return how much it has moved
        return result
    fact = frame.assume(Assumption.DEVICE_ARGUMENT, node, "`{}` is given the device")
    if fact is None:
        return result
    known = value.known if isinstance(value, Placed) else Known(term)
    return replace(result, placed=(known.because(fact), None))


def of_output(owner: Object, name: str, value: Value, frame: Frame, node: ast.AST) -> Value:
    """An attribute or item of a model's result, or an item of what was moved to a device: it is there, too."""
    device = owner.placed[0]
    if device is None or owner.cls is not None or not isinstance(value, Object) or value.cls is not None:
        return value
    if value.placed[0] is not None or name in _NO_TENSORS or _names_size(node):
        return value
    if not _is_assumed(device):
        if name != "[]" and not _names_batch(frame, node):  # it may be a model, whose attributes are anything
            return value
        fact = frame.assume(Assumption.LIBRARY_MODEL, node, "`{}` is a part of what is on a device")
        if fact is None:
            return value
        device = device.because(fact)
    if name == "device":
        return Placed(device, is_dtype=False)
    if name in frame.knowledge.tensor_host:
        return Host(value.ident)
    return replace(value, placed=(device, owner.placed[1]))


def _names_size(node: ast.AST) -> bool:
    """Whether a part is called a size: of a graph that was moved, `edges, _, size = adj.to(device)`."""
    words = node.id.lower().split("_") if isinstance(node, ast.Name) else ()
    return not _SIZES.isdisjoint(words)


def _names_batch(frame: Frame, node: ast.AST) -> bool:
    """Whether an attribute is one of what is called a batch, and neither a method nor a count: `batch.y`."""
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)) or node.attr.startswith("num_"):
        return False
    return not frame.knowledge.batch_words.exact.isdisjoint(node.value.id.lower().split("_"))


def one_number(frame: Frame, result: Object, node: ast.Call) -> Value:
    """The result of `x.sum()` and the like: that of a tensor, in a file that knows no arrays, and in a model."""
    if not is_among_tensors(frame):
        return result
    arrays = frame.module.knows_arrays
    why = "it is in a model" if arrays else "there are no arrays"
    fact = frame.assume(Assumption.MOVED_IS_TENSOR, node, f"`{{}}` makes one number of a tensor: {why}")
    return Tensor(result.ident, *result.placed, scalar=True, why=(fact,)) if fact is not None else result


def _made_by_model(frame: Frame, node: ast.Call) -> Fact | None:
    text = "`{}` is the result of a model, so it is where the model and its inputs are"
    return frame.assume(Assumption.LIBRARY_MODEL, node, text)


def _is_model(frame: Frame, value: Object, state: State) -> bool:
    """Whether a value that is called is a model, by what was done with it or by what it is called."""
    if frame.is_module(value) or state.record(value.ident).device is not None:
        return True
    if value.cls is not None:
        return False
    if value.placed[0] is not None and not _is_loaded_beside(value, value.placed[0]):
        return True
    owner = state.sharing.owners.get(value.ident.parent) if value.ident.parent is not None else None
    return (owner is not None and frame.is_module(owner)) or bool(_words(value) & frame.knowledge.model_words.exact)


def _is_loaded_beside(value: Object, placed: Known) -> bool:
    """Whether a library has loaded it for a device, but not first: `model, preprocess = load(name, device=d)`."""
    key = value.ident.label.rpartition("[")[2]
    given = any(fact.assumption is Assumption.DEVICE_ARGUMENT for fact in placed.why)
    return given and key.endswith("]") and key != "0]"


def _device_of_inputs(frame: Frame, values: Iterable[Value]) -> Known | None:
    """The device of the first tensor, or value that may be one, that is not known to be on the host."""
    for value in values:
        device = value.device if isinstance(value, Tensor) else value.placed[0] if isinstance(value, Object) else None
        if device is not None and not _is_host(frame, device):
            return device
    return None


def _is_host(frame: Frame, known: Known) -> bool:
    return role_of(known.term, frame.knowledge) is Role.HOST


def _words(value: Object) -> frozenset[str]:
    """The words of the name that a value goes by: `self.text_encoder` -> text, encoder; of an item, of its key."""
    name = value.ident.label.rpartition(".")[2].rpartition("[")[2]
    return frozenset(name.strip("]'\"").lower().rstrip("0123456789()").split("_"))


def _name(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
