"""Functions and methods that make new tensors: from what, on which device, and whether every device makes the same."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from torch_knowledge.operands import Call
from torch_knowledge.run import Kind, kind_of
from torch_knowledge.samples import NAMESPACES, methods, parameters, schemas

_META = torch.device("meta")
# Arguments to try: sizes, bounds with a count, a size with a value, numbers whose sums are not exact in binary.
_ARGUMENTS: tuple[tuple[Any, ...], ...] = (
    *((4,), (7,), (3, 5), ((3, 4),), (2.5,), (0.1,)),
    *((0.1, 2.3, 7), (0, 9, 2), (0.1, 2.3, 0.3), (0.7, 0.3, (3, 4))),
    *(((3, 4), 2.5), ((2,), 1 + 2**-11 + 2**-30), (7, (3, 4)), (2, 9, (3, 4))),
    *(((3, 4), (4, 1)), ((3, 4), (0, 1))),
)
_NO_SIZE: tuple[tuple[Any, ...], ...] = (((),), ((), 2.5), (2.5, ()), (2, 9, ()), ((), ()))
_UNDEFINED = (torch.empty, torch.empty_strided, torch.empty_permuted)  # their values are undefined
_VALUES: tuple[Any, Any] = ([[0.5, 1.5], [2.5, 3.5]], np.array([[0.5, 1.5], [2.5, 3.5]], dtype=np.float32))


@dataclass
class Factories:
    """Dotted names of functions, and names of methods, by what they make.

    exact: the same bits on every device. any_dtype: those of exact that make in another dtype the same as a conversion
    to it. rounded: values are rounded on the way, so devices may differ in the last bits. whole: those of rounded that
    are exact if all arguments are whole numbers. random: they draw from the generator of their device. like,
    random_like: device and dtype of the first operand if no others are given; those of random_like draw. n_dim: they
    never make a 0-dim tensor. data: made from values on the host (or from a tensor). shared: those of data that share
    the memory of a numpy array. host: they share memory of the host, and cannot make a tensor elsewhere. new: methods;
    device and dtype of the receiver if no others are given.
    """

    exact: set[str] = field(default_factory=set)
    any_dtype: set[str] = field(default_factory=set)
    rounded: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    random: set[str] = field(default_factory=set)
    like: set[str] = field(default_factory=set)
    random_like: set[str] = field(default_factory=set)
    n_dim: set[str] = field(default_factory=set)
    data: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    host: set[str] = field(default_factory=set)
    new: set[str] = field(default_factory=set)


def observe_factories() -> Factories:
    """Try every public function and method that takes `device=`."""
    found = Factories()
    for name, function in _takes_device():
        _observe(found, name, function)
    receiver = torch.rand(2)
    for name, method in methods().items():
        calls = [Call((receiver, *arguments)) for arguments in (*_ARGUMENTS, _VALUES[:1])]
        good = [call for call in calls if _goes_where_asked(method, call.args)]
        if good and all(_is_new(method, call) and _is_like(method, call) for call in good):
            found.new.add(name)
    for name, make in _from_memory():
        if make():
            found.host.add(name)
    return found


def _takes_device() -> Iterator[tuple[str, Callable[..., Any]]]:
    for namespace in (*NAMESPACES, "torch.signal.windows"):
        module = sys.modules[namespace]
        for name in sorted(dir(module)):
            member = getattr(module, name)
            if name.startswith("_") or not callable(member) or inspect.isclass(member):
                continue
            # Only functions that are known to take a device are called: others may do anything.
            taken = {p.name for p in parameters(member)}
            taken |= {a.name for schema in schemas().get(name, []) for a in schema.arguments}
            if "device" in taken or re.match(r"[^>]*\bdevice\b", member.__doc__ or ""):
                yield f"{namespace}.{name}", member


def _observe(found: Factories, name: str, function: Callable[..., Any]) -> None:
    if _takes_values(function):
        found.data.add(name)
        if function(_VALUES[1]).data_ptr() == _VALUES[1].__array_interface__["data"][0]:
            found.shared.add(name)
        return
    operand = torch.rand(2, 3)
    for extra in ((), (2.5,), (9,), (2, 9)):
        if _goes_where_asked(function, (operand, *extra)):
            call = Call((operand, *extra))
            if _is_new(function, call) and _is_like(function, call):
                (found.random_like if _draws(function, call.args) else found.like).add(name)
            return
    if any(
        _result(function, arguments) is not None for arguments in ((operand, operand), (operand, 2.5), (2.5, operand))
    ):
        return  # the result may be on the device of a tensor argument
    good = [arguments for arguments in _ARGUMENTS if _goes_where_asked(function, arguments)]
    if not good or any(_result(function, arguments).device.type != "cpu" for arguments in good):
        return
    made = [_result(function, arguments) for arguments in (*good, *_NO_SIZE)]
    if all(m.dim() > 0 for m in made if isinstance(m, torch.Tensor)):
        found.n_dim.add(name)
    if any(_draws(function, arguments) for arguments in good):
        found.random.add(name)
    elif all(_is_exact(function, arguments) for arguments in good):
        found.exact.add(name)
        if all(_is_as_converted(function, arguments) for arguments in good):
            found.any_dtype.add(name)
    else:
        found.rounded.add(name)
        whole = [a for a in good if all(isinstance(n, int) for n in a)]
        if whole and all(_result(function, a).dtype is torch.int64 and _is_exact(function, a) for a in whole):
            found.whole.add(name)


def _result(function: Callable[..., Any], arguments: tuple[Any, ...], **keywords: Any) -> Any:
    try:
        return function(*arguments, **keywords)
    except Exception:  # torch refuses arguments with many kinds of exceptions
        return None


def _goes_where_asked(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
    """Whether it makes one tensor, on the device that `device=` says and of the dtype that `dtype=` says."""
    here, there = _result(function, arguments), _result(function, arguments, device="meta")
    if kind_of(here) is not Kind.TENSOR or kind_of(there) is not Kind.TENSOR or there.device != _META:
        return False
    asked = (torch.float64, torch.float32) if here.is_floating_point() else (torch.int64, torch.int32)
    return all(getattr(_result(function, arguments, dtype=dtype), "dtype", None) is dtype for dtype in asked)


def _takes_values(function: Callable[..., Any]) -> bool:
    """Whether it makes a tensor from values on the host."""
    made = [_result(function, (values,)) for values in _VALUES]
    return all(isinstance(m, torch.Tensor) and m.tolist() == _VALUES[0] for m in made)


def _is_new(function: Callable[..., Any], call: Call) -> bool:
    """Whether the result shares no memory with an operand."""
    made = _result(function, call.args)
    memory = {leaf.untyped_storage()._cdata for leaf in call.leaves()}
    return isinstance(made, torch.Tensor) and made.untyped_storage()._cdata not in memory


def _is_like(function: Callable[..., Any], call: Call) -> bool:
    """Whether the result has the device and dtype of the first operand if no others are given."""
    for dtype in (torch.float32, torch.float16, torch.int64):
        for device in ("cpu", "meta"):
            operand = torch.ones(2, 3, dtype=dtype, device=device)
            made = _result(function, (operand, *call.args[1:]))
            if made is not None and (made.device != operand.device or made.dtype != operand.dtype):
                return False
    return True


def _draws(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
    """Whether the call draws random numbers: it changes the state of the generator."""
    before = torch.get_rng_state()
    _result(function, arguments)
    return not torch.equal(before, torch.get_rng_state())


def _is_exact(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
    """Whether no value was rounded: in double precision the values are the same.

    Rounded values depend on the order of the operations, which differs between kinds of devices.
    """
    made = _result(function, arguments)
    if not made.is_floating_point() or function in _UNDEFINED:
        return True
    twice = _result(function, arguments, dtype=torch.float64)
    given = {Fraction(n) for n in _numbers(arguments)} | {Fraction(0), Fraction(1)}
    rounded = {Fraction(float(np.float32(float(n)))) for n in given}
    return all(
        Fraction(a) == Fraction(b) or Fraction(a) in rounded
        for a, b in zip(made.flatten().tolist(), twice.flatten().tolist(), strict=True)
    )


def _is_as_converted(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
    """Whether making the tensor in a dtype gives the same as making it and converting it."""
    if function in _UNDEFINED:
        return True
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool):
        at_once, first = _result(function, arguments, dtype=dtype), _result(function, arguments)
        if at_once is None or at_once.tolist() != first.to(dtype).tolist():
            return False
    return True


def _numbers(arguments: tuple[Any, ...]) -> Iterator[float]:
    for argument in arguments:
        if isinstance(argument, tuple):
            yield from _numbers(argument)
        else:
            yield argument


def _from_memory() -> Iterator[tuple[str, Callable[[], bool]]]:
    """Functions that may make a tensor from memory of the host, each with a test of whether they do."""
    array = np.arange(4, dtype=np.float32)
    sources = {"array": array, "buffer": bytearray(array.tobytes())}
    for name, function in sorted(vars(torch).items()):
        if name.startswith("_") or not inspect.isbuiltin(function) or "memory" not in (function.__doc__ or ""):
            continue
        for source in sources.values():
            yield f"torch.{name}", lambda f=function, s=source: _shares(f, s)  # type: ignore[misc]


def _shares(function: Callable[..., Any], source: Any) -> bool:
    """Whether a tensor made from `source` shares its memory, and cannot be made on another device."""
    for keywords in ({}, {"dtype": torch.float32}):
        made = _result(function, (source,), **keywords)
        if isinstance(made, torch.Tensor) and made.dtype is torch.float32 and made.numel() == 4:
            view = np.frombuffer(source, dtype=np.float32)
            kept = made.data_ptr() == view.__array_interface__["data"][0]
            return kept and _result(function, (source,), **keywords, device="meta") is None
    return False
