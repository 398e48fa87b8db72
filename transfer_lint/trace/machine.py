"""The simulated machine: how many devices it has, which one is current, and what has moved on it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import torch

from transfer_lint.trace.events import HostRead, NoOpCall, Place, Transfer, nearest_user_place

HOST = -1
"""The host's place; an accelerator's place is its index."""

KIND = "cuda"
"""The simulated accelerator's name in `torch.device`."""

_TORCH_FOLDER = os.path.join(os.path.dirname(torch.__file__), "")


def name_of(place: int) -> str:
    """`cpu` or `cuda:0`, as torch spells it."""
    return "cpu" if place == HOST else f"{KIND}:{place}"


@dataclass
class Machine:
    """What happened on the simulated machine, in order.

    transfers: data that moved between devices. waits: values that the host waited for. no_op_calls: transfer calls
    that had nothing to do. All three grow for as long as the simulation runs; `clear` empties them.
    """

    devices: int
    current: int = 0
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

    def moved(self, source: int, target: int, arrived: torch.Tensor, dtype: torch.dtype, non_blocking: bool) -> None:
        """Record that `arrived` (as it is at the target) travelled as `dtype`."""
        self.transfers.append(
            Transfer(
                source=name_of(source),
                target=name_of(target),
                nbytes=arrived.numel() * dtype.itemsize,
                dtype=_plain(dtype),
                shape=tuple(arrived.shape),
                non_blocking=non_blocking,
                where=_here(),
            )
        )

    def waited(self, device: int, how: str, value: torch.Tensor, nbytes: int) -> None:
        """Record that the host read `nbytes` bytes of, or about, `value`, which is on `device`."""
        self.waits.append(
            HostRead(
                device=name_of(device),
                how=how,
                nbytes=nbytes,
                dtype=_plain(value.dtype),
                shape=tuple(value.shape),
                where=_here(),
            )
        )

    def idled(self, device: int) -> None:
        """Record a transfer call on a value at `device` that moved and converted nothing."""
        self.no_op_calls.append(NoOpCall(name_of(device), _here()))


def _here() -> Place:
    return nearest_user_place(_TORCH_FOLDER)


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


_active: list[Machine] = []


def active() -> Machine | None:
    """The machine that is being simulated, if any: one for all threads."""
    return _active[-1] if _active else None
