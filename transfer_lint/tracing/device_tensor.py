"""A tensor on the simulated accelerator: a wrapper tensor subclass whose real values are held on the host.

In C++ such a tensor is on `lazy:<index>`. This device type is in every build of torch and has no driver, and all parts
of torch that ask for a device work with it (autograd, composite operators, a `.to` that has nothing to do). A tensor
on `cuda` cannot be used: in a build without CUDA, autograd aborts the process. Python code sees `cuda:<index>`,
because the class overrides `device`.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from transfer_lint.tracing.machine import HOST, KIND, active, name_of

STAND_IN = "lazy"
"""The device type that C++ sees."""

_OWN = ("held", "ordinal", "_host_type", "_is_param")
"""Attributes that belong to the wrapper, not to the user's tensor."""

_AUTOCAST = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Operators:
    """The functions of the module `operators` that device tensors call. That module registers them here.

    run: runs one operator, given (operator, arguments, keyword arguments, dispatch mode).
    """

    run: Callable[[Any, Sequence[Any], Mapping[str, Any], AbstractContextManager[Any] | None], Any]


_operators: Operators


def register(operators: Operators) -> None:
    """Set the functions that device tensors call."""
    global _operators
    _operators = operators


class DeviceTensor(Tensor):
    """A tensor on `cuda:<ordinal>`.

    held: the values, a host tensor with the same shape, strides and dtype; it never requires grad. ordinal: the device
    index.
    """

    held: Tensor
    ordinal: int
    # torch's own way to switch off `__torch_function__` for a tensor subclass
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, held: Tensor, ordinal: int) -> DeviceTensor:
        """Wrap `held`, a dense host tensor, without copying it. Raises NotImplementedError if it is not dense."""
        if held.layout != torch.strided:
            raise NotImplementedError(f"the simulated accelerator has dense tensors only, not {held.layout}")
        tensor: DeviceTensor = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device(STAND_IN, ordinal),
            _extra_dispatch_keys=_AUTOCAST,
        )
        tensor.held = held
        tensor.ordinal = ordinal
        machine = active()
        if machine is not None:
            machine.memory_of(ordinal).hold(held.untyped_storage())
        return tensor

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return _operators.run(func, args, kwargs or {}, None)

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """`cuda:<ordinal>`."""
        return torch.device(KIND, self.ordinal)

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        """True: the simulated accelerator is a CUDA device."""
        return True

    def data_ptr(self) -> int:
        """The address of the values on the host. Tensors that share their values have the same address."""
        return self.held.data_ptr()

    def untyped_storage(self) -> torch.UntypedStorage:
        """The storage of the values. It is a host storage."""
        return self.held.untyped_storage()

    def numpy(self, *, force: bool = False) -> Any:
        """A numpy array, made from a copy on the host. Raises TypeError without `force`, as on a real device."""
        if not force:
            raise TypeError(
                f"can't convert {name_of(self.ordinal)} device type tensor to numpy. "
                "Use Tensor.cpu() to copy the tensor to host memory first."
            )
        return self.detach().cpu().numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.numpy()

    def tolist(self) -> Any:
        """The values as Python numbers. This counts as one host read."""
        self._waited("tolist")
        return self.held.tolist()

    def as_subclass(self, cls: type[Tensor]) -> Tensor:  # type: ignore[override]
        """The tensor as a `cls`; itself as a plain tensor, which torch asks for when it loads one."""
        return self if cls is Tensor else Tensor.as_subclass(self, cls)

    def is_pinned(self, device: Any = None) -> bool:
        """False: only host memory can be pinned."""
        return False

    def record_stream(self, stream: Any) -> None:
        """Does nothing: no memory is used again while work is pending."""

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        self._waited("print")
        text = f"{repr(self.held).removesuffix(')')}, device='{name_of(self.ordinal)}'"
        if self.grad_fn is not None:
            text += f", grad_fn=<{type(self.grad_fn).__name__}>"
        elif self.requires_grad:
            text += ", requires_grad=True"
        return f"Parameter containing:\n{text})" if isinstance(self, torch.nn.Parameter) else f"{text})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.dim() == 0 else format(repr(self), spec)

    def __deepcopy__(self, memo: dict[int, Any]) -> DeviceTensor:
        if id(self) in memo:
            return memo[id(self)]  # type: ignore[no-any-return]
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) "
                "support the deepcopy protocol at the moment."
            )
        with torch.no_grad():
            twin = self.clone()
        memo[id(self)] = twin
        for name, value in self.__dict__.items():
            if name not in ("held", "ordinal"):
                twin.__dict__[name] = copy.deepcopy(value, memo)
        twin.requires_grad_(self.requires_grad)
        if self.grad is not None:
            twin.grad = copy.deepcopy(self.grad, memo)
        return twin  # type: ignore[return-value]

    def __copy__(self) -> DeviceTensor:
        with torch.inference_mode(False):
            twin = DeviceTensor(self.held, self.ordinal)
        twin.requires_grad_(self.requires_grad)
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle as a host tensor with the same storage; see `saving`. This counts as a transfer to the host."""
        attributes = {name: value for name, value in self.__dict__.items() if name not in _OWN}
        if isinstance(self, torch.nn.Parameter):
            data = DeviceTensor(self.held, self.ordinal)
            given = (data, self.requires_grad, OrderedDict())  # type: ignore[var-annotated]
            if attributes:
                return torch._utils._rebuild_parameter_with_state, (*given, attributes)
            return torch._utils._rebuild_parameter, given
        machine = active()
        if machine is not None:
            machine.moved(self.ordinal, HOST, self, self.dtype, non_blocking=False, at_host=self.held)
        with torch.inference_mode(False):
            host = self.held.detach().requires_grad_(self.requires_grad)
        host.__dict__.update(attributes)
        return host.__reduce_ex__(protocol)  # type: ignore[no-untyped-call]

    def _waited(self, how: str) -> None:
        machine = active()
        if machine is not None:
            machine.waited(self.ordinal, how, self, self.numel() * self.element_size())


def place_of(tensor: Tensor) -> int:
    """The tensor's place: HOST, or the accelerator's index."""
    return tensor.ordinal if isinstance(tensor, DeviceTensor) else HOST


def values_of(tensor: Tensor) -> Tensor:
    """A host tensor with `tensor`'s values, in the same memory. For a host tensor it is `tensor` itself."""
    return tensor.held if isinstance(tensor, DeviceTensor) else tensor


def place(values: Tensor, where: int) -> Tensor:
    """A tensor at the place `where` with the values of the host tensor `values`, in the same memory."""
    return values if where == HOST else DeviceTensor(values, where)


def set_data(tensor: Tensor, value: Tensor) -> None:
    """Do `tensor.data = value` where one of them is on the simulated accelerator. `tensor` stays the same object.

    The C++ tensors are swapped, because torch's own setter cannot turn a host tensor into a wrapper or back. The
    gradient is moved to `value`'s device too. torch leaves that to the caller, but here a tensor could not have a
    gradient of the other kind.

    Raises RuntimeError if an autograd graph still holds `tensor`.
    """
    if value is tensor:
        return
    with torch.inference_mode(False):  # so that a module moved in inference mode can be trained afterwards
        fresh = place(values_of(value).detach(), place_of(value))
    gradient, requires_grad, host_type = tensor.grad, tensor.requires_grad, _host_type(tensor)
    attributes = {name: item for name, item in tensor.__dict__.items() if name not in _OWN}
    tensor.grad = None
    torch._C._swap_tensor_impl(tensor, fresh)
    tensor.__dict__.clear()
    tensor.__dict__.update(attributes)
    if isinstance(fresh, DeviceTensor):
        tensor.__class__ = DeviceTensor
        tensor.__dict__.update(held=fresh.held, ordinal=fresh.ordinal, _host_type=host_type)
        if issubclass(host_type, torch.nn.Parameter):
            tensor.__dict__["_is_param"] = True
    else:
        tensor.__class__ = host_type
    tensor.requires_grad_(requires_grad)
    if gradient is not None:
        set_data(gradient, gradient.to(tensor.device, tensor.dtype))
        tensor.grad = gradient


def _host_type(tensor: Tensor) -> type[Tensor]:
    """The class that `tensor` has, or would have, on the host."""
    if not isinstance(tensor, DeviceTensor):
        return type(tensor)
    plain = torch.nn.Parameter if isinstance(tensor, torch.nn.Parameter) else Tensor
    host_type: type[Tensor] = tensor.__dict__.get("_host_type", plain)
    return host_type
