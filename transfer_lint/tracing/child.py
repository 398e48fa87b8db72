"""For the worker process that runs a program: says how the program ended, and writes the result file in time."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from transfer_lint.evidence.launch import TIMEOUT_CODE
from transfer_lint.evidence.model import Ending
from transfer_lint.tracing import stack
from transfer_lint.tracing.comfyui_host import WorkflowFailed
from transfer_lint.tracing.machine import active
from transfer_lint.tracing.scenario import Refused

INTERVAL = 0.5
"""Shortest pause between two snapshots, in seconds. It grows so that snapshots take at most a twentieth of the time."""


class OutOfTime(BaseException):
    """The parent process asks this process to end."""


def ending_of(error: BaseException) -> Ending:
    """How the program ended, given the exception that it did not catch."""
    if isinstance(error, SystemExit):
        if error.code is None or isinstance(error.code, int):
            return Ending("exited", int(error.code or 0))
        return Ending("exited", 1, str(error.code))
    if isinstance(error, OutOfTime):
        return Ending("timeout", TIMEOUT_CODE, "ran out of time")
    if isinstance(error, KeyboardInterrupt):
        return Ending("raised", 130, "was interrupted")
    if isinstance(error, Refused):
        return Ending("refused", 2, str(error))
    if isinstance(error, WorkflowFailed):
        return Ending("raised", 1, str(error))
    return Ending("raised", 1, _message_of(error), tuple(_places(error)))


def _message_of(error: BaseException) -> str:
    text = "".join(traceback.format_exception_only(type(error), error)).strip()
    if "Traceback (most recent call last)" in text:  # of a worker process: what it raised is the last line
        first, *_, last = text.splitlines()
        text = f"{first}\n{last}"
    hint = _hint(error)
    return f"{text}\n{hint}" if hint else text


_HINTS = {
    "out of memory": "the device has too little memory for it: make the scenario smaller, or --simulate cuda",
    r"\d of \d+ simulated": "it asks for a device that is not simulated: --devices says how many there are",
    "invalid device ordinal": "it asks for a device that is not here: --simulate cuda --devices 2 stands in for two",
    "doesn't have NCCL": "NCCL joins real devices: in the simulation the backend gloo works, on host tensors",
    "CUDA_HOME|nvcc|Triton": "it builds kernels of its own: these need a real device",
}
"""Words of an error -> what to do. The first that fits counts."""

_NO_DEVICE = re.compile("not compiled with CUDA|no NVIDIA driver|No CUDA GPUs|support for cuda|register PrivateUse1")


def _hint(error: BaseException) -> str:
    text = str(error)
    if type(error).__name__ == "OutOfMemoryError":
        text = "out of memory"
    for words, hint in _HINTS.items():
        if re.search(words, text):
            return hint
    if _NO_DEVICE.search(text):
        if active() is not None:
            return "a process that the program starts has no simulated device: it takes part in its own process only"
        return "there is no GPU here: --simulate cuda stands in for one"
    if isinstance(error, ModuleNotFoundError):
        return "it is run by the Python that transfer-lint is installed for: install what it needs there"
    return ""


def _places(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__):
        if not stack.hidden(frame.filename):
            yield f"{frame.filename}:{frame.lineno} in {frame.name}"


class Output:
    """The result file. It is replaced as a whole: at intervals, at the end, and when the program calls `os._exit`.

    snapshot: a function that makes the file's text. Its argument says how the program ended; None while it runs.
    forks: how often the program has forked.
    """

    def __init__(self, path: str, snapshot: Callable[[Ending | None], str]) -> None:
        self._path = path
        self._snapshot = snapshot
        self._process = os.getpid()
        self._done = threading.Event()
        self._lock = threading.Lock()
        self.forks = 0

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Context to run the program in: writes snapshots, and handles `os._exit`, SIGTERM and forks."""
        os.register_at_fork(after_in_parent=self._count_fork)
        leave = os._exit

        def exit_now(status: int) -> NoReturn:
            if os.getpid() == self._process:
                self.finish(Ending("exited", status))
            leave(status)

        os._exit = exit_now
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _raise_out_of_time)
        self.write(None)
        threading.Thread(target=self._keep_writing, daemon=True, name="transfer-lint snapshots").start()
        try:
            yield
        finally:
            if os.getpid() != self._process:
                leave(0)  # this is a forked child of the program: it must not go on as the worker
            os._exit = leave

    def finish(self, ending: Ending) -> None:
        """Write the final result. No snapshot follows."""
        self._done.set()
        self.write(ending)

    def write(self, ending: Ending | None) -> None:
        """Replace the file with what is known now. Does nothing in a forked child process."""
        if os.getpid() != self._process:
            return
        with self._lock:
            if ending is None and self._done.is_set():
                return
            text = self._snapshot(ending)
            temporary = f"{self._path}.part"
            with open(temporary, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(temporary, self._path)

    def _keep_writing(self) -> None:
        wait = INTERVAL
        while not self._done.wait(wait):
            begin = time.perf_counter()
            with contextlib.suppress(RuntimeError):  # a container grew while it was read: wait for the next snapshot
                self.write(None)
            wait = max(INTERVAL, 20 * (time.perf_counter() - begin))

    def _count_fork(self) -> None:
        self.forks += 1


def join_threads() -> None:
    """Wait for all other threads that are not daemons, as Python does at exit."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


def _raise_out_of_time(number: int, frame: Any) -> NoReturn:
    raise OutOfTime
