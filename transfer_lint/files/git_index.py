"""The git index: which files git tracks. What is tracked is not ignored, whatever a .gitignore says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache

from transfer_lint.files import disk
from transfer_lint.files.repository import git_folder, root_over
from transfer_lint.problems import Problem

MAX_INDEX_BYTES = 512 * 1024 * 1024
_HEADER, _ENTRY = 12, 62  # bytes of the file's header, and of an entry before its name
_LONGEST = 4096  # bytes of a path: names that build upon each other must not grow without end
_EXTENDED = 0x4000  # in the flags of an entry: two more bytes of flags follow


def is_tracked(path: str, is_folder: bool) -> bool:
    """Whether git tracks the file, or a file in the folder. False outside of a repository."""
    here = os.path.abspath(path)
    root = root_over(os.path.dirname(here))
    if root is None:
        return False
    try:
        index = os.path.join(git_folder(root), "index")
        names, folders = _tracked(index, os.stat(index).st_mtime_ns)
    except (OSError, Problem, ValueError, IndexError):  # there is none, or it cannot be read
        return False
    return os.path.relpath(here, root).replace(os.sep, "/") in (folders if is_folder else names)


@lru_cache(maxsize=16)
def _tracked(index: str, _changed: int) -> tuple[frozenset[str], frozenset[str]]:
    """The tracked files of a repository, and the folders that hold them."""
    names = frozenset(_names_in(disk.read(index, MAX_INDEX_BYTES)))
    folders: set[str] = set()
    for name in names:
        while (name := name.rpartition("/")[0]) and name not in folders:
            folders.add(name)
    return names, frozenset(folders)


def _names_in(data: bytes) -> Iterator[str]:
    """The names in an index (gitformat-index, versions 2 to 4)."""
    version, count = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
    if data[:4] != b"DIRC" or version not in (2, 3, 4):
        raise ValueError("no index that is known")
    at, before = _HEADER, b""
    for _ in range(count):
        flags = int.from_bytes(data[at + 60 : at + 62], "big")
        start = at + _ENTRY + (2 if flags & _EXTENDED else 0)
        if version == 4:  # how much of the name before goes, then what comes in its place
            shorter, start = _varint(data, start)
            end = data.index(b"\0", start)
            name = before[: len(before) - shorter] + data[start:end]
            at, before = end + 1, name
        else:
            end = data.index(b"\0", start)
            name = data[start:end]
            at += (end - at) // 8 * 8 + 8  # padded with 1 to 8 NUL bytes to a multiple of 8
        if len(name) > _LONGEST:
            raise ValueError("no path of a file")
        yield name.decode("utf-8", "surrogateescape")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number as git's offsets are encoded, and the position past it."""
    value = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        value = ((value + 1) << 7) | (data[at] & 0x7F)
    return value, at + 1
