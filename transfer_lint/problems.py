"""Problems: things that the tool could not do, each with a path, what is wrong with it, and how to fix that."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable

_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})(?:[ \t].*)?\r?$", re.MULTILINE)


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


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that is most like one that is not known; None if none is.

    cutoff: how alike they must be, from 0 to 1, as `difflib.get_close_matches` counts it.
    """
    import difflib  # imported where something is wrong

    return next(iter(difflib.get_close_matches(name, list(known), 1, cutoff)), None)


def failure(path: str, error: Exception) -> Problem:
    """A failure of the tool itself, as a Problem. With TRANSFER_LINT_DEBUG=1 its traceback is printed too."""
    if isinstance(error, MemoryError):
        return Problem(path, "needs more memory than there is", "give it more (ulimit -v), or exclude it")
    if os.environ.get("TRANSFER_LINT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    what = f"the tool failed on it ({type(error).__name__}: {error})"
    return Problem(path, what, "report this as a bug; TRANSFER_LINT_DEBUG=1 shows where")


def unparsable_as(error: SyntaxError, text: str) -> tuple[str, int]:
    """Why a text does not parse, with the Python version that was used and the reason; and the line, from 1."""
    if (conflict := merge_conflict(text)) is not None:
        return "does not parse: a merge conflict begins here that is not resolved", conflict
    return f"does not parse as Python {platform.python_version()}: {error.msg}", error.lineno or 1


def merge_conflict(text: str) -> int | None:
    """The first line of a merge conflict, from 1; None if the text holds none."""
    marks = [(match[1], text.count("\n", 0, match.start()) + 1) for match in _CONFLICT.finditer(text)]
    begun = [number for mark, number in marks if mark == "<<<<<<<"]
    return begun[0] if len({mark for mark, _ in marks}) == 3 else None


def install_command(extra: str) -> str:
    """The command that installs the tool with an extra, from where it is: an index, a repository or a folder."""
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import urlparse
    from urllib.request import url2pathname

    try:
        origin = json.loads(distribution("transfer-lint").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        origin = {}
    url = str(origin.get("url", ""))
    if (vcs := origin.get("vcs_info")) and url:
        return f"pip install 'transfer-lint[{extra}] @ {vcs['vcs']}+{url}@{vcs['commit_id']}'"
    if url.startswith("file:"):
        editable = "-e " if origin.get("dir_info", {}).get("editable") else ""
        return f"pip install {editable}'{url2pathname(urlparse(url).path)}[{extra}]'"
    return f"pip install 'transfer-lint[{extra}]'"
