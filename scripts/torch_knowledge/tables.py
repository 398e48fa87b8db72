"""All that is derived, as tables of the knowledge file, each with its description."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch_knowledge.attributes import observe_attributes, observe_casts
from torch_knowledge.behaviour import Behaviour, observe
from torch_knowledge.factories import observe_factories
from torch_knowledge.layers import observe_layers
from torch_knowledge.run import Kind
from torch_knowledge.samples import functions, methods


@dataclass(frozen=True)
class Table:
    """A list of names, or a mapping of names to names, under a dotted path; `about` says what is true of each name."""

    path: str
    about: str
    names: Iterable[str] | Mapping[str, Iterable[str]]


def derive() -> list[Table]:
    """Everything, in the order in which it is written."""
    called = {name: observe(f, name.rpartition(".")[2], receiver=False) for name, f in functions().items()}
    casts = observe_casts()
    methodical = {name: observe(method, name, receiver=True) for name, method in methods().items() if name not in casts}
    read = observe_attributes()
    factories = observe_factories()
    return [
        *_layers(),
        *_functions(called),
        Table(
            "functions.factories",
            "A new tensor where `device=` says and of the dtype that `dtype=` says, else on the default device.",
            factories.exact | factories.rounded | factories.random,
        ),
        Table(
            "functions.exact_factories",
            "Factories that make the same bits on every device. Known by making each with twice the digits: nothing\n"
            "is rounded on the way, so nothing depends on the order in which a device works.",
            factories.exact | (factories.data - factories.shared),
        ),
        Table(
            "functions.exact_in_any_dtype",
            "Of those, the ones that make in another dtype what conversion to it would make, whatever they are given.",
            factories.any_dtype,
        ),
        Table(
            "functions.inexact_factories",
            "Deterministic factories whose values are rounded on the way: devices may differ in the last bits.",
            factories.rounded,
        ),
        Table(
            "functions.exact_if_whole",
            "Of those, the ones that make the same bits everywhere where all arguments are whole numbers.",
            factories.whole,
        ),
        Table(
            "functions.random_factories",
            "Factories that draw from the random stream of the device that they make the tensor on.",
            factories.random,
        ),
        Table(
            "functions.n_dim_factories",
            "Factories that never make a 0-dim tensor, whatever they are given.",
            factories.n_dim,
        ),
        Table(
            "functions.like_factories",
            "A new tensor where `device=` and `dtype=` say, else placed as its first operand.",
            factories.like | factories.random_like,
        ),
        Table("functions.random_like_factories", "Of those, the ones that draw.", factories.random_like),
        Table(
            "functions.from_values",
            "A tensor made of values of the host where `device=` says; made of a tensor, it is where that is.",
            factories.data,
        ),
        Table(
            "functions.host_tensors",
            "A tensor on the host that shares memory with what it is made from, and cannot be asked for elsewhere.",
            factories.host,
        ),
        *_methods(methodical),
        Table(
            "tensor.attributes",
            "Attributes (no methods) that are tensors with the placement of the tensor that they are read from.",
            _which(read, lambda b: b.kind is Kind.TENSOR and b.own_device and b.own_dtype),
        ),
        Table(
            "tensor.casts",
            "Methods that, without arguments, only change the dtype, to this one (or return the receiver itself).",
            {name: [str(dtype)] for name, dtype in casts.items()},
        ),
        Table(
            "tensor.results.tuples",
            "Methods whose result is a tuple of tensors on the receiver's device.",
            _which(methodical, lambda b: b.kind is Kind.TENSORS and b.own_device),
        ),
        Table(
            "tensor.results.host",
            "Methods and attributes whose result lives on the host.",
            _which(methodical | read, lambda b: b.kind is Kind.HOST),
        ),
        Table(
            "tensor.results.factories",
            "Methods that make a new tensor where `device=` and `dtype=` say, else placed as the receiver.",
            factories.new,
        ),
    ]


def _which(seen: Mapping[str, Behaviour], holds: Callable[[Behaviour], object]) -> list[str]:
    return [name for name, behaviour in seen.items() if holds(behaviour)]


def _placed(behaviour: Behaviour) -> bool:
    return bool(behaviour.kind is Kind.TENSOR and (behaviour.device or behaviour.own_device))


def _tupled(behaviour: Behaviour) -> bool:
    return bool(behaviour.kind is Kind.TENSORS and (behaviour.device or behaviour.own_device))


def _common(group: str, seen: Mapping[str, Behaviour], first: str) -> list[Table]:
    """The tables that functions and methods both have. first: how the first operand is called in the descriptions."""
    placed = {name: b for name, b in seen.items() if _placed(b) or _tupled(b)}
    itself = {name: b for name, b in placed.items() if b.itself and b.own_device and b.own_dtype}
    others = {name: b for name, b in placed.items() if name not in itself}
    return [
        Table(
            f"{group}.itself",
            f"Of all those, the ones whose result is the {first} itself, the same object.",
            list(itself),
        ),
        Table(
            f"{group}.own_device",
            f"Of the others, those whose result is where the {first} is, wherever the other operands are.",
            _which(others, lambda b: b.own_device),
        ),
        Table(
            f"{group}.keeps_dtype",
            "Of the others, those whose result has the dtype of the operands where these agree (whatever numbers are\n"
            "given with them).",
            _which(others, lambda b: b.dtype and not b.own_dtype),
        ),
        Table(
            f"{group}.own_dtype",
            f"Of the others, those whose result has the dtype of the {first}, whatever dtype the other operands have.",
            _which(others, lambda b: b.own_dtype),
        ),
        Table(
            f"{group}.dtype_arguments",
            "Of the dtype of those, that is not true if one of these arguments is a dtype (by position, only the last\n"
            "can be).",
            {name: b.dtype_arguments for name, b in others.items() if (b.dtype or b.own_dtype) and b.dtype_arguments},
        ),
        Table(
            f"{group}.autocast",
            "Of the ones in keeps_dtype and own_dtype, those of which that is not true under autocast.",
            _which(others, lambda b: (b.dtype or b.own_dtype) and not b.autocast),
        ),
        Table(
            f"{group}.n_dim",
            "Of the others, those whose result is n-dim if an operand is.",
            _which(others, lambda b: b.n_dim),
        ),
        Table(
            f"{group}.unless",
            "With one of these arguments (by position, or keyword), the result is another than said above.",
            {name: b.unless for name, b in placed.items() if b.unless},
        ),
        Table(
            f"{group}.only_with",
            "Without one of these arguments, the result is another than said above.",
            {name: b.only_with for name, b in placed.items() if b.only_with},
        ),
        Table(
            f"{group}.views",
            f"The result may share memory with the {first} or another operand.",
            _which(placed, lambda b: b.shares),
        ),
        Table(
            f"{group}.changes",
            "Writes to an operand.",
            _which(seen, lambda b: b.changes and not b.changes_with),
        ),
        Table(
            f"{group}.changes_with",
            "May write to an operand if given one of these arguments.",
            {name: b.changes_with for name, b in seen.items() if b.changes_with},
        ),
        Table(
            f"{group}.reads",
            "Cannot answer, or cannot tell the shape of the result, without the values: waits for the device.",
            _which(seen, lambda b: b.needs_values and (b.kind is Kind.HOST or _placed(b))),
        ),
    ]


def _functions(seen: Mapping[str, Behaviour]) -> list[Table]:
    return [
        Table(
            "functions.combine",
            "One tensor on the device of the tensor operands (items of lists among them).",
            _which(seen, _placed),
        ),
        Table(
            "functions.take_sequences",
            "Of those, the ones that take something other than a tensor as their first argument.",
            _which(seen, lambda b: (_placed(b) or _tupled(b)) and b.other_first),
        ),
        Table(
            "functions.tuples",
            "A tuple of tensors on the device of the first operand.",
            _which(seen, lambda b: _tupled(b) and b.own_device),
        ),
        *_common("functions", seen, "first operand"),
        Table("functions.host", "Numbers, flags and strings.", _which(seen, lambda b: b.kind is Kind.HOST)),
    ]


def _methods(seen: Mapping[str, Behaviour]) -> list[Table]:
    return [
        Table(
            "tensor.same",
            "Methods whose result is one tensor on the device of its tensor operands, the receiver among them.",
            _which(seen, _placed),
        ),
        *_common("tensor", seen, "receiver"),
    ]


def _layers() -> list[Table]:
    layers = observe_layers()
    return [
        Table(
            "layers.weights",
            "They fail unless input and weights agree in device and dtype, so the result is where the weights are.",
            layers.weights,
        ),
        Table(
            "layers.norm",
            "On the device of the weights, where there are any, and of the dtype of the input.",
            layers.norm,
        ),
        Table("layers.like", "As the input (the dtype outside of autocast).", layers.like),
        Table("layers.like_device", "On the device of the input.", layers.like_device),
        Table("layers.sequence", "One layer after the other.", layers.sequence),
        Table("layers.containers", "They hold layers and cannot be called.", layers.containers),
        Table(
            "layers.unless",
            "With one of these arguments (by position, or keyword) the class does something else.",
            layers.unless,
        ),
    ]
