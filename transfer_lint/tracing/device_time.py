"""The time that copies take on the device, measured with CUDA events. Without CUDA nothing is measured."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from transfer_lint.evidence.model import Entry
from transfer_lint.tracing.recorder import Recorder
from transfer_lint.tracing.sync_debug import unheard

MAX_PENDING = 1024
_TIMED = (Tensor, torch.nn.Parameter)
"""Classes of tensors whose copies are timed: no wrapper, and none on a simulated device."""


class Span:
    """One copy, and the CUDA events before and after it: both None if the copy is not timed."""

    def __init__(self, before: Any = None, after: Any = None) -> None:
        self.before, self.after = before, after
        self.entry: Entry | None = None

    def belongs_to(self, entry: Entry) -> None:
        """Set the entry that the measured seconds are added to."""
        self.entry = entry


class DeviceTime:
    """Copies whose CUDA events have not been read yet.

    Events are read once they have completed, so the host does not wait for them. It waits only in `finish`, and when
    MAX_PENDING copies are unread.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._pending: deque[Span] = deque()

    @contextmanager
    def span(self, source: Tensor, args: Any, kwargs: Any) -> Iterator[Span]:
        """Context around one copy: times it on the current stream of its source device, else of its target device."""
        device = source.device if source.is_cuda else _target(args, kwargs)
        if device is None or device.type != "cuda" or all(type(source) is not each for each in _TIMED):
            yield Span()
            return
        if torch.cuda.is_current_stream_capturing():  # events captured in a CUDA graph have no times
            yield Span()
            return
        self._read(all_of_them=len(self._pending) >= MAX_PENDING)
        stream = torch.cuda.current_stream(device)
        before = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        before.record(stream)
        span = Span(before, torch.cuda.Event(enable_timing=True))  # type: ignore[no-untyped-call]
        yield span
        span.after.record(stream)
        self._pending.append(
            span
        )  # read with a later copy or at the end: it gets its entry when this context has ended

    def finish(self) -> None:
        """Read the remaining events. The host waits for them."""
        self._read(all_of_them=True)

    def _read(self, *, all_of_them: bool) -> None:
        while self._pending and (all_of_them or self._pending[0].after.query()):
            span = self._pending.popleft()
            with unheard():
                span.after.synchronize()
            if span.entry is not None:
                self._recorder.add_device_seconds(span.entry, span.before.elapsed_time(span.after) / 1000)


def _target(args: Any, kwargs: Any) -> torch.device | None:
    if kwargs.get("device") is not None:
        return torch.device(kwargs["device"])
    return args[0].device if args and isinstance(args[0], Tensor) else None
