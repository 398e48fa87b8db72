"""Diffs for people and for `git apply`."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator

import click

from transfer_lint.report import View, colours
from transfer_lint.report.terminal import printed


def diff(path: str, before: str, after: str) -> Iterator[str]:
    """A unified diff that `git apply` and `patch -p1` accept, as lines with line ends."""
    from transfer_lint.files.text import lines_of

    name = path.lstrip("/")
    lines = difflib.unified_diff(lines_of(before), lines_of(after), _quoted(f"a/{name}"), _quoted(f"b/{name}"), n=3)
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _quoted(name: str) -> str:
    """A name as git writes it: one with characters that end or command a line in quotes, with escapes."""
    if name.isprintable() and not set(name) & {'"', "\\"}:
        return name
    data = name.encode("utf-8", "surrogateescape")
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03o}" for b in data) + '"'


def show(path: str, before: str, after: str, view: View) -> None:
    """Print a diff: on a terminal in colours, with what is not seen escaped; elsewhere as it is, for `git apply`."""
    terminal = sys.stdout.isatty()
    for line in diff(path, before, after):
        text = printed(_coloured(line.removesuffix("\n"), view), commands=True) + "\n" if terminal else line
        click.echo(text, nl=False, color=True)  # else click would leave out what is a style in the source


def _coloured(line: str, view: View) -> str:
    if line.startswith(("---", "+++")):
        return view.style(line, bold=True)
    colour = {"+": colours.GOOD, "-": colours.BAD, "@": colours.HINT}.get(line[:1])
    return view.style(line, fg=colour) if colour else line
