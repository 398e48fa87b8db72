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

    A warning during a hook marks the event that this hook records. Any other warning becomes an event of its own.
    real: the devices are not simulated, so torch can warn.
    """

    def __init__(self, recorder: Recorder, *, real: bool) -> None:
        self._recorder = recorder
        self._real = real
        self._inside = threading.local()
        self._mode_before: Any = None
        self._stack = ExitStack()

    @contextmanager
    def inside(self) -> Iterator[list[None]]:
        """Context around an operator whose wait a hook records. Gives a list that torch's warnings make non-empty."""
        flags: list[None] = []
        self._inside.flags = flags
        try:
            yield flags
        finally:
            self._inside.flags = None

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
        self.arm()
        with warnings.catch_warnings():
            warnings.filterwarnings("always", message=_MESSAGE)
            shown = warnings.showwarning
            warnings.showwarning = self._catch(shown)
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
            flags = getattr(self._inside, "flags", None)
            if flags is not None:
                flags.append(None)
                return
            device = f"cuda:{torch.cuda.current_device()}"
            self._recorder.sync(device, "seen by set_sync_debug_mode", flagged=True)

        return show

    @contextmanager
    def _asked(self, owner: Any, name: str) -> Iterator[None]:
        """Context that records the calls of a function made to wait. set_sync_debug_mode does not warn of these."""
        original = getattr(owner, name)

        def wait(*args: Any, **kwargs: Any) -> Any:
            begin = time.perf_counter()
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
