"""Tensor subclasses of the program's own on the simulated accelerator.

A subclass without a `__torch_dispatch__` has a twin on the device: a class that inherits from it and from
DeviceTensor. A wrapper subclass, which handles operators itself and keeps its values in other tensors, is on the
stand-in device in C++ and says `cuda` in Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._mode_utils import no_dispatch

from transfer_lint.tracing.device_tensor import STAND_IN, DeviceTensor, become, foreign, host_class
from transfer_lint.tracing.machine import Machine, device_type

_as_subclass = Tensor.as_subclass
_make_subclass = Tensor._make_subclass
_make_wrapper_subclass = Tensor._make_wrapper_subclass
_device = torch._C.TensorBase.device


def replacements(machine: Machine) -> Iterable[tuple[Any, str, Any]]:
    """(owner, attribute, new value) of torch's functions that make tensors of a subclass."""

    def make_wrapper_subclass(cls: type[Tensor], *args: Any, device: Any = None, **kwargs: Any) -> Tensor:
        if device is None:
            return _make_wrapper_subclass(cls, *args, **kwargs)
        wanted = torch.device(device)
        if wanted.type in (machine.kind, STAND_IN):
            wanted = torch.device(STAND_IN, machine.device_index(wanted.index))
            _say_accelerator(cls)
        return _make_wrapper_subclass(cls, *args, **{**kwargs, "device": wanted})

    yield Tensor, "as_subclass", as_subclass
    yield Tensor, "_make_subclass", staticmethod(make_subclass)
    yield Tensor, "_make_wrapper_subclass", staticmethod(make_wrapper_subclass)


def as_subclass(tensor: Tensor, cls: type[Tensor]) -> Tensor:
    """Replaces `Tensor.as_subclass`, which before torch 2.6 does not work in a dispatch mode."""
    with no_dispatch():
        return _as_subclass(tensor, cls)


def make_subclass(cls: type[Tensor], data: Tensor, requires_grad: bool = False, **kwargs: Any) -> Tensor:
    """Replaces `Tensor._make_subclass`. torch's compiler checks the names of the parameters."""
    if not isinstance(data, DeviceTensor):
        return _make_subclass(host_class(cls), data, requires_grad, **kwargs)
    with torch._C.DisableTorchFunctionSubclass():
        made: DeviceTensor = torch.ops.aten.detach.default(data)
        made.requires_grad_(requires_grad)
    become(made, cls)
    return made


def handled(func: Any, types: Sequence[Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[Any]:
    """What the program's own tensor classes make of an operator, one after the other, of those that handle it."""
    for kind in types:
        if foreign((kind,)):
            result = kind.__torch_dispatch__(func, types, args, kwargs)
            if result is not NotImplemented:
                yield result


def _say_accelerator(cls: type[Tensor]) -> None:
    if cls.device is Tensor.device:
        cls.device = property(_device_of)  # type: ignore[assignment]
    if cls.is_cuda is Tensor.is_cuda:
        cls.is_cuda = property(lambda tensor: _device_of(tensor).type == "cuda")  # type: ignore[assignment]
    if cls.is_xpu is Tensor.is_xpu:
        cls.is_xpu = property(lambda tensor: _device_of(tensor).type == "xpu")  # type: ignore[assignment]


def _device_of(tensor: Tensor) -> torch.device:
    with torch._C.DisableTorchFunction():
        device: torch.device = _device.__get__(tensor)
    return torch.device(device_type(), device.index) if device.type == STAND_IN else device
