"""`transfer-lint explain`."""

from __future__ import annotations

import re
import shutil
import sys

import click

from transfer_lint.cli import common
from transfer_lint.report import View


@click.command("explain", short_help="Tell where a line's values live, and why.")
@click.argument("place", metavar="PATH:LINE[:COLUMN]")
def command(place: str) -> int:
    """Tell where every value of a line lives and why, and why a transfer there was or was not reported.

    \b
    transfer-lint explain nodes.py:325
    transfer-lint explain nodes.py:325:51
    """
    from transfer_lint.lint.explain import explain_place

    found = re.fullmatch(r"(.+?):(\d+)(?::(\d+))?", place)
    if not found or not int(found[2]) or found[3] == "0":
        raise click.BadParameter("write it as PATH:LINE or PATH:LINE:COLUMN, counted from 1", param_hint="PLACE")
    lines = explain_place(found[1], int(found[2]), int(found[3]) if found[3] else None)
    if sys.stdout.isatty():
        room = shutil.get_terminal_size().columns
        lines = [part for line in lines for part in _wrapped(line, room)]
    common.put(lines, View())
    return 0


def _wrapped(line: str, room: int) -> list[str]:
    """A line in lines that fit the terminal and keep its indentation."""
    from transfer_lint.report.lines import wrap

    text = line.lstrip(" ")
    indent = line[: len(line) - len(text)]
    return [indent + part for part in wrap(text, room - len(indent), "    ")]
