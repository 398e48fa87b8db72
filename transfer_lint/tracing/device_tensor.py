"""A tensor on the simulated accelerator: a wrapper tensor subclass whose real values are held on the host.

In C++ such a tensor is on `lazy:<index>`. This device type is in every build of torch and has no driver, and all parts
of torch that ask for a device work with it (autograd, composite operators, a `.to` that has nothing to do). A tensor
on `cuda` cannot be used: in a build without CUDA, autograd aborts the process. Python code sees `cuda:<index>`,
because the class overrides `device`.
"""

from __future__ import annotations

import copy
import copyreg
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from transfer_lint.tracing.attributes import OWN, Attributes
from transfer_lint.tracing.machine import HOST, active, device_type, name_of
from transfer_lint.tracing.sizes import SPARSE, nbytes_of, parts_of

STAND_IN = "lazy"
"""The device type that C++ sees."""

_set_data = vars(torch._C.TensorBase)["data"].__set__
_AUTOCAST = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)  # type: ignore[attr-defined]
_SPARSE = torch._C.DispatchKeySet(torch._C.DispatchKey.Sparse)
_COMPRESSED = torch._C.DispatchKeySet(torch._C.DispatchKey.SparseCsr)
_make_wrapper_subclass = Tensor._make_wrapper_subclass


_UNHANDLED = torch._C._disabled_torch_dispatch_impl  # what a class without a `__torch_dispatch__` of its own has


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


class _Class(type(Tensor)):  # type: ignore[misc]
    """The metaclass of classes on the device: they equal the host's class, so `type(x) == torch.Tensor` holds.

    host_class: the class that a tensor of this class has on the host.
    """

    host_class: type[Tensor] = Tensor

    def __eq__(cls, other: object) -> bool:
        return cls is other or cls.host_class is other

    def __hash__(cls) -> int:
        return hash(cls.host_class)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **kwargs) if cls.host_class is Tensor else cls.host_class(*args, **kwargs)


def _as_host_class(cls: _Class) -> Any:
    return copy.copy, (cls.host_class,)  # the copy of a class is the class itself


copyreg.pickle(_Class, _as_host_class)


class DeviceTensor(Tensor, metaclass=_Class):
    """A tensor on `cuda:<ordinal>`.

    held: the values, a host tensor with the same shape, strides and dtype; it never requires grad. ordinal: the device
    index.
    """

    __module__, __qualname__ = "torch", "Tensor"
    held: Tensor
    ordinal: int
    # torch's own way to switch off `__torch_function__` for a tensor subclass
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, held: Tensor, ordinal: int) -> DeviceTensor:
        """Wrap `held`, a dense or sparse host tensor, without copying it. Raises NotImplementedError for others."""
        if held.layout == torch.strided:
            tensor: DeviceTensor = _make_wrapper_subclass(
                cls,
                held.shape,
                strides=held.stride(),
                storage_offset=held.storage_offset(),
                dtype=held.dtype,
                device=torch.device(STAND_IN, ordinal),
                _extra_dispatch_keys=_AUTOCAST,
            )
        elif held.layout in SPARSE:
            tensor = _make_wrapper_subclass(
                cls,
                held.shape,
                dtype=held.dtype,
                device=torch.device(STAND_IN, ordinal),
                layout=held.layout,
                dispatch_layout=True,
                _extra_dispatch_keys=_AUTOCAST | (_SPARSE if held.layout == torch.sparse_coo else _COMPRESSED),
            )
        else:
            raise NotImplementedError(f"the simulated accelerator has no tensors of the layout {held.layout}")
        tensor.held = held
        tensor.ordinal = ordinal
        machine = active()
        if machine is not None:
            for part in parts_of(held):
                machine.memory_of(ordinal).hold(part.untyped_storage())
        return tensor

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if foreign(types):
            return NotImplemented
        return _operators.run(func, args, kwargs or {}, None)

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """`cuda:<ordinal>`, or another device type."""
        return torch.device(device_type(), self.ordinal)

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        """Whether the simulated accelerator is a CUDA device."""
        return device_type() == "cuda"

    @property
    def is_xpu(self) -> bool:  # type: ignore[override]
        """Whether the simulated accelerator is an XPU."""
        return device_type() == "xpu"

    def as_subclass(self, cls: type[Tensor]) -> Any:
        """The same tensor as one of a subclass: an alias of the class that `cls` is on the device."""
        if class_on_device(cls) is type(self):
            return self
        with torch._C.DisableTorchFunctionSubclass():
            alias = torch.ops.aten.alias.default(self)
        become(alias, cls)
        return alias

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
        attributes = {name: value for name, value in self.__dict__.items() if name not in OWN}
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
        if type(self).host_class is not Tensor:
            host = host.as_subclass(type(self).host_class)
        host.__dict__.update(attributes)
        return host.__reduce_ex__(protocol)  # type: ignore[no-untyped-call]

    def _waited(self, how: str) -> None:
        machine = active()
        if machine is not None:
            machine.waited(self.ordinal, how, self, nbytes_of(self))


DeviceTensor.__name__ = "Tensor"  # what programs print, and torch puts into errors


@cache
def class_on_device(cls: type[Tensor]) -> type[DeviceTensor]:
    """The class that a tensor of the class `cls` has on the device."""
    if issubclass(cls, DeviceTensor) or cls in (Tensor, torch.nn.Parameter):
        return cls if issubclass(cls, DeviceTensor) else DeviceTensor

    def torch_function(kind: Any, func: Any, types: Sequence[type], args: Any = (), kwargs: Any = None) -> Any:
        return cls.__torch_function__(func, tuple(map(host_class, types)), args, kwargs or {})  # type: ignore[no-untyped-call]

    def set_attribute(self: DeviceTensor, name: str, value: Any) -> None:
        if name == "__class__":  # what torch does to a lazy parameter when its shape is known
            become(self, value)
        elif name == "__dict__":
            own = {each: item for each, item in dict.items(self.__dict__) if each in OWN}
            object.__setattr__(self, "__dict__", Attributes({**value, **own}))
        else:
            cls.__setattr__(self, name, value)

    disabled = cls.__torch_function__ is torch._C._disabled_torch_function_impl
    metaclass = _Class if issubclass(_Class, type(cls)) else type("_Class", (_Class, type(cls)), {})
    copyreg.pickle(metaclass, _as_host_class)
    made: type[DeviceTensor] = metaclass(
        cls.__name__,
        (cls, DeviceTensor),
        {
            "__module__": cls.__module__,
            "__qualname__": cls.__qualname__,
            "__setattr__": set_attribute,
            "__torch_function__": cls.__torch_function__ if disabled else classmethod(torch_function),
            "host_class": cls,
        },
    )
    return made


def host_class(cls: type[Tensor]) -> type[Tensor]:
    """The class that a tensor of the class `cls`, which may be one on the device, has on the host."""
    found: type[Tensor] = cls.host_class if isinstance(cls, _Class) else cls  # type: ignore[attr-defined]
    return found


def become(tensor: Tensor, cls: type[Tensor]) -> None:
    """Give a device tensor the class that `cls` is on the device."""
    object.__setattr__(tensor, "__class__", class_on_device(cls))
    tensor.__dict__["_host_type"] = host_class(cls)
    if host_class(type(tensor)) is not Tensor and not isinstance(tensor.__dict__, Attributes):
        object.__setattr__(tensor, "__dict__", Attributes(tensor.__dict__))
    if issubclass(cls, torch.nn.Parameter):
        tensor.__dict__["_is_param"] = True


def foreign(types: Sequence[Any]) -> bool:
    """Whether a tensor class of the program's own, with a `__torch_dispatch__`, has to run the operator."""
    for kind in types:
        ours = kind is DeviceTensor or issubclass(kind, DeviceTensor)
        if not ours and kind.__torch_dispatch__ is not _UNHANDLED:
            return True
    return False


def place_of(tensor: Tensor) -> int:
    """The tensor's place: HOST, or the accelerator's index."""
    return tensor.ordinal if isinstance(tensor, DeviceTensor) else HOST


def values_of(tensor: Tensor) -> Tensor:
    """A host tensor with `tensor`'s values, in the same memory. For a host tensor it is `tensor` itself."""
    return tensor.held if isinstance(tensor, DeviceTensor) else tensor


def place(values: Tensor, where: int) -> Tensor:
    """A tensor at the place `where` with the values of the host tensor `values`, in the same memory."""
    return values if where == HOST else DeviceTensor(values, where)


def place_named(device: torch.device) -> int | None:
    """The place that an operator's `device` argument names; None for a device that is left to torch (`meta`)."""
    if device.type in (device_type(), STAND_IN):
        machine = active()
        return machine.device_index(device.index) if machine is not None else device.index or 0
    return HOST if device.type == "cpu" else None


def set_data(tensor: Tensor, value: Tensor) -> None:
    """Do `tensor.data = value` where one of them is on the simulated accelerator. `tensor` stays the same object.

    For one that moves, the C++ tensors are swapped: torch's own setter cannot make a host tensor a wrapper or back. The
    gradient is moved to `value`'s device too. torch leaves that to the caller, but here a tensor could not have a
    gradient of the other kind.

    Raises RuntimeError if an autograd graph still holds `tensor`.
    """
    if value is tensor:
        return
    both = isinstance(tensor, DeviceTensor) and isinstance(value, DeviceTensor)
    if both and torch._has_compatible_shallow_copy_type(tensor, value):
        with torch._C.DisableTorchFunctionSubclass():
            _set_data(tensor, value)
        tensor.__dict__.update(held=values_of(value), ordinal=place_of(value))
        return
    with torch.inference_mode(False):  # so that a module moved in inference mode can be trained afterwards
        fresh = place(values_of(value).detach(), place_of(value))
    gradient, requires_grad, host_type = tensor.grad, tensor.requires_grad, _host_type(tensor)
    attributes = {name: item for name, item in tensor.__dict__.items() if name not in OWN}
    tensor.grad = None
    torch._C._swap_tensor_impl(tensor, fresh)
    tensor.__dict__.clear()
    tensor.__dict__.update(attributes)
    if isinstance(fresh, DeviceTensor):
        tensor.__dict__.update(held=fresh.held, ordinal=fresh.ordinal)
        become(tensor, host_type)
    else:
        object.__setattr__(tensor, "__class__", host_type)
    with torch._C.DisableTorchFunctionSubclass():  # a lazy parameter refuses
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
