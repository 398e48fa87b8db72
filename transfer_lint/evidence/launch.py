"""Runs a program in a separate worker process, because the program may exit, hang, crash or print anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from transfer_lint.evidence.job import Job
from transfer_lint.evidence.model import Ending

GRACE = 5.0
"""Seconds between asking a process to stop and killing it."""

TIMEOUT_CODE = 124
"""The exit code for a program that ran out of time, the same as that of timeout(1)."""


class Child:
    """A process that runs `python -m WORKER` on a job, and that ends when this one does, however that ends.

    The program's output goes to the file descriptor `output`, or to standard error if that is None.
    """

    def __init__(self, worker: str, job: Job, output: int | None = None) -> None:
        self._begin = time.monotonic()
        theirs, ours = os.pipe()
        self._lifeline = open(ours, "wb", buffering=0)  # noqa: SIM115 nobody else has it: it closes when this process ends
        self._process = subprocess.Popen(
            [sys.executable, "-m", worker, job.to_json(), str(theirs)],
            stdin=subprocess.DEVNULL if job.program else None,
            stdout=2 if output is None else output,
            stderr=output,
            start_new_session=os.name == "posix",
            pass_fds=(theirs,) if os.name == "posix" else (),
        )
        os.close(theirs)

    def wait(self, timeout: float | None) -> Ending | None:
        """Wait until the process has ended, at most `timeout` seconds from its start; None for no limit.

        Returns the ending if the process could not report it itself: it ran out of time or was killed. None otherwise.
        """
        left = None if timeout is None else max(timeout - (time.monotonic() - self._begin), 0.01)
        try:
            code = self._process.wait(left)
        except subprocess.TimeoutExpired:
            self.stop(signal.SIGTERM)
            return Ending("timeout", TIMEOUT_CODE, f"did not end within {timeout:g} seconds (--timeout)")
        except BaseException:  # such as an interrupt from the keyboard
            self.stop(signal.SIGINT)
            raise
        _send(self._process, signal.SIGKILL)  # children that it left behind
        self._lifeline.close()
        if code < 0:
            name = signal.Signals(-code).name if -code in {each.value for each in signal.Signals} else str(-code)
            return Ending("killed", 128 - code, f"was killed by {name}")
        return None

    def stop(self, number: signal.Signals) -> None:
        """Send the signal `number` to the process, and kill it if it has not ended after GRACE seconds."""
        if self._process.poll() is not None:
            return
        _send(self._process, number)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        _send(self._process, signal.SIGKILL)
        self._process.wait()
        self._lifeline.close()


def end_with_parent(lifeline: str) -> None:
    """In the process that a `Child` started: end it, and all that it has started, once its parent is gone.

    lifeline: the worker's second argument.
    """
    leave = os._exit  # that of the system: the worker puts its own in its place
    threading.Thread(target=_outlive_nobody, args=(int(lifeline), leave), daemon=True).start()


def _outlive_nobody(lifeline: int, leave: Callable[[int], object]) -> None:
    if sys.platform == "win32":  # which hands down no descriptors
        import _winapi

        synchronize = 0x00100000
        _winapi.WaitForSingleObject(_winapi.OpenProcess(synchronize, False, os.getppid()), _winapi.INFINITE)
        leave(1)
    else:
        os.read(lifeline, 1)  # nothing is ever written: it returns when the other end is closed
        os.killpg(0, signal.SIGKILL)


def _send(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the process and, on POSIX, to those that it started."""
    act: Callable[[], None] = child.kill if number == signal.SIGKILL else child.terminate
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
    elif child.poll() is None:
        act()
