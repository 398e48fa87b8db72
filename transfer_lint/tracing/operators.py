"""Runs operators on the simulated machine, on the host values.

Checks the operands' devices, puts results on the right device, and records transfers and waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._mode_utils import no_dispatch

from transfer_lint.tracing.device_checks import agreed, declaration_of, named_tensors
from transfer_lint.tracing.device_tensor import STAND_IN, DeviceTensor, Operators, place, place_of, register, values_of
from transfer_lint.tracing.machine import HOST, KIND, active, name_of, travelling, type_of
from transfer_lint.tracing.random import device_stream

aten = torch.ops.aten

# Operators that make the host wait, for a Python value, for the number of elements that the result's shape depends on,
# or for a check of errors. Operator -> bytes that the host reads.
_WAITS = {
    "aten::equal": 1,
    "aten::allclose": 1,
    "aten::nonzero": 8,
    "aten::masked_select": 8,
    "aten::_unique2": 8,
    "aten::unique_dim": 8,
    "aten::unique_consecutive": 8,
    "aten::repeat_interleave": 8,
    "aten::bincount": 8,
    "aten::multinomial": 1,
    "aten::_coalesce": 8,
    "aten::_to_sparse": 8,
    "aten::_to_sparse_csr": 8,
    "aten::_to_sparse_csc": 8,
    "aten::_linalg_check_errors": 1,
    "aten::_linalg_eigh": 1,
    "aten::_linalg_svd": 1,
}
# Operator -> function of (traits, arguments, keyword arguments): whether this call of it needs no wait after all.
_NO_WAIT: Mapping[str, Callable[[Traits, Sequence[Any], Mapping[str, Any]], bool]] = {
    "aten::repeat_interleave": lambda traits, *given: traits.argument("output_size", *given) is not None,
    "aten::multinomial": lambda traits, *given: bool(
        traits.argument("replacement", *given) and traits.argument("num_samples", *given) > 1
    ),
}
# Arguments that have to be on the host, whatever the device of the others.
_ON_HOST = {
    "aten::_pack_padded_sequence": ("lengths",),
    "aten::_pack_padded_sequence_backward": ("batch_sizes",),
}
# Composite operators that arrive here undecomposed in inference mode and need not be decomposed, because they neither
# copy between devices nor make the host wait.
_WHOLE = frozenset(
    "aten::" + name
    for name in (  # noqa: SIM905
        "linear matmul reshape flatten unflatten layer_norm group_norm scaled_dot_product_attention pad "
        "upsample_bilinear2d conv1d conv2d adaptive_avg_pool2d"
    ).split()
)
_NUMBERS = (int, float, bool, complex)
# Operators that are made of others on a card, but not on the host, or whose result is not where their operands are.
_ALWAYS_APART = frozenset(
    getattr(getattr(aten, name), overload)
    for name, overloads in {
        "linspace": ("Tensor_Tensor", "Tensor_Scalar", "Scalar_Tensor"),
        "logspace": ("Tensor_Tensor", "Tensor_Scalar", "Scalar_Tensor"),
        "narrow_copy": ("default",),
        "masked_fill": ("Tensor",),
        "index_fill": ("int_Tensor",),
    }.items()
    for overload in overloads
)
_INDEXES = frozenset(
    "aten::" + name
    for name in ("index", "_unsafe_index", "index_put", "index_put_", "_unsafe_index_put", "_index_put_impl_")
)


@dataclass(frozen=True)
class Traits:
    """What an operator's schema and tags say.

    name: with its namespace, without the overload (`aten::add`).
    composite: it is decomposed into other operators.
    random: it draws random numbers.
    view: a result shares memory with an argument.
    mutated: names of the arguments that it writes to.
    arguments: names of all arguments, in the order of the schema.
    """

    name: str
    composite: bool
    random: bool
    view: bool
    mutated: tuple[str, ...]
    arguments: tuple[str, ...]

    def argument(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The argument `name` of a call, given by position or by keyword; None if the call does not give it."""
        if name in kwargs:
            return kwargs[name]
        position = self.arguments.index(name) if name in self.arguments else len(args)
        return args[position] if position < len(args) else None


@cache
def traits_of(func: Any) -> Traits:
    """The traits of an operator overload."""
    schema = func._schema
    return Traits(
        name=schema.name,
        composite=not schema.name.startswith("prim::")
        and schema.name not in _WHOLE
        and torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")
        and not torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CPU"),
        random=torch.Tag.nondeterministic_seeded in func.tags,
        view=any(each.alias_info is not None and not each.alias_info.is_write for each in schema.returns),
        mutated=tuple(
            argument.name
            for argument in schema.arguments
            if argument.alias_info is not None and argument.alias_info.is_write
        ),
        arguments=tuple(argument.name for argument in schema.arguments),
    )


def tensors_in(values: Iterator[Any] | Sequence[Any]) -> Iterator[Tensor]:
    """All tensors among an operator's arguments, including those in lists and tuples."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(value)


def replace(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """`value` with `change` applied to each tensor in it. Lists and tuples are rebuilt."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)([replace(item, change) for item in value])
    return value


def place_named(device: torch.device) -> int | None:
    """The place that an operator's `device` argument names; None for a device that is left to torch (`meta`)."""
    if device.type in (KIND, STAND_IN):
        machine = active()
        return machine.device_index(device.index) if machine is not None else device.index or 0
    return HOST if device.type == "cpu" else None


def run(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], mode: AbstractContextManager[Any] | None) -> Any:
    """Run one operator.

    mode: the dispatch mode to enter while a composite operator is decomposed; None to enter none.
    Raises RuntimeError, as torch does, if operands are on different devices.
    """
    if func is torch.ops.prim.layout.default:  # how C++ asks a sparse device tensor
        return values_of(args[0]).layout
    traits = traits_of(func)
    args = traced_numbers(func, args)
    device = traits.argument("device", args, kwargs)
    target = place_named(device) if device is not None else None
    on_device = any(isinstance(tensor, DeviceTensor) for tensor in tensors_in((*args, *kwargs.values())))
    if kwargs.get("pin_memory"):  # pinning needs a driver
        kwargs = {**kwargs, "pin_memory": False}
    if not on_device and (target is None or target == HOST):
        return func(*args, **kwargs)
    if traits.composite:
        with mode if mode is not None else nullcontext():
            result = func.decompose(*args, **kwargs)
        if result is not NotImplemented:
            return result
    special = _SPECIAL.get(func)
    if special is not None:
        return special(func, args, kwargs)
    if traits.name.startswith("aten::_foreach_"):
        return _run_foreach(func, traits, args, kwargs, mode)
    if traits.name in _INDEXES:
        args = _bring_indices(func, args)
    aside = _ON_HOST.get(traits.name, ())
    given = [pair for pair in named_tensors(func, args, kwargs) if pair[0] not in aside]
    places = {place_of(tensor) for _, tensor in given}
    if (len(places) > 1 or func in _ALWAYS_APART) and declaration_of(func).made is not None:
        return _take_apart(func, args, kwargs, mode)
    here = agreed(func, given, args, kwargs) if len(places) > 1 else places.pop() if places else HOST
    return _run_at(here if target is None else target, func, traits, args, kwargs)


def _take_apart(
    func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], mode: AbstractContextManager[Any] | None
) -> Any:
    """Run an operator that is made of others as torch does: each of these comes here by itself."""
    with mode if mode is not None else nullcontext():
        return func._op_dk(declaration_of(func).made, *args, **kwargs)


def traced_numbers(func: Any, args: Sequence[Any]) -> Sequence[Any]:
    """The arguments of an operator on constants of a `torch.jit.trace`: torch makes numbers of 0-dim host tensors."""
    if not args or type(args[0]) not in _NUMBERS:
        return args
    with no_dispatch():
        return [
            torch.tensor(value) if type(value) in _NUMBERS and argument.type.kind() == "TensorType" else value
            for value, argument in zip(args, func._schema.arguments, strict=False)
        ]


def _run_at(where: int, func: Any, traits: Traits, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run on the host values and put new results at `where`. A result that is an argument is that same object again."""
    if where != HOST:
        _note_waits(traits, args, kwargs)
    host_args = replace(tuple(args), values_of)
    host_kwargs = {name: replace(value, values_of) for name, value in kwargs.items()}
    if kwargs.get("device") is not None:
        host_kwargs["device"] = torch.device("cpu")
    seeded_elsewhere = traits.random and where != HOST and kwargs.get("generator") is None
    with device_stream(where) if seeded_elsewhere else nullcontext():
        result = _on_values(where, func, host_args, host_kwargs)
    for name in traits.mutated:
        for tensor in tensors_in([traits.argument(name, args, kwargs)]):
            _follow(tensor)
    owners = {id(values_of(tensor)): tensor for tensor in tensors_in((*args, *kwargs.values()))}

    def give(value: Tensor) -> Tensor:
        owner = owners.get(id(value))
        return owner if owner is not None else place(value, where)

    # a view made in inference mode is an inference tensor only if its base is one
    ordinary = traits.view and not any(tensor.is_inference() for tensor in owners.values())
    with torch.inference_mode(False) if ordinary else nullcontext():
        return replace(result, give)


_LAZY = torch._C.DispatchKeySet(torch._C.DispatchKey.Conjugate)
_LAZY = _LAZY | torch._C.DispatchKeySet(torch._C.DispatchKey.Negative)


def _on_values(where: int, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run on host tensors.

    A dispatch mode keeps torch from looking at conjugate bits, which operators made of others set and read inside. In
    inference mode only the wrapper is an inference tensor, not the tensor that it holds.
    """
    excluded = torch._C._dispatch_tls_local_exclude_set() - _LAZY
    with torch._C._ForceDispatchKeyGuard(torch._C._dispatch_tls_local_include_set(), excluded):
        if where == HOST or not torch.is_inference_mode_enabled():
            return func(*args, **kwargs)
        with torch.inference_mode(False), torch._C._AutoDispatchBelowAutograd():
            return func(*args, **kwargs)


def _follow(tensor: Tensor) -> None:
    """Update a device tensor's shape and strides from its values, which an operator has written to."""
    if not isinstance(tensor, DeviceTensor):
        return
    held = tensor.held
    if held.layout != torch.strided:
        return
    if tensor.shape == held.shape and tensor.stride() == held.stride():
        return
    outer = torch._C._meta_in_tls_dispatch_include()
    with no_dispatch():
        torch._C._set_meta_in_tls_dispatch_include(True)
        try:
            storage = Tensor.untyped_storage(tensor)
            aten.set_.source_Storage_storage_offset(tensor, storage, held.storage_offset(), held.shape, held.stride())
        finally:
            torch._C._set_meta_in_tls_dispatch_include(outer)


def _note_waits(traits: Traits, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    machine = active()
    if machine is None or traits.name not in _WAITS:
        return
    needless = _NO_WAIT.get(traits.name)
    if needless is None or not needless(traits, args, kwargs):
        machine.waited(place_of(args[0]), traits.name.removeprefix("aten::"), args[0], _WAITS[traits.name])


def _bring_indices(func: Any, args: Sequence[Any]) -> Sequence[Any]:
    """The arguments of an indexing operator, with host indices moved to the device of the indexed tensor.

    Raises RuntimeError for a host tensor with a device index, and for an index on another device.

    A mask stands for the positions of its true elements. For a host mask these positions are moved; for a mask on the
    device the host waits for their number, unless one host number is written: torch fills then.
    """
    self, indices, *rest = args
    here = place_of(self)
    machine = active()
    number = bool(rest) and isinstance(rest[0], Tensor) and rest[0].dim() == 0 and place_of(rest[0]) == HOST
    given = [index for index in indices if index is not None]
    fills = number and len(given) == 1 and _is_mask(given[0]) and place_of(given[0]) == here and not any(rest[1:])

    def bring(index: Tensor) -> Tensor:
        if place_of(index) == here:
            if _is_mask(index) and here != HOST and not fills and machine is not None:
                machine.waited(here, "index", index, _WAITS["aten::nonzero"])
            return index
        if here == HOST or place_of(index) != HOST:
            raise RuntimeError(
                f"indices should be either on cpu or on the same device as the indexed tensor ({name_of(here)})"
            )
        for each in index.nonzero().unbind(1) if _is_mask(index) else (index,):
            if machine is not None:
                machine.moved(HOST, here, each, each.dtype, non_blocking=False, at_host=each, taken=True)
        return place(index, here)

    if number:
        if here != HOST and not fills and machine is not None:
            machine.moved(HOST, here, rest[0], rest[0].dtype, non_blocking=False, at_host=rest[0], taken=True)
        rest[0] = place(rest[0], here)
    return (self, replace(indices, bring), *rest)


def _is_mask(index: Tensor) -> bool:
    return index.dtype in (torch.bool, torch.uint8)


def _run_foreach(
    func: Any,
    traits: Traits,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    mode: AbstractContextManager[Any] | None,
) -> Any:
    """Run a `_foreach_` operator. Only tensors at the same position of their lists must be on the same device."""
    firsts = args[0]
    if traits.name == "aten::_foreach_copy_":
        for destination, source in zip(firsts, args[1], strict=True):
            aten.copy_.default(destination, source)
        return None
    lists = [value for value in args if isinstance(value, (list, tuple)) and _all_tensors(value)]
    single = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
    if any(len({place_of(each) for each in (*group, *single)}) > 1 for group in zip(*lists, strict=False)):
        return _take_apart(func, args, kwargs, mode)
    host_kwargs = {name: replace(value, values_of) for name, value in kwargs.items()}
    result = _on_values(place_of(firsts[0]), func, replace(tuple(args), values_of), host_kwargs)
    if not isinstance(result, (list, tuple)):
        return result
    return [place(value, place_of(first)) for value, first in zip(result, firsts, strict=True)]


def _all_tensors(values: Sequence[Any]) -> bool:
    return all(isinstance(value, Tensor) for value in values)


def _to_copy(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    source = place_of(args[0])
    device = kwargs.get("device")
    target = source if device is None else place_named(device)
    non_blocking = bool(kwargs.get("non_blocking"))
    host_kwargs = {name: value for name, value in kwargs.items() if name not in ("device", "non_blocking")}
    if target is None:
        return func(values_of(args[0]), device=device, **host_kwargs)  # type: ignore[no-any-return]
    values = values_of(args[0]).resolve_conj().resolve_neg()
    copied = _on_values(target, func, (values,), host_kwargs)
    machine = active()
    if machine is not None and source != target:
        at_host = values if source == HOST else copied if target == HOST else None
        dtype = travelling(values, copied, (type_of(source), type_of(target)), non_blocking)
        machine.moved(source, target, copied, dtype, non_blocking, at_host=at_host)
    return place(copied, target)


def _copy_(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    destination, source = args[0], args[1]
    non_blocking = bool(args[2] if len(args) > 2 else kwargs.get("non_blocking", False))
    _on_values(place_of(destination), func, (values_of(destination), values_of(source)), {})
    machine = active()
    if machine is not None and place_of(source) != place_of(destination):
        target = place_of(destination)
        dtype = travelling(source, destination, (type_of(place_of(source)), type_of(target)), non_blocking)
        at_host = source if place_of(source) == HOST else destination if target == HOST else None
        machine.moved(place_of(source), target, destination, dtype, non_blocking, at_host=at_host)
    return destination  # type: ignore[no-any-return]


def _local_scalar_dense(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    machine = active()
    if machine is not None:
        machine.waited(place_of(args[0]), "item", args[0], args[0].element_size())
    return func(values_of(args[0]))


def _conj(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    # torch would only set the conjugate bit for later operators; the operators that run on the values here ignore it
    return aten.conj_physical.default(args[0])  # type: ignore[no-any-return]


def _neg_view(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    return aten.neg.default(args[0])  # type: ignore[no-any-return]


def _pack_padded_sequence(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    traits = traits_of(func)
    data, sizes = _run_at(place_of(args[0]), func, traits, args, kwargs)
    return data, values_of(sizes)  # the sizes are needed, and made, on the host


def _with_number(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run an operator whose last operand, a 0-dim tensor wherever it is, is read as a number: `masked_fill_`."""
    *rest, value = args
    if value.dim():  # the operator itself says what is wrong
        return func(*map(values_of, args), **kwargs)
    if place_of(rest[0]) == HOST and func is aten.masked_fill_.Tensor:
        raise RuntimeError("masked_fill_: Expected inputs to be on same device")
    packet = getattr(aten, func._schema.name.removeprefix("aten::"))
    return getattr(packet, func._schema.overload_name.replace("Tensor", "Scalar"))(*rest, value.item())


def _fill_(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    if place_of(args[0]) == place_of(args[1]):
        return _run_at(place_of(args[0]), func, traits_of(func), args, kwargs)
    return _with_number(func, args, kwargs)


def _convolution(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run a convolution. Its kernels compare the classes of their operands: host or device, and dtype."""
    data, rest = args[0], zip(("weight", "bias"), args[1:3], strict=True)
    for name, other in rest:
        if other is not None and (place_of(other), other.dtype) != (place_of(data), data.dtype):
            words = f"Input type ({data.type()}) and {name} type ({other.type()}) should be the same"
            hint = f" or input should be a MKLDNN tensor and {name} is a dense tensor"
            raise RuntimeError(words + (hint if place_of(data) == HOST else ""))
    return _run_at(place_of(data), func, traits_of(func), args, kwargs)


_SPECIAL: Mapping[Any, Callable[[Any, Sequence[Any], Mapping[str, Any]], Any]] = {
    aten._to_copy.default: _to_copy,
    aten.copy_.default: _copy_,
    aten._local_scalar_dense.default: _local_scalar_dense,
    aten._conj.default: _conj,
    aten._neg_view.default: _neg_view,
    aten._pack_padded_sequence.default: _pack_padded_sequence,
    aten.convolution.default: _convolution,
    aten.fill_.Tensor: _fill_,
    aten.masked_fill_.Tensor: _with_number,
    aten.index_fill_.int_Tensor: _with_number,
}


register(Operators(run))
