"""What one call did on a device, real or simulated, as plain data that two machines can compare."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

WORDS = 240
"""Longest record of an error's words."""

_SYNCHRONISED = "called a synchronizing CUDA operation"
_BROKEN = ("device-side assert", "illegal memory access", "unspecified launch failure", "misaligned address")


@dataclass
class Observation:
    """What a call did.

    outcome: its results (`cuda:0 float32 [2, 3] strides [3, 1]`), or `! Class: words` of an error. waits: how often the
    host waited in it. how: the kinds of these waits, if they are known. given: a digest of its operands.
    """

    outcome: str
    waits: int
    how: str = ""
    given: str = ""

    @property
    def refused(self) -> bool:
        """Whether the call raised."""
        return self.outcome.startswith("! ")


class Broken(Exception):
    """The device cannot be used any more in this process. It holds what was observed of the call that broke it."""

    def __init__(self, observation: Observation) -> None:
        super().__init__(observation.outcome)
        self.observation = observation


@dataclass
class _Counted:
    waits: int = 0
    how: list[str] = field(default_factory=list)


class Card:
    """Counts the waits of a real card, by the warnings of `torch.cuda.set_sync_debug_mode`.

    torch warns where it copies with the host waiting, and where it waits for a stream. It does not warn of
    `torch.cuda.synchronize`, of allocations, and of waits inside of libraries (Thrust, MAGMA, cuSOLVER).
    """

    def __enter__(self) -> Card:
        self._stack = ExitStack()
        # what C++ calls without Python's binding, `torch.ops.aten.item(x)`, is warned of on the standard error stream
        self._stream = self._stack.enter_context(tempfile.TemporaryFile())
        before = os.dup(2)
        os.dup2(self._stream.fileno(), 2)
        self._stack.callback(lambda: (os.dup2(before, 2), os.close(before)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.cuda.set_sync_debug_mode("warn")
        self._stack.callback(torch.cuda.set_sync_debug_mode, "default")
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @contextmanager
    def counting(self) -> Iterator[_Counted]:
        """Context whose waits are counted, when it ends."""
        counted = _Counted()
        begin = os.lseek(2, 0, os.SEEK_END)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            yield counted
        said = os.pread(2, os.lseek(2, 0, os.SEEK_END) - begin, begin).decode(errors="replace")
        counted.waits = sum(_SYNCHRONISED in str(each.message) for each in heard) + said.count(_SYNCHRONISED)

    def settle(self) -> None:
        """Wait for all work, which is when its errors are known."""
        torch.cuda.synchronize()


class Simulated:
    """Counts the waits of the simulated accelerator, as a trace does."""

    def __enter__(self) -> Simulated:
        from transfer_lint.tracing.session import trace

        self._stack = ExitStack()
        self._trace = self._stack.enter_context(trace(simulated="cuda", follow_uses=False, reach=None))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @contextmanager
    def counting(self) -> Iterator[_Counted]:
        """Context whose waits are counted, when it ends."""
        counted = _Counted()
        recorder = self._trace.recorder
        recorder.take()
        yield counted
        for entry in recorder.take():
            counted.waits += entry.waits
            if entry.waits:
                counted.how.append(f"{entry.how} {entry.source}>{entry.target} x{entry.waits}")

    def settle(self) -> None:
        """Nothing is pending."""


def observe(device: Card | Simulated, call: Callable[[], Any], *, given: str = "") -> Observation:
    """Make a call and say what it did. Raises Broken if the device cannot be used any more."""
    result, words, broken = None, "", False
    with device.counting() as counted:
        try:
            result = call()
        except Exception as error:
            words = f"! {type(error).__name__}: {error}"
    try:
        device.settle()
    except Exception as error:
        words, broken = f"! {type(error).__name__}: {error}", True
    outcome = words.strip().split("\n")[0][:WORDS] if words else described(result)
    observation = Observation(outcome, counted.waits, ", ".join(counted.how), given)
    if broken or any(each in words for each in _BROKEN):
        raise Broken(observation)
    return observation


def described(result: Any) -> str:
    """The tensors of a result: where they are, their dtypes, shapes and strides; of all else the class."""
    return "; ".join(_described(each) for each in tree_leaves(result))


def _described(value: Any) -> str:
    if not isinstance(value, Tensor):
        return type(value).__name__
    text = f"{value.device} {str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
    if value.layout != torch.strided:
        text += f" {str(value.layout).removeprefix('torch.')}"
    elif not value.is_quantized:
        text += f" strides {_strides(value.shape, value.stride())}"
    return f"{text} grad" if value.requires_grad else text


def _strides(shape: Sequence[int], strides: Sequence[int]) -> list[int]:
    """The strides, with 0 for those that nothing is ever multiplied with."""
    if 0 in shape:
        return [0] * len(shape)
    return [stride if size > 1 else 0 for size, stride in zip(shape, strides, strict=True)]


def digest(leaves: Sequence[Any]) -> str:
    """A digest of operands: what they are, and the values of those that are no floating-point numbers."""
    seen = hashlib.blake2b(digest_size=6)
    for each in leaves:
        if not isinstance(each, Tensor):
            seen.update(type(each).__name__.encode() if callable(each) else repr(each).encode())
            continue
        seen.update(f"{each.dtype} {list(each.shape)} {each.layout}".encode())
        exact = each.layout == torch.strided and not each.is_quantized and not each.dtype.is_floating_point
        if exact and not each.dtype.is_complex:
            seen.update(repr(each.flatten().tolist()).encode())
    return seen.hexdigest()
