"""The events that the simulated machine records, as plain data without torch."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from types import FrameType
from typing import NamedTuple


class Place(NamedTuple):
    """A position in the program's source: the file as Python names it, and the 1-based line."""

    file: str
    line: int


@dataclass(frozen=True)
class Transfer:
    """Data that moved from one device to another.

    source, target: devices as torch spells them (`cpu`, `cuda:0`). nbytes: bytes that were moved. dtype: of the moved
    data, as torch spells it without its prefix (`float16`); see `machine.travelling`. shape: of the tensor at the
    target. where: the nearest frame outside torch.
    """

    source: str
    target: str
    nbytes: int
    dtype: str
    shape: tuple[int, ...]
    non_blocking: bool
    where: Place

    @property
    def direction(self) -> str:
        """`host-to-device`, `device-to-host` or `device-to-device`."""
        return f"{'host' if self.source == 'cpu' else 'device'}-to-{'host' if self.target == 'cpu' else 'device'}"


@dataclass(frozen=True)
class HostRead:
    """The host waited for a value on a device; no tensor was copied.

    how: the call (`item`, `tolist`, `print`), or the operator whose result's shape depends on the data (`nonzero`).
    device: where the value was. nbytes: bytes that the host read. dtype, shape: of the tensor that was read.
    where: as in Transfer.
    """

    device: str
    how: str
    nbytes: int
    dtype: str
    shape: tuple[int, ...]
    where: Place


@dataclass(frozen=True)
class NoOpCall:
    """A call of `.to`, `.cuda`, `.cpu`, `.type` or `.type_as` that had nothing to do: it returned the tensor itself."""

    device: str
    where: Place


_HERE = os.path.join(os.path.dirname(__file__), "")


def nearest_user_place(*inside: str) -> Place:
    """The innermost frame outside this package and outside the folders `inside`; ("?", 0) if there is none."""
    hidden = (_HERE, *inside)
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(hidden):
            return Place(file, frame.f_lineno)
        frame = frame.f_back
    return Place("?", 0)
