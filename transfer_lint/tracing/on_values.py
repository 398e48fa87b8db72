"""Runs an operator on the host values of device tensors, and puts its results on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._mode_utils import no_dispatch

from transfer_lint.tracing.device_tensor import DeviceTensor, place, place_of, values_of
from transfer_lint.tracing.machine import HOST, active
from transfer_lint.tracing.random import device_stream
from transfer_lint.tracing.traits import Traits, replace, tensors_in
from transfer_lint.tracing.waits import WAITS, waits_of

aten = torch.ops.aten
_DATA = frozenset((int, float, bool, type(None), torch.dtype, torch.layout, torch.memory_format, str))


def run_plainly(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run an operator of which only the values and places of its operands matter, in the least time.

    NotImplemented where more than that may matter: lists of tensors, operands on two devices, complex numbers,
    inference mode.
    """
    where: int | None = None
    values = []
    for value in args:
        kind = type(value)
        if kind is DeviceTensor:
            here, value = value.ordinal, value.held
        elif kind is Tensor:
            here = HOST
        elif kind in _DATA or (kind is list and (not value or type(value[0]) is int)):
            values.append(value)
            continue
        else:
            return NotImplemented
        if where is None:
            where = here
        if here != where or value.dtype.is_complex:
            return NotImplemented
        values.append(value)
    if where is None or where == HOST or torch.is_inference_mode_enabled():
        return NotImplemented
    for value in kwargs.values():
        if type(value) not in _DATA:
            return NotImplemented
    result = func(*values, **kwargs)
    if type(result) is Tensor:
        for given, value in zip(args, values, strict=True):
            if value is result:
                return given
        return DeviceTensor.__new__(DeviceTensor, result, where)
    return replace(result, lambda each: DeviceTensor(each, where))


def run_at(where: int, func: Any, traits: Traits, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run on the host values and put new results at `where`. A result that is an argument is that same object again."""
    if where != HOST:
        _note_waits(func, traits, args, kwargs)
    host_args = replace(tuple(args), values_of)
    host_kwargs = {name: replace(value, values_of) for name, value in kwargs.items()}
    if kwargs.get("device") is not None:
        host_kwargs["device"] = torch.device("cpu")
    seeded_elsewhere = traits.random and where != HOST and kwargs.get("generator") is None
    with device_stream(where) if seeded_elsewhere else nullcontext():
        result = on_values(where, func, host_args, host_kwargs)
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


def on_values(where: int, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run on host tensors.

    A dispatch mode keeps torch from looking at conjugate bits, which operators made of others set and read inside. In
    inference mode only the wrapper is an inference tensor, not the tensor that it holds.
    """
    if not conjugates(func) and not any(tensor.is_complex() for tensor in tensors_in((*args, *kwargs.values()))):
        return _on_values(where, func, args, kwargs)
    excluded = torch._C._dispatch_tls_local_exclude_set() - _LAZY
    with torch._C._ForceDispatchKeyGuard(torch._C._dispatch_tls_local_include_set(), excluded):
        return _on_values(where, func, args, kwargs)


def _on_values(where: int, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    if where == HOST or not torch.is_inference_mode_enabled():
        return func(*args, **kwargs)
    with torch.inference_mode(False), torch._C._AutoDispatchBelowAutograd():
        return func(*args, **kwargs)


@cache
def conjugates(func: Any) -> bool:
    """Whether an operator may make complex numbers of real ones, and conjugate them inside."""
    return "linalg" in func._schema.name or "fft" in func._schema.name


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


def _note_waits(func: Any, traits: Traits, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    machine = active()
    if machine is None or traits.name not in WAITS:
        return
    count, nbytes = waits_of(func, traits, args, kwargs)
    for _ in range(count):
        value = next(tensors_in((*args, *kwargs.values())))
        machine.waited(place_of(value), traits.name.removeprefix("aten::"), value, nbytes)
