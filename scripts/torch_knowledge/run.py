"""Runs calls: with real values on the CPU, and without values on devices that need not be present."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from torch_knowledge.operands import Call

CPU, ACCELERATOR = torch.device("cpu"), torch.device("cuda:0")
# Some of torch's Python bindings first enter the device, which fails in builds without it. This one is in every build.
_STAND_IN = torch.device("meta")
_NOT_BUILT = re.compile("not linked with support|not compiled with CUDA")
_REFUSED = re.compile("expected device|same device|should be the same")
_STRICT = FakeTensorMode()
_SYMBOLIC = FakeTensorMode(shape_env=ShapeEnv())  # here a shape may depend on values
_ON_HOST = (bool, int, float, complex, str, np.ndarray, np.generic, torch.layout, torch.memory_format)


class Kind(Enum):
    """The kind of a call's result."""

    TENSOR = "one tensor"
    TENSORS = "a tuple or list of tensors"
    HOST = "numbers, flags, strings or arrays"
    OTHER = "something else"


@dataclass(frozen=True)
class Run:
    """What one call did on the CPU.

    keys: which arguments were given. itself: the result is the first operand. shares: a result uses some operand's
    memory. changes: an operand was written to.
    """

    call: Call
    keys: frozenset[str]
    kind: Kind
    results: tuple[torch.Tensor, ...]
    itself: bool
    shares: bool
    changes: bool


def kind_of(result: object) -> Kind:
    """The kind of a result."""
    if isinstance(result, torch.Tensor):
        return Kind.TENSOR if result.layout is torch.strided and not result.is_quantized else Kind.OTHER
    if isinstance(result, tuple | list) and result:
        kinds = {kind_of(item) for item in result}
        if kinds == {Kind.TENSOR}:
            return Kind.TENSORS
        return Kind.HOST if kinds == {Kind.HOST} else Kind.OTHER
    return Kind.HOST if isinstance(result, (*_ON_HOST, torch.Size, tuple, list)) else Kind.OTHER


def run(function: Callable[..., Any], call: Call, receiver: bool) -> Run | None:
    """Run the call with copies of its tensors; None if torch refuses, and for an empty list or tuple."""
    leaves = [_copied(leaf) for leaf in call.leaves()]
    before = [(leaf._version, _bytes(leaf)) for leaf in leaves]
    fresh = call.with_leaves(leaves)
    torch.default_generator.manual_seed(0)
    try:
        result = function(*fresh.args, **fresh.kwargs)
    except Exception:  # torch refuses arguments with many kinds of exceptions
        return None
    if isinstance(result, tuple | list) and not result and not isinstance(result, torch.Size):
        return None  # an empty sequence does not show what its items would be
    kind = kind_of(result)
    tensors = (result,) if kind is Kind.TENSOR else tuple(result) if kind is Kind.TENSORS else ()
    memory = {leaf.untyped_storage()._cdata for leaf in leaves}
    return Run(
        call,
        call.keys(receiver),
        kind,
        tensors,
        itself=bool(leaves) and result is leaves[0],
        shares=any(tensor.untyped_storage()._cdata in memory for tensor in tensors),
        # Both are compared: some kernels write without raising the version, and some writes leave the values the same.
        changes=any((leaf._version, _bytes(leaf)) != old for leaf, old in zip(leaves, before, strict=True)),
    )


def _copied(leaf: torch.Tensor) -> torch.Tensor:
    """A copy with its own memory, and with the negative or conjugate bit of the leaf."""
    if leaf.is_neg():
        return torch._neg_view(_copied(torch._neg_view(leaf)))
    return leaf.conj().clone().conj() if leaf.is_conj() else leaf.clone()


def _bytes(leaf: torch.Tensor) -> bytes:
    return (
        leaf.resolve_neg().resolve_conj().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        if leaf.numel()
        else b""
    )


class NeedsValuesError(Exception):
    """The result depends on values, so the host would wait for the device."""


def without_values(
    function: Callable[..., Any], call: Call, devices: Sequence[torch.device], symbolic: bool = False
) -> Any:
    """The result of the call with its tensors on `devices`. They have no values; the devices need not be present.

    symbolic: a result's shape may depend on values. Raises what torch raises, or NeedsValuesError.
    """
    try:
        return _without_values(function, call, devices, _SYMBOLIC if symbolic else _STRICT)
    except (RuntimeError, AssertionError) as error:
        if not _NOT_BUILT.search(str(error)):
            raise
    stand_ins = [_STAND_IN if device == ACCELERATOR else device for device in devices]
    return _without_values(function, call, stand_ins, _SYMBOLIC if symbolic else _STRICT)


def _without_values(
    function: Callable[..., Any], call: Call, devices: Sequence[torch.device], mode: FakeTensorMode
) -> Any:
    with mode:
        leaves = [
            torch.empty_strided(leaf.size(), leaf.stride(), dtype=leaf.dtype, device=device)
            for leaf, device in zip(call.leaves(), devices, strict=True)
        ]
        placed = call.with_leaves(leaves)
        try:
            return function(*placed.args, **placed.kwargs)
        except (DynamicOutputShapeException, DataDependentOutputException) as error:
            raise NeedsValuesError from error


def where(tensor: torch.Tensor) -> torch.device:
    """The device of a result. The stand-in device counts as the accelerator."""
    return ACCELERATOR if tensor.device == _STAND_IN else tensor.device


def placements(function: Callable[..., Any], call: Call) -> Iterator[tuple[list[torch.device], set[torch.device]]]:
    """(devices of the tensors, devices of the results) for every placement that torch accepts.

    Tried are: all tensors on the accelerator, and all but one of the first six.
    """
    count = len(call.leaves())
    assignments = [[ACCELERATOR] * count]
    if count > 1:
        assignments += [[CPU if n == at else ACCELERATOR for n in range(count)] for at in range(min(count, 6))]
    for devices in assignments:
        for symbolic in (False, True):
            if refused(function, call, devices):
                break
            try:
                result = without_values(function, call, devices, symbolic)
            except NeedsValuesError:
                continue
            except Exception:  # refused, or not known without values
                break
            kind = kind_of(result)
            if kind in (Kind.TENSOR, Kind.TENSORS):
                yield devices, {where(tensor) for tensor in ([result] if kind is Kind.TENSOR else result)}
            break


def refused(function: Callable[..., Any], call: Call, devices: Sequence[torch.device]) -> bool:
    """Whether torch says that the tensors should be on one device. (`without_values` does not check all of this.)"""
    if len(set(devices)) == 1:
        return False
    mixed = call.with_leaves(
        [
            leaf.to(_STAND_IN if device == ACCELERATOR else device)
            for leaf, device in zip(call.leaves(), devices, strict=True)
        ]
    )
    try:
        function(*mixed.args, **mixed.kwargs)
    except Exception as error:
        return bool(_REFUSED.search(str(error)))
    return False


def needs_values(function: Callable[..., Any], call: Call, kind: Kind) -> bool:
    """Whether the result, or its shape, cannot be known without the tensors' values."""
    leaves = call.leaves()
    if kind is Kind.HOST:
        answers = []
        for others in (leaves, leaves, [leaf * 0 for leaf in leaves], [leaf * 0 + 1 for leaf in leaves]):
            changed = call.with_leaves([leaf.clone() for leaf in others])
            try:
                answers.append(repr(function(*changed.args, **changed.kwargs)))
            except Exception:
                return False
        return answers[0] == answers[1] and len(set(answers)) > 1
    try:
        without_values(function, call, [ACCELERATOR] * len(leaves))
    except NeedsValuesError:
        return True
    except Exception:
        pass
    return False


def autocast_dtypes(function: Callable[..., Any], call: Call) -> Iterator[set[torch.dtype]]:
    """The dtypes of the results under autocast: for the accelerator, and for the CPU. A run that fails is left out."""
    previous = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")
    torch.set_autocast_enabled("cuda", True)
    torch.set_autocast_dtype("cuda", torch.float16)
    try:
        yield _dtypes(without_values(function, call, [ACCELERATOR] * len(call.leaves())))
    except Exception:
        pass
    finally:
        torch.set_autocast_enabled("cuda", previous[0])
        torch.set_autocast_dtype("cuda", previous[1])
    fresh = call.with_leaves([leaf.clone() for leaf in call.leaves()])
    try:
        with torch.autocast("cpu", torch.bfloat16):
            yield _dtypes(function(*fresh.args, **fresh.kwargs))
    except Exception:
        pass


def _dtypes(result: object) -> set[torch.dtype]:
    kind = kind_of(result)
    if kind is Kind.TENSOR:
        assert isinstance(result, torch.Tensor)
        return {result.dtype}
    return {tensor.dtype for tensor in result} if kind is Kind.TENSORS else set()  # type: ignore[attr-defined]
