"""Files on disk: reading one safely, and replacing one whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable

from transfer_lint.files.text import is_notebook
from transfer_lint.problems import Problem

MAX_BYTES = 4 * 1024 * 1024
"""Larger files are not read: a parsed tree of one takes hundreds of times its size."""
MAX_NOTEBOOK_BYTES = 128 * 1024 * 1024
"""Of notebooks: most of theirs is output, which is not looked at."""


def read(path: str) -> bytes:
    """The bytes of a regular file. Never waits: a FIFO or a device is refused, not opened for reading.

    Raises:
        Problem: it cannot be read, or is larger than MAX_BYTES.
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
    """What a path is, in words, by its `st_mode`."""
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
    """The operating system's words, without errno and path."""
    return (error.strerror or str(error)).lower()


def _mend_of(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "give yourself permission to read it, or exclude it"
    if isinstance(error, FileNotFoundError):
        return "check the path"
    return "exclude it"


def may_write(path: str) -> str:
    """Why `replace` would refuse `path` for its permissions; "" where it would not."""
    target = os.path.realpath(path)
    try:
        mode = os.stat(target).st_mode
    except OSError as error:
        return reason(error)
    if not mode & 0o222 or not os.access(target, os.W_OK):  # root may write anything, but read-only was meant
        return "is read-only"
    if not os.access(os.path.dirname(target), os.W_OK | os.X_OK):
        return "lies in a read-only directory"
    return ""


def replace(path: str, old: bytes, new: bytes) -> None:
    """Put `new` where `old` is: the file holds one or the other at any moment, whatever happens meanwhile.

    A symlink stays; its target is replaced. Permission bits stay, and the owner where that may be set.

    Raises:
        Problem: the file no longer holds `old`, may not be written, or the disk is full. It is as it was.
    """
    if refusal := may_write(path):
        raise Problem(path, f"{refusal}, left as it was", "make it writable, or exclude it")
    target = os.path.realpath(path)
    changed = Problem(path, "changed on disk while it was being looked at, left as it was", "run again")
    before = os.stat(target)
    if read(path) != old:
        raise changed

    def last_look(temporary: str) -> None:
        _give(temporary, before)
        now = os.stat(target)
        if any(getattr(before, key) != getattr(now, key) for key in ("st_mtime_ns", "st_size", "st_ino", "st_dev")):
            raise changed

    write(path, new, before.st_mode, last_look)


def write(path: str, data: bytes, mode: int, last_look: Callable[[str], None] = lambda temporary: None) -> None:
    """Write a whole file: into a temporary one beside it, to disk, and then over it in one step.

    mode: the permission bits that it gets. last_look: called with the temporary's name just before the last step;
        what it raises stops that.

    Raises:
        Problem: it cannot be written. What was there is as it was.
    """
    target = os.path.realpath(path)
    directory, base = os.path.split(target)
    temporary = ""
    try:
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


def _give(temporary: str, like: os.stat_result) -> None:
    """Hand the new file to the owner that the old one had, where the system has owners and lets us."""
    chown = getattr(os, "chown", None)
    if chown is None or (like.st_uid, like.st_gid) == (os.geteuid(), os.getegid()):
        return
    with contextlib.suppress(PermissionError):
        chown(temporary, like.st_uid, like.st_gid)
        os.chmod(temporary, stat.S_IMODE(like.st_mode))  # a change of owner clears set-id bits
