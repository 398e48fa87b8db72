"""Lines as they are printed: the only styles and commands in them are the tool's own.

What a linted file is called, or holds, can neither command a terminal nor, in the log of a CI run, the runner.
"""

from __future__ import annotations

import os
import re

from transfer_lint.visible import visible

_MARK = f"\x1b{os.urandom(8).hex()}"
"""Stands for the ESC of the tool's own styles until a line is printed. Nobody can have written it before."""
STYLE = re.compile(f"{_MARK}(\\[[0-9;]*m|\\]8;;[!-~]*\\a)")
"""The beginning or end of a style or link of the tool's own."""
_ADDRESS = re.compile(r"[a-z]+://[!-~]+")
_COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#\w*\[)")
"""Where runners see a command: GitHub `::name::` at the start of a line, and, as others do, `##[name]` anywhere."""


def styled(text: str, **how: object) -> str:
    """`text` in a style, as click.style has them."""
    import click  # imported late: most lines have no style

    start = click.style("", reset=False, **how)  # type: ignore[arg-type]
    return start.replace("\x1b", _MARK) + text + _MARK + "[0m"


def linked(text: str, address: str) -> str:
    """`text` as a link (OSC 8). address: ASCII without blanks, as `Path.as_uri` gives it, else there is no link."""
    if not _ADDRESS.fullmatch(address):
        return text
    return f"{_MARK}]8;;{address}\a{text}{_MARK}]8;;\a"


def unstyled(text: str) -> str:
    """`text` as it is printed, without its styles and links."""
    return printed(STYLE.sub("", text))


def printed(line: str, *, commands: bool = False) -> str:
    """One line as it is printed.

    commands: the line is a command for the runner, and holds nothing that is not encoded for that.
    """
    if line.isprintable() and ":" not in line and "#" not in line:
        return line
    parts = STYLE.split(line)  # text, style, text, style, ..., text
    parts[1::2] = [f"\x1b{style}" for style in parts[1::2]]
    seen = (visible(part, keep="\t") for part in parts[::2])
    parts[::2] = seen if commands else (_COMMAND.sub(_inert, part) for part in seen)
    return "".join(parts)


def document(text: str) -> str:
    """A part of a document (HTML, JSON, a drawing) as it is printed: its line ends are its own."""
    return visible(text, keep="\t\n")


def _inert(found: re.Match[str]) -> str:
    return f"{found[1]}\\x3a" if found[1] is not None else "\\x23"
