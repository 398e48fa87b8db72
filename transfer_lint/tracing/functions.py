"""Handles calls that a build without the accelerator refuses before the dispatcher: `.to("cuda")`, `.data = ...`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from transfer_lint.tracing.device_tensor import (
    STAND_IN,
    DeviceTensor,
    host_class,
    place,
    place_of,
    set_data,
    values_of,
)
from transfer_lint.tracing.hooks import deaf
from transfer_lint.tracing.machine import HOST, Machine, active, device_type

_Device = torch.device  # asking for its type is much faster than isinstance
_MOVES = frozenset((Tensor.to, Tensor.cuda, Tensor.xpu, Tensor.cpu, Tensor.type, Tensor.type_as))


class Functions(TorchFunctionMode):
    """Sees every torch function that the program calls, and replaces the accelerator by the stand-in device."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if active() is not self.machine:  # another simulation has begun inside this one
            return func(*args, **(kwargs or {}))
        try:
            if kwargs or func in _HANDLERS or func in _MOVES:
                return self._call(func, args, dict(kwargs or {}))
            for arg in args:
                if type(arg) is _Device:
                    return self._call(func, args, {})
            return func(*args)
        except Exception as error:
            _name_the_accelerator(error)
            raise

    def _call(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if isinstance(kwargs.get("generator"), torch.Generator):
            self._check_generator(kwargs["generator"], args, kwargs)
        handler = _HANDLERS.get(func)
        if handler is not None:
            result = handler(self.machine, func, args, kwargs)
        else:
            if kwargs.get("device") is not None:
                kwargs["device"] = stand_in(self.machine, kwargs["device"])
            if any(type(arg) is _Device for arg in args):
                args = tuple(stand_in(self.machine, arg) if type(arg) is _Device else arg for arg in args)
            pinned = kwargs.pop("pin_memory", False)
            result = func(*args, **kwargs)
            if pinned and isinstance(result, Tensor):
                _pin(result)
        if func in _MOVES and result is args[0] and _asks_for_device(func, args[1:], kwargs):
            self.machine.idled(place_of(result), result)
        return result

    def _check_generator(self, generator: torch.Generator, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        device = kwargs.get("device")
        if device is None:
            device = args[0].device if args and isinstance(args[0], Tensor) else torch.empty(0).device
        expected = torch.device(device).type if not isinstance(device, int) else device_type()
        if expected != generator.device.type:
            raise RuntimeError(f"Expected a '{expected}' device type for generator but found '{generator.device.type}'")


@contextmanager
def reentered(machine: Machine) -> Iterator[None]:
    """Context in which the mode is on again. While it handles a function, torch leaves it out for all code inside."""
    with ExitStack() as stack:
        if not any(isinstance(mode, Functions) for mode in _get_current_function_mode_stack()):  # type: ignore[no-untyped-call]
            stack.enter_context(Functions(machine))
        yield


def _name_the_accelerator(error: Exception) -> None:
    """Replace the stand-in's name in the words of an error of torch."""
    if len(error.args) == 1 and isinstance(error.args[0], str) and STAND_IN in error.args[0].lower():
        words = re.sub(rf"\b{STAND_IN}\b", device_type(), error.args[0])
        error.args = (re.sub(rf"\b{STAND_IN.capitalize()}(?=\w*\b)", device_type().upper(), words),)


def _asks_for_device(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call of one of `_MOVES` names a device, and not only a dtype or a memory format."""
    first = args[0] if args else kwargs.get("dtype")
    named = isinstance(first, (str, int, type, torch.device, Tensor)) or bool(kwargs.keys() & {"device", "other"})
    return named or func not in (Tensor.to, Tensor.type)


def stand_in(machine: Machine, device: Any) -> Any:
    """The device argument to pass to C++: `cuda`, `cuda:1` and plain numbers become the stand-in device.

    Raises RuntimeError, as torch does, if the machine has no such device.
    """
    if isinstance(device, bool):
        return device
    if isinstance(device, str):
        device = torch.device(device)
    if isinstance(device, int) or (isinstance(device, torch.device) and device.type == machine.kind):
        return torch.device(STAND_IN, machine.device_index(device))
    return device


def _numbered(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    # a number alone means an accelerator; torch would ask the driver for its kind
    def named(value: Any) -> Any:
        number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return f"{machine.kind}:{value}" if number else value

    if "device" in kwargs:
        kwargs["device"] = named(kwargs["device"])
    return func(*map(named, args[:1]), *args[1:], **kwargs)


def _to(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    self, *rest = args
    if rest and isinstance(rest[0], (str, int, torch.device)):
        rest[0] = stand_in(machine, rest[0])
    if kwargs.get("device") is not None:
        kwargs["device"] = stand_in(machine, kwargs["device"])
    return func(self, *rest, **kwargs)


def _new_tensor(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    # without this, torch takes the device type from the tensor but asks the driver for the index
    self, *rest = args
    device = kwargs.pop("device", None)
    kwargs["device"] = stand_in(machine, self.device if device is None else device)
    return _with_data(machine, lambda *data, **more: func(self, *data, **more), rest, kwargs)


def _tensor(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    if kwargs.get("device") is not None:
        kwargs["device"] = stand_in(machine, kwargs["device"])
    args = tuple(stand_in(machine, arg) if isinstance(arg, torch.device) else arg for arg in args)
    pinned = kwargs.pop("pin_memory", False)
    result = _with_data(machine, func, args, kwargs)
    return _pin(result) if pinned else result


def _with_data(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call `func(data, ...)`. torch reads device tensors in a list one number at a time, and so does this."""
    read = 0

    def on_host(value: Any) -> Any:
        nonlocal read
        if isinstance(value, DeviceTensor):
            read += 1
            for _ in range(value.numel()):
                machine.waited(value.ordinal, "item", value, value.element_size())
            return value.held
        return [on_host(item) for item in value] if type(value) in (list, tuple) else value

    data = args[0] if args else kwargs.get("data")
    if type(data) in (list, tuple):
        given = on_host(data)
        if read:
            args, kwargs = (given, *args[1:]), {name: item for name, item in kwargs.items() if name != "data"}
            with deaf():
                return func(*args, **kwargs)
    return func(*args, **kwargs)


def _set_item(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    # for an accelerator's tensor, torch makes a host tensor of a number
    self, index, value = args
    if isinstance(self, DeviceTensor) and isinstance(value, (bool, int, float, complex)):
        value = torch.scalar_tensor(value, dtype=self.dtype, device="cpu")
    func(self, index, value)


def _ctc_loss(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    # torch brings the lengths to the host and uses them as numbers, but not with a tensor subclass
    tensors = False

    def numbers(lengths: Any) -> Any:
        nonlocal tensors
        if not isinstance(lengths, Tensor):
            return lengths
        if lengths.dim() != 1:
            raise RuntimeError("input_lengths must be of size batch_size")
        tensors = True
        return lengths.cpu().tolist()

    named = {name: numbers(item) if name.endswith("_lengths") else item for name, item in kwargs.items()}
    given = (*args[:2], *map(numbers, args[2:4]), *args[4:])
    operands = [*args[:2], kwargs.get("log_probs"), kwargs.get("targets")]
    targets = operands[1] if len(args) > 1 else operands[-1]
    if sum(isinstance(each, DeviceTensor) for each in operands) == 2:
        for _ in range(1 + tensors):  # to look whether its fastest kernel can be used
            machine.waited(targets.ordinal, "ctc_loss", targets, 8)
    return func(*given, **named)


def _as_subclass(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    self, cls = args
    return self.as_subclass(cls) if isinstance(self, DeviceTensor) else func(self, host_class(cls))


def _recurrent(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    # cuDNN keeps what backward needs only of a layer in training mode
    result = func(*args, **kwargs)
    flags = [each for each in args if isinstance(each, bool)]
    training = flags[1]  # has_biases, train, bidirectional, perhaps batch_first; dropout and num_layers are numbers
    if machine.kind == "cuda" and not training and isinstance(result[0], DeviceTensor):
        for each in result:
            if each.requires_grad:
                each.register_hook(_refuse_backward)
    return result


def _refuse_backward(gradient: Tensor) -> None:
    if torch.backends.cudnn.enabled:
        raise RuntimeError("cudnn RNN backward can only be called in training mode")


_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_TRANSPOSED = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")


def _convolution(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    # `torch.jit.trace` records of a convolution only the `_convolution` inside, and nothing inside of a tensor subclass
    transposed = func.__name__.startswith("conv_transpose")
    given = {**dict(zip(_TRANSPOSED if transposed else _CONVOLUTION, args, strict=False)), **kwargs}
    data, weight, groups = given.pop("input"), given.pop("weight"), given.pop("groups", 1)
    dims = weight.dim() - 2
    as_it_is = isinstance(given.get("padding"), str) or data.dim() != weight.dim()
    if as_it_is or torch._C._get_tracing_state() is None:
        return func(*args, **kwargs)

    def each(name: str, default: int) -> list[int]:
        value = given.get(name, default)
        return [value] * dims if isinstance(value, int) else list(value) * (dims // len(value))

    stride, padding, dilation = each("stride", 1), each("padding", 0), each("dilation", 1)
    rest = (transposed, each("output_padding", 0), groups, False, False, True, True)
    return torch._convolution(data, weight, given.get("bias"), stride, padding, dilation, *rest)


def _new(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    return place(values_of(func(*args, **kwargs)), place_of(args[0]))


def _accelerated(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    if func.__name__ != machine.kind:
        return func(*args, **kwargs)
    self, *rest = args
    device = rest.pop(0) if rest else kwargs.pop("device", None)
    if rest:
        kwargs["non_blocking"] = rest.pop(0)
    if isinstance(device, (str, torch.device)) and torch.device(device).type != machine.kind:
        raise RuntimeError(f"Invalid device, must be {machine.kind} device, got {device}")
    return Tensor.to(self, torch.device(STAND_IN, machine.device_index(device)), **kwargs)


def _type(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    self, *rest = args
    wanted = rest[0] if rest else kwargs.get("dtype")
    if wanted is None:
        name = func(self)
        return name.replace(f"torch.{STAND_IN}.", f"torch.{machine.kind}.")
    name = f"{wanted.__module__}.{wanted.__name__}" if isinstance(wanted, type) else str(wanted)
    if name.startswith(f"torch.{machine.kind}."):
        dtype = getattr(torch, name.rpartition(".")[2]).dtype
        non_blocking = bool(rest[1] if len(rest) > 1 else kwargs.get("non_blocking", False))
        return Tensor.to(self, torch.device(STAND_IN, machine.current), dtype=dtype, non_blocking=non_blocking)
    return func(self, *rest, **kwargs)


def _pin_memory(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    self: Tensor = args[0]
    if place_of(self) != HOST:
        name = _type(machine, Tensor.type, (self,), {})
        raise RuntimeError(f"cannot pin '{name}' only dense CPU tensors can be pinned")
    return self if _is_pinned(machine, func, args, kwargs) else _pin(self.clone())


def _is_pinned(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    return bool(getattr(args[0], "_simulated_pin", False))


def _pin(tensor: Tensor) -> Tensor:
    tensor._simulated_pin = True  # type: ignore[attr-defined]
    return tensor


def _set_data(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    tensor, value = args
    if isinstance(tensor, DeviceTensor) or isinstance(value, DeviceTensor):
        set_data(tensor, value)
    else:
        func(tensor, value)


def _compatible(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    # `Module.to` asks this before it keeps a Parameter and sets its data; on a real device the answer is True
    return True if any(isinstance(arg, DeviceTensor) for arg in args) else bool(func(*args))


def _validate(machine: Machine, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    # the checks of a sparse tensor's parts, which `torch.load` makes
    return func(*(values_of(arg) if isinstance(arg, Tensor) else arg for arg in args), **kwargs)


_HANDLERS: Mapping[Any, Callable[[Machine, Any, Sequence[Any], dict[str, Any]], Any]] = {
    torch.device: _numbered,
    torch._C._nn._parse_to: _numbered,  # the arguments of Module.to
    **dict.fromkeys((torch.conv1d, torch.conv2d, torch.conv3d), _convolution),
    **dict.fromkeys((torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d), _convolution),
    **dict.fromkeys((torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu), _recurrent),
    torch.tensor: _tensor,
    torch.as_tensor: _tensor,
    torch.asarray: _tensor,
    Tensor.to: _to,
    torch.ctc_loss: _ctc_loss,
    torch.nn.functional.ctc_loss: _ctc_loss,
    Tensor.__setitem__: _set_item,
    Tensor.as_subclass: _as_subclass,
    Tensor.new: _new,
    Tensor.new_tensor: _new_tensor,
    Tensor.cuda: _accelerated,
    Tensor.xpu: _accelerated,
    Tensor.type: _type,
    Tensor.pin_memory: _pin_memory,
    Tensor.is_pinned: _is_pinned,
    vars(torch._C.TensorBase)["data"].__set__: _set_data,
    torch._has_compatible_shallow_copy_type: _compatible,
    torch._validate_sparse_coo_tensor_args: _validate,
    torch._validate_sparse_compressed_tensor_args: _validate,
}
