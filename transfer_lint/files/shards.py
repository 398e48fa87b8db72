"""Shards: one part of many of the files of a run, for runs on several machines."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress

_SHARD = re.compile(r"(\d{1,5})/(\d{1,5})")


def read_shard(text: str) -> tuple[int, int]:
    """(number from 1, count) of "1/3". Raises ValueError."""
    found = _SHARD.fullmatch(text)
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count:
        raise ValueError("must be like 1/3: the first of three parts")
    return number, count


def shard_of(paths: Sequence[str], number: int, count: int) -> tuple[str, ...]:
    """The files of one shard. All shards together hold each file once.

    The paths in their order are cut into parts of about the same number of bytes. So what lies in one folder, and
    mostly imports one another, stays together; and every machine with the same files makes the same parts.
    """
    sizes = [_size(path) for path in paths]
    total, before = sum(sizes), 0
    chosen: list[str] = []
    for path, size in zip(paths, sizes, strict=True):
        middle = 2 * before + size  # twice the offset, so that it is a whole number
        if middle * count // (2 * total) == number - 1:
            chosen.append(path)
        before += size
    return tuple(chosen)


def _size(path: str) -> int:
    with suppress(OSError):
        return os.path.getsize(path) + 1  # an empty file takes a while, too
    return 1
