"""Replaces several files: all of them or none."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from transfer_lint.files import disk
from transfer_lint.files.attributes import give
from transfer_lint.files.temporary import temporary_in
from transfer_lint.problems import Problem


def replace_all(changes: Sequence[tuple[str, bytes, bytes]]) -> None:
    """Replace the content of files, (path, old, new) each. Symbolic links stay; modes and owners are kept.

    All that takes time or is likely to fail is done before the first file is replaced. The renames that are left are
    not interrupted by signals, and are taken back if one of them fails. Only the end of the machine, or SIGKILL,
    between two of them can leave some files replaced and others not.

    Raises:
        Problem: a file no longer holds `old`, may not be written, or the disk is full. All files are then unchanged.
    """
    with ExitStack() as stack:
        steps = []
        for path, old, new in changes:
            if refused := disk.refusal(path):
                raise refused
            target = os.path.realpath(path)
            ready, undo = (stack.enter_context(_beside(target, data)) for data in (new, old))
            steps.append((target, ready, undo))
        with _undisturbed():
            for path, old, _ in changes:
                if disk.read(path) != old:
                    raise Problem(path, "changed on disk while it was being looked at, left as it was", "run again")
            done: list[tuple[str, str]] = []
            try:
                for target, ready, undo in steps:
                    os.replace(ready, target)
                    done.append((target, undo))
            except OSError as error:
                for replaced, undo in done:
                    os.replace(undo, replaced)
                what = f"cannot be written, all is left as it was: {disk.reason(error)}"
                raise Problem(target, what, "make room or permission") from None


@contextmanager
def _beside(target: str, data: bytes) -> Iterator[str]:
    """Context with a file beside `target` that holds `data` and has its attributes, on disk; removed at the end."""
    try:
        with temporary_in(os.path.dirname(target)) as (temporary, stream):
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
            give(temporary, target)
            if os.name == "nt":
                stream.close()  # Windows moves no file that is open
            yield temporary
    except OSError as error:
        raise Problem(target, f"cannot be written: {disk.reason(error)}", "make room or permission") from None


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Context in which the signals that end a process wait."""
    mask = getattr(signal, "pthread_sigmask", None)  # not on Windows
    waiting = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
    before = mask(signal.SIG_BLOCK, waiting) if mask else ()
    try:
        yield
    finally:
        if mask:
            mask(signal.SIG_SETMASK, before)
