"""Calls with a stack large enough for deeply nested source, because parsers and visitors recurse into it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

STACK_BYTES = 256 * 1024 * 1024
RECURSION_LIMIT = 20_000
"""For a stack of STACK_BYTES; for a smaller one it is proportionally lower."""

SMALLEST_STACK = 16 * 1024 * 1024
"""Where there is not even this much, the stack of the calling thread serves as well."""

_SHARE = 16  # of the address space that the process may use, a stack takes one part in this many

TICK = 0.1
"""Seconds between two looks at whether something that is waited for has ended."""

Result = TypeVar("Result")


def deep(function: Callable[..., Result], *arguments: object, meanwhile: Callable[[], None] = lambda: None) -> Result:
    """Call `function(*arguments)` in a new thread with a stack of STACK_BYTES. Raises what the function raises.

    Where there is too little memory for such a stack, it takes a smaller one, at the least that of this thread.

    meanwhile: called in this thread again and again while the function runs.
    """
    outcome: list[Result] = []
    raised: list[BaseException] = []

    def call() -> None:
        try:
            outcome.append(function(*arguments))
        except BaseException as error:
            raised.append(error)

    limit = sys.getrecursionlimit()
    try:
        stack, thread = _affordable(), None
        while stack >= SMALLEST_STACK and (thread := _started(call, stack, limit)) is None:
            stack //= 2
        if thread is None:
            return function(*arguments)
        thread.join(TICK)
        while thread.is_alive():
            meanwhile()
            thread.join(TICK)
    finally:
        sys.setrecursionlimit(limit)
    if raised:
        raise raised[0]
    return outcome[0]


def _affordable() -> int:
    """How large a stack may be so that enough is left for the work (`ulimit -v`)."""
    if sys.platform == "win32":
        return STACK_BYTES
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    stack = STACK_BYTES
    while most != resource.RLIM_INFINITY and stack > most // _SHARE:
        stack //= 2
    return stack


def _started(call: Callable[[], None], stack: int, limit: int) -> threading.Thread | None:
    """A running thread with a stack of that many bytes, and a recursion limit that fits it; None if it is too large."""
    before = threading.stack_size(stack)
    try:
        sys.setrecursionlimit(max(limit, RECURSION_LIMIT * stack // STACK_BYTES))
        thread = threading.Thread(target=call, daemon=True)
        thread.start()
    except (RuntimeError, MemoryError):
        return None
    finally:
        threading.stack_size(before)
    return thread
