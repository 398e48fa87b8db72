"""The simulated machine: how many devices it has, which one is current, and what has moved on it."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import torch

from transfer_lint.tracing.events import HostRead, NoOpCall, Place, Transfer, nearest_user_place
from transfer_lint.tracing.sizes import nbytes_of, shape_of

HOST = -1
"""The place of the host. The place of an accelerator is its device index."""

KINDS = ("cuda", "xpu")
"""The device types that can be simulated, as in `torch.device`."""

_TORCH_FOLDER = os.path.join(os.path.dirname(torch.__file__), "")


def name_of(place: int) -> str:
    """`cpu` or `cuda:0`, as torch spells it."""
    return "cpu" if place == HOST else f"{device_type()}:{place}"


def type_of(place: int) -> str:
    """`cpu`, or the accelerator's device type."""
    return "cpu" if place == HOST else device_type()


class Observer(Protocol):
    """An object that is told of transfers and waits when they happen, with the tensors involved."""

    def moved(
        self,
        source: int,
        target: int,
        arrived: torch.Tensor,
        dtype: torch.dtype,
        non_blocking: bool,
        at_host: torch.Tensor | None,
        taken: bool,
    ) -> None:
        """See Machine.moved."""

    def waited(self, device: int, how: str, value: torch.Tensor, nbytes: int) -> None:
        """See Machine.waited."""

    def idled(self, device: int, value: torch.Tensor) -> None:
        """See Machine.idled."""


@dataclass
class Memory:
    """Bytes of the live tensors on one device, without an allocator's rounding and caches.

    allocated: now. peak: the most so far, or since `forget_peak`.
    """

    allocated: int = 0
    peak: int = 0
    _alive: dict[int, weakref.ref[torch.UntypedStorage]] = field(default_factory=dict)

    def forget_peak(self) -> None:
        """Set the peak to what is allocated now."""
        self.peak = self.allocated

    def holds(self, storage: torch.UntypedStorage) -> bool:
        """Whether the storage is counted."""
        return id(storage) in self._alive

    def hold(self, storage: torch.UntypedStorage) -> None:
        """Count a storage, once, until it is freed."""
        if self.holds(storage):
            return
        key = id(storage)
        nbytes = storage.nbytes()

        def freed(reference: object) -> None:
            self._alive.pop(key, None)
            self.allocated -= nbytes

        self._alive[key] = weakref.ref(storage, freed)
        self.allocated += nbytes
        self.peak = max(self.peak, self.allocated)


@dataclass
class Machine:
    """What happened on the simulated machine, in order.

    devices: how many there are. kind: their device type. current: index of the current one. transfers: data that moved
    between devices. waits: values that the host waited for. no_op_calls: transfer calls that had nothing to do. These
    three lists grow as long as the simulation runs; `clear` empties them. With an observer they stay empty: it is told
    instead. memory: device index -> memory, of each device that was used. forked: this process was forked from one that
    had used a device, so no device can be used any more.
    """

    devices: int
    kind: str = "cuda"
    current: int = 0
    observer: Observer | None = None
    memory: dict[int, Memory] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    waits: list[HostRead] = field(default_factory=list)
    no_op_calls: list[NoOpCall] = field(default_factory=list)
    forked: bool = False

    @property
    def moved_bytes(self) -> int:
        """Bytes of all transfers and host reads."""
        return sum(each.nbytes for each in self.transfers) + sum(each.nbytes for each in self.waits)

    def clear(self) -> None:
        """Forget what has happened so far."""
        self.transfers.clear()
        self.waits.clear()
        self.no_op_calls.clear()

    def device_index(self, device: torch.device | str | int | None) -> int:
        """The device index that `device` means: the current one if it names none.

        Raises RuntimeError, as torch does, if the machine has no such device, or if the process was forked too late.
        """
        if self.forked:
            raise RuntimeError(
                f"Cannot re-initialize {self.kind.upper()} in forked subprocess. "
                f"To use {self.kind.upper()} with multiprocessing, you must use the 'spawn' start method"
            )
        if isinstance(device, str):
            device = torch.device(device)
        index = device if isinstance(device, int) else device.index if device is not None else None
        if index is None:
            index = self.current
        if not 0 <= index < self.devices:
            words = "CUDA error: invalid device ordinal"
            if self.kind == "xpu":
                words = f"The device index is out of range. It must be in [0, {self.devices}), but got {index}."
            raise RuntimeError(f"{words} ({self.kind}:{index} of {self.devices} simulated)")
        return index

    def memory_of(self, index: int) -> Memory:
        """The memory of the device `index`. Raises RuntimeError if the process was forked too late."""
        if self.forked:
            raise RuntimeError(f"{self.kind.upper()} error: initialization error")
        return self.memory.setdefault(index, Memory())

    def place_of_storage(self, storage: torch.UntypedStorage) -> int:
        """The place of a tensor with the storage `storage`."""
        return next((index for index, memory in self.memory.items() if memory.holds(storage)), HOST)

    def moved(
        self,
        source: int,
        target: int,
        arrived: torch.Tensor,
        dtype: torch.dtype,
        non_blocking: bool,
        *,
        at_host: torch.Tensor | None = None,
        taken: bool = False,
    ) -> None:
        """Record a transfer. source, target: places. arrived: the tensor at the target. dtype: of the moved data.

        at_host: the tensor at the host end, None if neither end is the host. taken: the operator that caused the
        transfer also uses the tensor.
        """
        if self.observer is not None:
            self.observer.moved(source, target, arrived, dtype, non_blocking, at_host, taken)
            return
        self.transfers.append(
            Transfer(
                source=name_of(source),
                target=name_of(target),
                nbytes=nbytes_of(arrived, dtype),
                dtype=plain(dtype),
                shape=shape_of(arrived),
                non_blocking=non_blocking,
                where=_here(),
            )
        )

    def waited(self, device: int, how: str, value: torch.Tensor, nbytes: int) -> None:
        """Record that the host waited for `nbytes` bytes of the tensor `value`, or about it (such as a count).

        device: the place of `value`. how: as in HostRead.
        """
        self.memory_of(device)
        if self.observer is not None:
            self.observer.waited(device, how, value, nbytes)
            return
        self.waits.append(
            HostRead(
                device=name_of(device),
                how=how,
                nbytes=nbytes,
                dtype=plain(value.dtype),
                shape=shape_of(value),
                where=_here(),
            )
        )

    def idled(self, device: int, value: torch.Tensor) -> None:
        """Record a no-op call on `value`, which is at the place `device`."""
        if self.observer is not None:
            self.observer.idled(device, value)
        else:
            self.no_op_calls.append(NoOpCall(name_of(device), _here()))


def _here() -> Place:
    return nearest_user_place(_TORCH_FOLDER)


def travelling(source: torch.Tensor, arrived: torch.Tensor, way: tuple[str, str], non_blocking: bool) -> torch.dtype:
    """The dtype of the bytes that a copy sends. way: the device types of its ends.

    Between host and device torch converts on the host if the copy blocks, and on the device if not. Between devices
    the source converts.
    """
    on_host = "cpu" in way and not non_blocking
    return arrived.dtype if (way[0] == "cpu") == on_host else source.dtype


def plain(dtype: torch.dtype) -> str:
    """A dtype as torch spells it, without its prefix: `float16`."""
    return str(dtype).removeprefix("torch.")


_active: list[Machine] = []
_ended = Machine(1)


def _forked() -> None:
    for machine in _active:
        machine.forked = bool(machine.memory)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


@contextmanager
def being(machine: Machine) -> Iterator[None]:
    """Context in which `machine` is the one that is simulated."""
    global _ended
    _active.append(machine)
    try:
        yield
    finally:
        _active.remove(machine)
        _ended = machine


def device_type() -> str:
    """The device type of the accelerators that are simulated, or were last."""
    return (_active[-1] if _active else _ended).kind


def active() -> Machine | None:
    """The machine that is being simulated, the same for all threads; None if there is none."""
    return _active[-1] if _active else None
