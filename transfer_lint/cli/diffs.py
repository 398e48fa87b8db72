"""Diffs for people and for `git apply`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from transfer_lint.report import View


def diff(path: str, before: str, after: str) -> Iterator[str]:
    """A unified diff that `git apply` and `patch -p1` accept, as lines with line ends."""
    from transfer_lint.files.text import lines_of

    name = path.lstrip("/")
    lines = difflib.unified_diff(lines_of(before), lines_of(after), f"a/{name}", f"b/{name}", n=3)
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def coloured(line: str, view: View) -> str:
    """A line of a diff in its colour."""
    if line.startswith(("---", "+++")):
        return view.style(line, bold=True)
    colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[0])
    return view.style(line, fg=colour) if colour else line
