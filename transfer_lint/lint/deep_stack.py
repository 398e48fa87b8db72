"""Calls with a stack large enough for deeply nested source, because parsers and visitors recurse into it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

STACK_BYTES = 256 * 1024 * 1024
RECURSION_LIMIT = 20_000

Result = TypeVar("Result")


def deep(function: Callable[..., Result], *arguments: object) -> Result:
    """Call `function(*arguments)` in a new thread with a stack of STACK_BYTES. Raises what the function raises."""
    outcome: list[Result] = []
    raised: list[BaseException] = []

    def call() -> None:
        try:
            outcome.append(function(*arguments))
        except BaseException as error:
            raised.append(error)

    limit = sys.getrecursionlimit()
    size = threading.stack_size(STACK_BYTES)
    try:
        sys.setrecursionlimit(max(limit, RECURSION_LIMIT))
        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        threading.stack_size(size)
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    if raised:
        raise raised[0]
    return outcome[0]
