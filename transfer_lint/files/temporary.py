"""Temporary files beside a file that is to be replaced, and the removal of those that a killed run has left."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_PREFIX, _SUFFIX = ".transfer-lint-", ".tmp"
_NAME = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}" + re.escape(_SUFFIX))


def is_temporary(name: str) -> bool:
    """Whether a file has the name of one that `temporary_in` makes."""
    return _NAME.fullmatch(name) is not None


@contextmanager
def temporary_in(folder: str) -> Iterator[tuple[str, BinaryIO]]:
    """A new empty file, with its path. It is locked, so that other processes know that it is in use.

    After the block it is removed, unless it was moved away.
    """
    import tempfile  # imported late: most runs write nothing

    while True:
        descriptor, path = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=folder)
        with open(descriptor, "wb") as stream:
            lock(stream)
            if not os.fstat(descriptor).st_nlink:  # another process has removed it before it was locked
                continue
            try:
                yield path, stream
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(path)
            return


def lock(stream: BinaryIO) -> None:
    """Wait until no other process holds the lock of this file, and hold it until the stream is closed.

    Does nothing where the system or the file system has no such locks.
    """
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)


def remove_leftovers(beside: Iterable[str]) -> None:
    """Remove the temporary files beside these files that no running process holds. Others' files stay."""
    for folder in {os.path.dirname(os.path.realpath(path)) for path in beside}:
        with suppress(OSError):
            for name in os.listdir(folder):
                if is_temporary(name):
                    _remove_leftover(os.path.join(folder, name))


def _remove_leftover(path: str) -> None:
    with suppress(OSError):  # it is locked, or it is not ours to remove
        if fcntl is None:
            os.unlink(path)  # Windows refuses this while a process has the file open
            return
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            status = os.fstat(stream.fileno())
            if stat.S_ISREG(status.st_mode) and os.geteuid() in (0, status.st_uid):
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
