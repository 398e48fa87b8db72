"""Limits in code: `with transfer_lint.expect(waits=0): ...` raises if more moves inside, and names the lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch

from transfer_lint.evidence.limits import counts_of, limits
from transfer_lint.report.limits_text import broken
from transfer_lint.tracing.hooks import Hooks, listen, running
from transfer_lint.tracing.machine import active
from transfer_lint.tracing.recorder import Recorder


class TransfersExceeded(AssertionError):
    """More moved than a program expects. The message names the lines: `path:line in function: 2 waits (item ...)`."""


class Moved:
    """What has moved since a block began; complete after its end.

    Attributes:
        measured: Whether there is a device, real or simulated: without one nothing can move, and all figures are 0.
    """

    def __init__(self, recorder: Recorder, measured: bool) -> None:
        self._recorder = recorder
        self.measured = measured

    @property
    def waits(self) -> int:
        """How often the host has waited for a device."""
        return counts_of(self._recorder.result()).waits

    @property
    def copies(self) -> int:
        """Copies between devices."""
        return counts_of(self._recorder.result()).copies

    @property
    def bytes(self) -> int:
        """Bytes of copies and host reads."""
        return counts_of(self._recorder.result()).bytes

    def over(self, allowed: Mapping[str, int]) -> str:
        """What is more than allowed, with the lines that did it; "" if nothing is. allowed: figure -> most."""
        return broken(self._recorder.result(), allowed)


def expect(
    *, waits: int | None = None, copies: int | None = None, bytes: int | str | None = None
) -> AbstractContextManager[Moved]:
    """Context in which no more may move than is said.

    It counts what all threads do, on a real device or on a simulated one; where there is none, nothing can move.

    Args:
        waits: How often the host may wait for a device, at most.
        copies: How many copies between devices there may be.
        bytes: How many bytes may be copied or read, as a number or as a text such as `"1 MiB"`.

    Returns:
        The context. It gives the figures so far: `waits`, `copies`, `bytes`.

    Raises:
        TransfersExceeded: An `AssertionError`, at the end of the block: more moved. It names the lines.
        TypeError: There is no such limit.
        ValueError: A limit is no number, or is negative.
    """
    return _Expectation(limits({"waits": waits, "copies": copies, "bytes": bytes}))


class _Expectation:
    def __init__(self, allowed: dict[str, int]) -> None:
        self._allowed = allowed
        self._entered: list[tuple[AbstractContextManager[Moved], Moved]] = []

    def __enter__(self) -> Moved:
        context = recording()
        self._entered.append((context, context.__enter__()))
        return self._entered[-1][1]

    def __exit__(self, *error: Any) -> None:
        __tracebackhide__ = True  # pytest shows the block instead
        context, moved = self._entered.pop()
        context.__exit__(*error)
        if error[0] is None and (text := moved.over(self._allowed)):
            raise TransfersExceeded(text)


@contextmanager
def recording() -> Iterator[Moved]:
    """Context whose events are recorded: as a part of the trace that is running, or else those of the real machine."""
    recorder = Recorder(by_order=True)
    moved = Moved(recorder, has_device())
    outer = running()
    if outer is not None:
        with outer.followed_by(recorder):
            yield moved
    elif moved.measured:
        with listen(Hooks(recorder, whole=True, limit=0)):
            yield moved
    else:
        yield moved


def has_device() -> bool:
    """Whether there is an accelerator, simulated or real."""
    real = getattr(torch, "accelerator", torch.cuda)  # before torch 2.6 there is no torch.accelerator
    return active() is not None or bool(real.is_available())
