"""Records the waits that only `torch.cuda.set_sync_debug_mode` sees, and the waits that a program asks for."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from transfer_lint.tracing.recorder import Recorder

_MESSAGE = "called a synchronizing CUDA operation"


_silent = threading.local()


@contextmanager
def unheard() -> Iterator[None]:
    """Context in which waits that this thread asks for are not recorded, because they are the tool's own."""
    _silent.now = True
    try:
        yield
    finally:
        _silent.now = False


class SyncDebug:
    """Turns torch's warnings of synchronising operations into events, and records explicit synchronisations.

    torch hands a warning out only when the outermost call returns, too late to tell which wait it was for. So torch is
    kept from warning while a wait is recorded already; any warning becomes an event of its own.
    real: the devices are not simulated, so torch can warn.
    """

    def __init__(self, recorder: Recorder, *, real: bool) -> None:
        self._recorder = recorder
        self._real = real
        self._mode_before: Any = None
        self._recorded = 0  # calls, of all threads, whose waits are recorded already
        self._lock = threading.Lock()
        self._stack = ExitStack()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Context around a call whose wait is recorded otherwise: torch, in all threads, does not warn."""
        if self._mode_before is None:
            yield
            return
        with self._lock:
            if not self._recorded:
                torch.cuda.set_sync_debug_mode("default")
            self._recorded += 1
        try:
            yield
        finally:
            with self._lock:
                self._recorded -= 1
                if not self._recorded:
                    torch.cuda.set_sync_debug_mode("warn")

    def __enter__(self) -> SyncDebug:
        if self._real:
            self._stack.enter_context(self._warnings())
        for owner, name in (
            (torch.cuda, "synchronize"),
            (torch.cuda.Event, "synchronize"),
            (torch.cuda.Stream, "synchronize"),
        ):
            self._stack.enter_context(self._asked(owner, name))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def arm(self) -> None:
        """Switch torch's warnings on if the program has initialised CUDA. Earlier, this would initialise it."""
        if self._real and self._mode_before is None and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            self._mode_before = torch.cuda.get_sync_debug_mode()
            torch.cuda.set_sync_debug_mode("warn")

    @contextmanager
    def _warnings(self) -> Iterator[None]:
        with warnings.catch_warnings():
            warnings.filterwarnings("always", message=_MESSAGE)
            warnings.filterwarnings("ignore", message="Synchronization debug mode is a prototype")
            shown = warnings.showwarning
            warnings.showwarning = self._catch(shown)
            self.arm()
            try:
                yield
            finally:
                if self._mode_before is not None:
                    torch.cuda.set_sync_debug_mode(self._mode_before)
                    self._mode_before = None

    def _catch(self, shown: Callable[..., None]) -> Callable[..., None]:
        def show(message: Any, *args: Any, **kwargs: Any) -> None:
            if _MESSAGE not in str(message):
                shown(message, *args, **kwargs)
                return
            device = f"cuda:{torch.cuda.current_device()}"
            self._recorder.sync(device, "seen by set_sync_debug_mode", flagged=True)

        return show

    @contextmanager
    def _asked(self, owner: Any, name: str) -> Iterator[None]:
        """Context that records the calls of a function made to wait."""
        original = getattr(owner, name)

        def wait(*args: Any, **kwargs: Any) -> Any:
            begin = time.perf_counter()
            with self.silent():  # torch warns of the wait for a stream
                result = original(*args, **kwargs)
            seconds = time.perf_counter() - begin
            if not getattr(_silent, "now", False):
                self._recorder.sync("cuda", name, seconds if self._real else None)
            return result

        own = name in vars(owner)
        setattr(owner, name, wait)
        try:
            yield
        finally:
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)
