"""What the tool could not do: a path, what is wrong with it, and what mends it."""

from __future__ import annotations

import os
import platform


class Problem(Exception):
    """Something that the tool could not do: a path, what is wrong with it, and what mends it.

    Raised where it is met, kept and printed where one file's trouble must not stop the others.

    path: as shown to the user. mend: an imperative sentence without its full stop, "" where there is none.
    """

    def __init__(self, path: str, what: str, mend: str = "") -> None:
        super().__init__(path, what, mend)  # all arguments: it crosses process borders
        self.path = path
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.path}: {self.what}" + (f"; {self.mend}" if self.mend else "")


def failure(path: str, error: Exception) -> Problem:
    """A failure of the tool itself, told like any other problem. TRANSFER_LINT_DEBUG=1 also prints its traceback."""
    if os.environ.get("TRANSFER_LINT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    what = f"the tool failed on it ({type(error).__name__}: {error})"
    return Problem(path, what, "report this as a bug; TRANSFER_LINT_DEBUG=1 shows where")


def unparsable_as(error: SyntaxError) -> str:
    """That a text does not parse, with which Python it was tried, and why."""
    return f"does not parse as Python {platform.python_version()}: {error.msg}"
