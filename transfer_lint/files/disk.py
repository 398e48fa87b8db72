"""Files on disk: safe reading and atomic replacement."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO

from transfer_lint.files.attributes import give
from transfer_lint.files.temporary import lock, temporary_in
from transfer_lint.files.text import is_notebook
from transfer_lint.problems import Problem

MAX_BYTES = 4 * 1024 * 1024
"""Larger files are not read: a syntax tree takes hundreds of times the size of its file."""
MAX_NOTEBOOK_BYTES = 128 * 1024 * 1024
"""The limit for notebooks. It is higher because most of a notebook is output, which is not parsed as Python."""


def read(path: str, most: int | None = None) -> bytes:
    """The bytes of a regular file. Never waits: a FIFO or a device is opened without blocking and refused.

    most: how many bytes it may have; None: MAX_BYTES, of a notebook MAX_NOTEBOOK_BYTES.

    Raises:
        Problem: it cannot be read, is not a regular file, or is larger than that.
    """
    try:
        with _opened(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            most = most or (MAX_NOTEBOOK_BYTES if is_notebook(path) else MAX_BYTES)
            if size > most:
                much = f"{size / 1024 / 1024:.1f} MB"
                raise Problem(path, f"is {much}, more than the {most // 1024 // 1024} MB that are read", "exclude it")
            return stream.read()
    except OSError as error:
        raise _unreadable(path, error) from None


@contextlib.contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    """A regular file, open for reading. Raises OSError, and Problem if it is something else."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as stream:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise Problem(path, f"is {kind_of(mode)}, not a file", "leave it out")
        yield stream


def kind_of(mode: int) -> str:
    """The kind of a path in words, from its `st_mode`."""
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISLNK, "a symbolic link"),
    )
    return next((words for test, words in kinds if test(mode)), "something odd")


def reason(error: OSError) -> str:
    """The operating system's message in lower case, without errno and path."""
    return (error.strerror or str(error)).lower()


def _unreadable(path: str, error: OSError) -> Problem:
    mend = "exclude it"
    if isinstance(error, PermissionError):
        mend = "give yourself permission to read it, or exclude it"
    elif isinstance(error, FileNotFoundError):
        mend = "check the path"
    return Problem(path, f"cannot be read: {reason(error)}", mend)


def refusal(path: str) -> Problem | None:
    """Why `replace` refuses a file whatever its content; None if it does not.

    A file with several names (hard links) is refused: to replace it would part its names, and to write into it would
    change what somebody else sees under the other names, such as the cache of a package installer.
    """
    target = os.path.realpath(path)
    mend = "make it writable, or exclude it"
    try:
        status = os.stat(target)
    except OSError as error:
        return Problem(path, f"{reason(error)}, left as it was", mend)
    if not status.st_mode & 0o222 or not os.access(target, os.W_OK):  # root may write to it, but it is meant
        return Problem(path, "is read-only, left as it was", mend)
    if not os.access(os.path.dirname(target), os.W_OK | os.X_OK):
        return Problem(path, "lies in a read-only directory, left as it was", mend)
    if status.st_nlink > 1:
        what = f"has {status.st_nlink} names (hard links), left as it was"
        return Problem(path, what, "put a copy in its place, or exclude it")
    return None


def replace(path: str, old: bytes, new: bytes, done: Callable[[], None] = lambda: None) -> None:
    """Atomic replacement of a file's content: at any moment the file holds either `old` or `new`.

    A symbolic link stays; its target is replaced. Permission bits, access control lists and extended attributes are
    kept, and the owner if it may be set. Of several processes that call this for one file at once, one succeeds.

    done: called as soon as the file holds `new`, before the rest, in which a signal may end the run.

    Raises:
        Problem: the file no longer holds `old`, may not be written, or the disk is full. The file is then unchanged.
    """
    if refused := refusal(path):
        raise refused
    target = os.path.realpath(path)
    changed = Problem(path, "changed on disk while it was being looked at, left as it was", "run again")
    try:
        with _opened(target) as held:
            lock(held)
            before = os.fstat(held.fileno())
            if held.read(len(old) + 1) != old:
                raise changed

            def finish(temporary: str) -> None:
                give(temporary, target)
                now = os.stat(target)
                if any(getattr(before, key) != getattr(now, key) for key in _SAME):
                    raise changed

            _write(path, target, new, finish, done)
    except OSError as error:
        raise _unreadable(path, error) from None


_SAME = ("st_mtime_ns", "st_size", "st_ino", "st_dev", "st_nlink")


def write(path: str, data: bytes, mode: int) -> None:
    """Write a whole file: write a temporary file beside it, sync that to disk, and move it into place in one step.

    What is no file, `/dev/null` or a pipe, is written to as it is: it must not be replaced by a file.

    mode: the permission bits of the new file.

    Raises:
        Problem: the file cannot be written. A file that was there is then unchanged.
    """
    target = os.path.realpath(path)
    if not os.path.exists(target) or os.path.isfile(target) or os.path.isdir(target):
        _write(path, target, data, lambda temporary: os.chmod(temporary, stat.S_IMODE(mode)))
        return
    try:
        with open(target, "wb") as stream:
            stream.write(data)
    except OSError as error:
        raise Problem(path, f"cannot be written: {reason(error)}", "make room or permission") from None


def _write(
    path: str, target: str, data: bytes, finish: Callable[[str], None], done: Callable[[], None] = lambda: None
) -> None:
    """Replace the file `target`.

    finish: called with the temporary file's path just before the last step; if it raises, the step is not done.
    """
    folder = os.path.dirname(target)
    try:
        with temporary_in(folder) as (temporary, stream):
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
            finish(temporary)
            if os.name == "nt":
                stream.close()  # Windows moves no file that is open
            os.replace(temporary, target)
            done()
        _sync_folder(folder)
    except OSError as error:
        raise Problem(path, f"cannot be written, left as it was: {reason(error)}", "make room or permission") from None


def _sync_folder(folder: str) -> None:
    """Make a replacement in a folder survive a loss of power, on systems that sync folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def holds(path: str, data: bytes) -> bool:
    """Whether a file can be read and holds these bytes."""
    with contextlib.suppress(OSError), open(path, "rb") as stream:
        return stream.read(len(data) + 1) == data
    return False
