"""The simulated machine: how many devices it has, which one is current, and what has moved on it."""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass, field
from typing import Protocol

import torch

from transfer_lint.tracing.events import HostRead, NoOpCall, Place, Transfer, nearest_user_place

HOST = -1
"""The host's place; an accelerator's place is its index."""

KIND = "cuda"
"""The simulated accelerator's name in `torch.device`."""

_TORCH_FOLDER = os.path.join(os.path.dirname(torch.__file__), "")


def name_of(place: int) -> str:
    """`cpu` or `cuda:0`, as torch spells it."""
    return "cpu" if place == HOST else f"{KIND}:{place}"


class Observer(Protocol):
    """Who wants to hear of events when they happen, with the tensors that they are about."""

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
        """As Machine.moved says."""

    def waited(self, device: int, how: str, value: torch.Tensor, nbytes: int) -> None:
        """As Machine.waited says."""


@dataclass
class Memory:
    """Bytes of the tensors that are alive on one device: what they need, without an allocator's rounding and caches."""

    allocated: int = 0
    peak: int = 0
    _alive: dict[int, weakref.ref[torch.UntypedStorage]] = field(default_factory=dict)

    def forget_peak(self) -> None:
        """The peak is what is allocated now."""
        self.peak = self.allocated

    def hold(self, storage: torch.UntypedStorage) -> None:
        """Count a storage, once, until it is freed."""
        key = id(storage)
        if key in self._alive:
            return
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

    transfers: data that moved between devices. waits: values that the host waited for. no_op_calls: transfer calls
    that had nothing to do. All three grow for as long as the simulation runs; `clear` empties them. With an observer
    they stay empty: it is told instead. memory: of each device that was used.
    """

    devices: int
    current: int = 0
    observer: Observer | None = None
    memory: dict[int, Memory] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    waits: list[HostRead] = field(default_factory=list)
    no_op_calls: list[NoOpCall] = field(default_factory=list)

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
        """The index that `device` means here: the current one where it names none.

        Raises RuntimeError, as torch does, where the machine has no such device.
        """
        if isinstance(device, str):
            device = torch.device(device)
        index = device if isinstance(device, int) else device.index if device is not None else None
        if index is None:
            index = self.current
        if not 0 <= index < self.devices:
            raise RuntimeError(f"CUDA error: invalid device ordinal ({KIND}:{index} of {self.devices} simulated)")
        return index

    def memory_of(self, index: int) -> Memory:
        """The memory of the device `index`."""
        return self.memory.setdefault(index, Memory())

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
        """Record that `arrived` (as it is at the target) travelled as `dtype`.

        at_host: the values at the host's end. taken: the operator that made it travel also uses it.
        """
        if self.observer is not None:
            self.observer.moved(source, target, arrived, dtype, non_blocking, at_host, taken)
            return
        self.transfers.append(
            Transfer(
                source=name_of(source),
                target=name_of(target),
                nbytes=arrived.numel() * dtype.itemsize,
                dtype=plain(dtype),
                shape=tuple(arrived.shape),
                non_blocking=non_blocking,
                where=_here(),
            )
        )

    def waited(self, device: int, how: str, value: torch.Tensor, nbytes: int) -> None:
        """Record that the host read `nbytes` bytes of, or about, `value`, which is on `device`."""
        if self.observer is not None:
            self.observer.waited(device, how, value, nbytes)
            return
        self.waits.append(
            HostRead(
                device=name_of(device),
                how=how,
                nbytes=nbytes,
                dtype=plain(value.dtype),
                shape=tuple(value.shape),
                where=_here(),
            )
        )

    def idled(self, device: int) -> None:
        """Record a transfer call on a value at `device` that moved and converted nothing."""
        if self.observer is None:
            self.no_op_calls.append(NoOpCall(name_of(device), _here()))


def _here() -> Place:
    return nearest_user_place(_TORCH_FOLDER)


def plain(dtype: torch.dtype) -> str:
    """`float16`: a dtype as torch spells it, without its prefix."""
    return str(dtype).removeprefix("torch.")


_active: list[Machine] = []


def active() -> Machine | None:
    """The machine that is being simulated, if any: one for all threads."""
    return _active[-1] if _active else None
