"""Files on disk: safe reading and atomic replacement."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable

from transfer_lint.files.text import is_notebook
from transfer_lint.problems import Problem

MAX_BYTES = 4 * 1024 * 1024
"""Larger files are not read: a syntax tree takes hundreds of times the size of its file."""
MAX_NOTEBOOK_BYTES = 128 * 1024 * 1024
"""The limit for notebooks. It is higher because most of a notebook is output, which is not parsed as Python."""


def read(path: str) -> bytes:
    """The bytes of a regular file. Never waits: a FIFO or a device is opened without blocking and refused.

    Raises:
        Problem: it cannot be read, is not a regular file, or is larger than MAX_BYTES (MAX_NOTEBOOK_BYTES).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Problem(path, f"is {kind_of(status.st_mode)}, not a file", "leave it out")
            most = MAX_NOTEBOOK_BYTES if is_notebook(path) else MAX_BYTES
            if status.st_size > most:
                size = f"{status.st_size / 1024 / 1024:.1f} MB"
                raise Problem(path, f"is {size}, more than the {most // 1024 // 1024} MB that are read", "exclude it")
            return stream.read()
    except OSError as error:
        raise Problem(path, f"cannot be read: {reason(error)}", _mend_of(error)) from None


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


def _mend_of(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "give yourself permission to read it, or exclude it"
    if isinstance(error, FileNotFoundError):
        return "check the path"
    return "exclude it"


def may_write(path: str) -> str:
    """Why permissions would make `replace` refuse `path`; "" if they allow it."""
    target = os.path.realpath(path)
    try:
        mode = os.stat(target).st_mode
    except OSError as error:
        return reason(error)
    if not mode & 0o222 or not os.access(target, os.W_OK):  # root may write anything, but read-only is respected
        return "is read-only"
    if not os.access(os.path.dirname(target), os.W_OK | os.X_OK):
        return "lies in a read-only directory"
    return ""


def replace(path: str, old: bytes, new: bytes) -> None:
    """Atomic replacement of a file's content: at any moment the file holds either `old` or `new`.

    A symbolic link stays; its target is replaced. Permission bits are kept, and the owner if it may be set.

    Raises:
        Problem: the file no longer holds `old`, may not be written, or the disk is full. The file is then unchanged.
    """
    if refusal := may_write(path):
        raise Problem(path, f"{refusal}, left as it was", "make it writable, or exclude it")
    target = os.path.realpath(path)
    changed = Problem(path, "changed on disk while it was being looked at, left as it was", "run again")
    before = os.stat(target)
    if read(path) != old:
        raise changed

    def last_look(temporary: str) -> None:
        give_owner(temporary, before)
        now = os.stat(target)
        if any(getattr(before, key) != getattr(now, key) for key in ("st_mtime_ns", "st_size", "st_ino", "st_dev")):
            raise changed

    write(path, new, before.st_mode, last_look)


def write(path: str, data: bytes, mode: int, last_look: Callable[[str], None] = lambda temporary: None) -> None:
    """Write a whole file: write a temporary file beside it, sync that to disk, and move it into place in one step.

    What is no file, `/dev/null` or a pipe, is written to as it is: it must not be replaced by a file.

    mode: the permission bits of the new file. last_look: called with the temporary file's path just before the last
        step; if it raises, the step is not done.

    Raises:
        Problem: the file cannot be written. A file that was there is then unchanged.
    """
    target = os.path.realpath(path)
    directory, base = os.path.split(target)
    temporary = ""
    try:
        if os.path.exists(target) and not os.path.isfile(target) and not os.path.isdir(target):
            with open(target, "wb") as stream:
                stream.write(data)
            return
        descriptor, temporary = tempfile.mkstemp(prefix=f".{base[:100]}.", suffix=".tmp", dir=directory)
        with open(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, stat.S_IMODE(mode))
        last_look(temporary)
        os.replace(temporary, target)
        temporary = ""
    except OSError as error:
        raise Problem(path, f"cannot be written, left as it was: {reason(error)}", "make room or permission") from None
    finally:
        if temporary:
            os.unlink(temporary)


def give_owner(temporary: str, like: os.stat_result) -> None:
    """Give a new file the owner of the old one, if the system has owners and allows it."""
    chown = getattr(os, "chown", None)
    if chown is None or (like.st_uid, like.st_gid) == (os.geteuid(), os.getegid()):
        return
    with contextlib.suppress(PermissionError):
        chown(temporary, like.st_uid, like.st_gid)
        os.chmod(temporary, stat.S_IMODE(like.st_mode))  # a change of owner clears set-id bits
