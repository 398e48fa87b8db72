"""Counts of what moved, and limits for them: `waits=0, copies=2, bytes="1 MiB"`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from transfer_lint.evidence.model import Entry

NAMES = ("waits", "copies", "bytes")
"""What is counted: how often the host waited, copies between devices, and the bytes of copies and host reads."""

_UNITS = {"": 1, "B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}


class Counts(NamedTuple):
    """What moved: one figure for each of NAMES."""

    waits: int = 0
    copies: int = 0
    bytes: int = 0

    def of(self, name: str) -> int:
        """The figure with that name."""
        return int(getattr(self, name))


def counts_of(entries: Iterable[Entry]) -> Counts:
    """The sums of entries."""
    found = list(entries)
    return Counts(
        waits=sum(entry.waits for entry in found),
        copies=sum(entry.count for entry in found if entry.kind == "transfer"),
        bytes=sum(entry.nbytes for entry in found),
    )


def limits(given: Mapping[str, object]) -> dict[str, int]:
    """Name -> the most that is allowed, from keyword arguments; those that are None are left out.

    Raises TypeError or ValueError, with a message for the user.
    """
    found = {}
    for name, value in given.items():
        if name not in NAMES:
            raise TypeError(f"there is no limit {name!r}: give {', '.join(NAMES[:-1])} or {NAMES[-1]}")
        if value is not None:
            found[name] = _number(name, value)
    return found


def _number(name: str, value: object) -> int:
    if name == "bytes" and isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", value, re.IGNORECASE)
        if match and match[2].upper() in _UNITS:
            return int(float(match[1]) * _UNITS[match[2].upper()])
        raise ValueError(f'bytes={value!r} is no size: give a number or a text such as "1 MiB"')
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name}={value!r} is no limit: give a whole number, 0 or more")
    return value
