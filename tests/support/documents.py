"""Reads the README and docs/. Run as a module, it updates what they show of the tool's output, and their pictures.

A comment above a fenced block says what the block is:

    <!-- file: NAME -->              a file of that name, for the commands below it
    <!-- output of: COMMAND -->      what the command prints on standard output
    <!-- messages of: COMMAND -->    what the command prints on standard error; seconds may differ
"""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.command import ROOT, lint
from transfer_lint.rules import RULES

_FENCE = re.compile(r"(?P<fence>`{3,})(?P<language>\w*)")
_MARK = re.compile(r"<!-- (?P<kind>[a-z ]+)(?:: (?P<argument>.+))? -->")
TABLE_ROW = re.compile(r"^\| \[TL\d+\].*\n", re.MULTILINE)
"""A row of the README's table of rules."""

_SECONDS = re.compile(r"[0-9]+\.[0-9]+ s(?=[),]|$)", re.MULTILINE)
_TORCH = re.compile(r"torch [0-9][\w.+]*")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    kind, argument: of the comment above it, "" without one. start, stop: the 0-based first line of its text, and the
    line after its last.
    """

    kind: str
    argument: str
    language: str
    text: str
    start: int
    stop: int


def read(name: str) -> str:
    """The text of a document of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a document, in order."""
    lines = text.splitlines(keepends=True)
    number = 0
    while number < len(lines):
        opening = _FENCE.fullmatch(lines[number].rstrip())
        if opening is None:
            number += 1
            continue
        stop = next(i for i in range(number + 1, len(lines)) if lines[i].rstrip() == opening["fence"])
        mark = _MARK.fullmatch(lines[number - 1].rstrip())
        kind, argument = (mark["kind"], mark["argument"] or "") if mark else ("", "")
        yield Block(kind, argument, opening["language"], "".join(lines[number + 1 : stop]), number + 1, stop)
        number = stop + 1


def prose(text: str) -> str:
    """A document without its fenced blocks."""
    lines = text.splitlines(keepends=True)
    for block in blocks(text):
        lines[block.start - 1 : block.stop + 1] = [""] * (block.stop + 1 - (block.start - 1))
    return "".join(lines)


def stage(text: str, folder: Path) -> None:
    """Put into `folder` what the commands of a document need: the document's files, and the node pack."""
    shutil.copytree(ROOT / "fixtures", folder / "fixtures", ignore=shutil.ignore_patterns("__pycache__"))
    for block in blocks(text):
        if block.kind == "file":
            (folder / block.argument).parent.mkdir(exist_ok=True)
            (folder / block.argument).write_text(block.text, encoding="utf-8")


def printed(block: Block, folder: Path) -> str:
    """What the block's command prints in `folder`, without blank lines at the end."""
    tool, *arguments = shlex.split(block.argument)
    assert tool == "transfer-lint"
    ran = lint(*arguments, cwd=folder, hints=False)
    return (ran.out if block.kind == "output of" else ran.err).rstrip("\n") + "\n"


def comparable(text: str) -> str:
    """The text without what differs from run to run, and without blank lines at the end."""
    return _TORCH.sub("torch ...", _SECONDS.sub("... s", text)).rstrip("\n") + "\n"


def rule_rows() -> list[str]:
    """The README's table of rules, row by row."""
    return [
        f"| [{code}]({rule.page.relative_to(ROOT).as_posix()}) | {rule.name} | {rule.summary} | {rule.fix or '-'} | "
        f"{rule.safety.value if rule.safety else '-'} |\n"
        for code, rule in RULES.items()
    ]


MEASURED = re.compile(r"(?<=<!-- measured -->\n).*?(?=<!-- end of measured -->)", re.DOTALL)
"""The part of the README that shows a result of benchmarks/instantid.py."""

RESULTS = ROOT / "benchmarks" / "results"


def measured() -> str:
    """The result that the README shows: one of a GPU if there is one, else that of the machine first by name.

    The pages `gpu-CARD.md` are what benchmarks/gpu.py says of all its parts.
    """
    found = sorted(RESULTS.glob("[!g]*.md"), key=lambda path: (path.name.startswith("cpu"), path.name))
    return f"\n{found[0].read_text(encoding='utf-8').strip()}\n\n"


def refresh(name: str) -> None:
    """Update a document: what its commands print, its table of rules, and what was measured."""
    text = read(name)
    lines = text.splitlines(keepends=True)
    with tempfile.TemporaryDirectory() as folder:
        stage(text, Path(folder))
        for block in reversed([block for block in blocks(text) if block.kind in ("output of", "messages of")]):
            now = printed(block, Path(folder))
            if comparable(now) != comparable(block.text):
                lines[block.start : block.stop] = [now]
    new = "".join(lines)
    rows = "".join(TABLE_ROW.findall(new))
    new = new.replace(rows, "".join(rule_rows())) if rows else new
    if RESULTS.exists():
        new = MEASURED.sub(lambda _: measured(), new)
    (ROOT / name).write_text(new, encoding="utf-8")


if __name__ == "__main__":
    for document in ("README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))):
        refresh(document)
    runpy.run_path(str(ROOT / "scripts" / "make_pictures.py"))["main"]()
