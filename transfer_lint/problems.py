"""Problems: things that the tool could not do, each with a path, what is wrong with it, and how to fix that."""

from __future__ import annotations

import os
import platform


class Problem(Exception):
    """Something that the tool could not do: a path, what is wrong with it, and how to fix that.

    Raised where it occurs; collected and printed where a problem with one file must not stop the others.

    Attributes:
        path: Of the file, as shown to the user.
        what: What is wrong with it.
        mend: How to fix that, an imperative sentence without a full stop; "" if there is no way.
    """

    def __init__(self, path: str, what: str, mend: str = "") -> None:
        super().__init__(path, what, mend)  # all arguments, because it is pickled between processes
        self.path = path
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.path}: {self.what}" + (f"; {self.mend}" if self.mend else "")


def failure(path: str, error: Exception) -> Problem:
    """A failure of the tool itself, as a Problem. With TRANSFER_LINT_DEBUG=1 its traceback is printed too."""
    if isinstance(error, MemoryError):
        return Problem(path, "needs more memory than there is", "give it more (ulimit -v), or exclude it")
    if os.environ.get("TRANSFER_LINT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    what = f"the tool failed on it ({type(error).__name__}: {error})"
    return Problem(path, what, "report this as a bug; TRANSFER_LINT_DEBUG=1 shows where")


def unparsable_as(error: SyntaxError) -> str:
    """The message that a text does not parse, with the Python version that was used and the reason."""
    return f"does not parse as Python {platform.python_version()}: {error.msg}"
