"""Runs a program in a process of its own, because it may do anything: exit, hang, crash, print what it likes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

from transfer_lint.evidence.job import Job
from transfer_lint.evidence.model import Ending

GRACE = 5.0
"""Seconds between asking a process to stop and stopping it."""

TIMEOUT_CODE = 124
"""The exit status for a program that ran out of time, as of timeout(1)."""


def launch(worker: str, job: Job, timeout: float | None, output: int | None = None) -> Ending | None:
    """Run `python -m WORKER` on a job. The program's output goes to standard error, or to the file descriptor.

    Returns how it ended if it could not say so itself: it ran out of time or was killed. None otherwise.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", worker, job.to_json()],
        stdin=subprocess.DEVNULL if job.program else None,
        stdout=2 if output is None else output,
        stderr=output,
        start_new_session=os.name == "posix",
    )
    try:
        code = child.wait(timeout)
    except subprocess.TimeoutExpired:
        _stop(child, signal.SIGTERM)
        return Ending("timeout", TIMEOUT_CODE, f"did not end within {timeout:g} seconds (--timeout)")
    except BaseException:  # an interrupt from the keyboard
        _stop(child, signal.SIGINT)
        raise
    _send(child, signal.SIGKILL)  # children that it left behind
    if code < 0:
        name = signal.Signals(-code).name if -code in {each.value for each in signal.Signals} else str(-code)
        return Ending("killed", 128 - code, f"was killed by {name}")
    return None


def _stop(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    _send(child, number)
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE)
    _send(child, signal.SIGKILL)
    child.wait()


def _send(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the process and, where processes have groups, to those that it started."""
    act: Callable[[], None] = child.kill if number == signal.SIGKILL else child.terminate
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
    elif child.poll() is None:
        act()
