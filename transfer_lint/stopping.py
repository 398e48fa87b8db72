"""Signals that end a run, Ctrl-C and SIGTERM: one line says so, files stay whole, and no process is left.

Imports little, so that a signal that comes while the rest is imported is told in one line as well.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # type checkers take it for that of typing, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Stopped(SystemExit):
    """A signal asks the run to end. Its exit code is 128 plus the signal's number.

    done: what to say besides, such as which files are written already.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number
        self.done = ""

    @property
    def line(self) -> str:
        """The one line that is said."""
        return "; ".join(filter(None, (_WORDS[signal.Signals(self.number)], self.done)))


def listen() -> None:
    """Have the signals raise `Stopped`. One that is ignored stays so, as in a job in the background."""
    for number in _WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def stopped() -> Stopped:
    """The `Stopped` of the signal that came last, for use where a library has turned it into something else."""
    return Stopped(_received)


_received: int = signal.SIGINT


def _stop(number: int, frame: FrameType | None) -> None:
    global _received
    _received = number
    for each in _WORDS:
        if signal.getsignal(each) is _stop:
            signal.signal(each, signal.SIG_DFL)  # a second signal ends the run without further ado
    raise Stopped(number)


class telling:
    """A context: if a signal ends the block, say also what `done` returns."""

    def __init__(self, done: Callable[[], str]) -> None:
        self._done = done

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, raised: object, traceback: object) -> None:
        if isinstance(raised, Stopped):
            raised.done = self._done()


def end(stop: Stopped) -> NoReturn:
    """Say that the run was stopped, and exit."""
    from transfer_lint.visible import visible  # imported late: this module is the first of all

    start = "\r" if os.isatty(2) else ""  # over the ^C that a terminal shows
    try:
        os.write(2, f"{start}{visible(stop.line)}\n".encode(errors="backslashreplace"))
    finally:  # also where it cannot be said
        raise stop
