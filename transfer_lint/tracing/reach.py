"""Records which lines of the program ran. From Python 3.12 on, a line costs time only when it first runs."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from transfer_lint.tracing import stack

_TOOLS = (4, 3, 5)
"""Tool identifiers of sys.monitoring to try, the one most likely to be free first. 3 and 4 are for any tool; 5 is meant
for optimisers."""


class Reach:
    """The lines that ran. lines: file -> 1-based line numbers; None if they are not recorded."""

    def __init__(self) -> None:
        self.lines: dict[str, set[int]] | None = None

    def take(self) -> dict[str, list[int]] | None:
        """As `as_lists`, those since the last call; a line is told once."""
        found = self.as_lists()
        if self.lines is not None:
            self.lines.clear()
        return found

    def as_lists(self) -> dict[str, list[int]] | None:
        """Absolute path -> sorted line numbers; None if they are not recorded."""
        if self.lines is None:
            return None
        return {os.path.abspath(file): sorted(lines) for file, lines in list(self.lines.items())}


@contextmanager
def reached(of_interest: Mapping[str, Collection[int]]) -> Iterator[Reach]:
    """Context that records which lines of user code run. Installed packages and torch are left out.

    of_interest: real path -> lines. Before Python 3.12 only these are recorded, because recording slows down the
    functions that they are in.
    """
    reach = Reach()
    if sys.version_info >= (3, 12):
        tool = next((tool for tool in _TOOLS if sys.monitoring.get_tool(tool) is None), None)
        if tool is not None:
            reach.lines = {}
            with _monitored(tool, reach.lines):
                yield reach
            return
    if of_interest and sys.gettrace() is None:
        reach.lines = {}
        with _traced(of_interest, reach.lines):
            yield reach
        return
    yield reach


if sys.version_info >= (3, 12):

    @contextmanager
    def _monitored(tool: int, found: dict[str, set[int]]) -> Iterator[None]:
        monitoring = sys.monitoring

        def line(code: CodeType, number: int) -> Any:
            file = code.co_filename
            if not (stack.hidden(file) or stack.is_library(file)):
                found.setdefault(file, set()).add(number)
            return monitoring.DISABLE

        monitoring.use_tool_id(tool, "transfer-lint")
        try:
            monitoring.register_callback(tool, monitoring.events.LINE, line)
            monitoring.restart_events()
            monitoring.set_events(tool, monitoring.events.LINE)
            yield
        finally:
            monitoring.set_events(tool, 0)
            monitoring.register_callback(tool, monitoring.events.LINE, None)
            monitoring.free_tool_id(tool)


@contextmanager
def _traced(of_interest: Mapping[str, Collection[int]], found: dict[str, set[int]]) -> Iterator[None]:
    wanted: dict[str, frozenset[int]] = {}
    left: dict[int, tuple[CodeType, set[int]]] = {}  # id of a code object -> its lines of interest that have not run

    def line(frame: FrameType, event: str, argument: object) -> Any:
        code, missing = left[id(frame.f_code)]
        if event == "line" and frame.f_lineno in missing:
            missing.discard(frame.f_lineno)
            found.setdefault(code.co_filename, set()).add(frame.f_lineno)
        return line if missing else None

    def call(frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        known = left.get(id(code))
        if known is None:
            file = code.co_filename
            if file not in wanted:
                wanted[file] = frozenset(of_interest.get(os.path.realpath(file), ()))
            lines = wanted[file] and wanted[file].intersection(number for _, _, number in code.co_lines())
            known = left[id(code)] = code, set(lines)  # it keeps the code object, and so its id
        return line if known[1] else None

    threading.settrace(call)
    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(None)
        threading.settrace(None)
