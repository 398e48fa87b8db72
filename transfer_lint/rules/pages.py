"""A rule's page: its documentation, with examples that are also its tests.

Every example is an HTML comment, a fenced python block and, if the fix changes that, a second block:

    <!-- example: NAME; unsafe; OPTION: VALUE; run: EXPRESSION -->    reported, and fixed as the second block says
    <!-- silent: NAME; run: EXPRESSION -->                            nothing is reported; one block

A reported line of the first block ends in a mark, `# TL102` (`# TL102 TL102` for two findings). A mark may say how
severe a finding is: `# TL102 hint`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

SECTIONS = (
    "What it does",
    "Why is this bad?",
    "Example",
    "Fix safety",
    "What it saves",
    "Options",
    "Left alone",
    "Known false and missed alarms",
)
"""A page's headings, in order; `Example` may come more than once."""

OPTIONS = ("module-guard", "analysis-budget")
"""Rule options that an example may set."""

_TITLE = re.compile(r"# (?P<name>[a-z0-9-]+) \((?P<code>[A-Z]{2,}[0-9]{3})\)")
_HEADER = re.compile(r"<!--\s*(?P<kind>example|silent):\s*(?P<rest>.*?)\s*-->")
_ANY_HEADER = re.compile(r"<!--\s*(example|silent)\b")
_FENCE = re.compile(r"```(?P<language>\w*)\s*")
_MARK = re.compile(r"[ \t]*#(?P<marks>(?: [A-Z]{2,}[0-9]{3}(?: (?:hint|warning|error))?)+)[ \t]*$")
_MARKED = re.compile(r"(?P<code>[A-Z]+[0-9]+)(?: (?P<severity>[a-z]+))?")


class PageError(ValueError):
    """A page that does not have the form above. path, line: where; line is 1-based. what: what is wrong."""

    def __init__(self, path: str, line: int, what: str) -> None:
        super().__init__(f"{path}:{line}: {what}")
        self.path = path
        self.line = line
        self.what = what


@dataclass(frozen=True)
class Example:
    """One example of a page.

    before: the source without its marks. after: the fixed source; None if the fix changes nothing.
    marks: (1-based line of `before`, code) of each finding, in order. severities: that of the marks that say it.
    run: the expression that executes the example; None if it is not executed.
    unsafe: unsafe fixes are allowed. silent: nothing is reported. line: the page's line where the example begins.
    """

    name: str
    before: str
    after: str | None
    marks: tuple[tuple[int, str], ...]
    run: str | None
    unsafe: bool
    silent: bool
    options: Mapping[str, str]
    line: int
    severities: Mapping[tuple[int, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A parsed page. sections: (heading, text) in order, as written. text: the whole page, as written."""

    path: str
    title: str
    code: str
    name: str
    sections: tuple[tuple[str, str], ...]
    examples: tuple[Example, ...]
    text: str


def read_page(path: Path | str) -> Page:
    """Read and parse a rule's page. Raises PageError if it does not have the form, OSError if it cannot be read."""
    return parse_page(Path(path).read_text(encoding="utf-8"), str(path))


def parse_page(text: str, path: str) -> Page:
    """Parse a page's text; `path` is for errors. Raises PageError."""
    lines = text.splitlines()
    title = _TITLE.fullmatch(lines[0]) if lines else None
    if title is None:
        raise PageError(path, 1, "the first line must be `# rule-name (TL000)`")
    return Page(
        path=path,
        title=lines[0].removeprefix("# "),
        code=title["code"],
        name=title["name"],
        sections=tuple(_sections(lines)),
        examples=tuple(_examples(lines, path)),
        text=text,
    )


def _sections(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    heads = [number for number, line in _prose(lines) if line.startswith("## ")]
    for start, end in pairwise([*heads, len(lines)]):
        yield lines[start].removeprefix("## ").strip(), "\n".join(lines[start + 1 : end]).strip("\n")


def _prose(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The lines outside fenced blocks, with their 0-based numbers."""
    inside = False
    for number, line in enumerate(lines):
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            yield number, line


def _examples(lines: Sequence[str], path: str) -> Iterator[Example]:
    heads = [number for number, line in _prose(lines) if _ANY_HEADER.match(line)]
    stops = [number for number, line in _prose(lines) if line.startswith("## ")]
    names: set[str] = set()
    for head, following in pairwise([*heads, len(lines)]):
        end = min([following, *(stop for stop in stops if stop > head)])
        example = _example(lines, head, end, path)
        if example.name in names:
            raise PageError(path, head + 1, f"a second example is called {example.name!r}")
        names.add(example.name)
        yield example


def _example(lines: Sequence[str], head: int, end: int, path: str) -> Example:
    header = _HEADER.fullmatch(lines[head].strip())
    if header is None:
        raise PageError(path, head + 1, "an example's comment must be one line: `<!-- example: NAME; run: ... -->`")
    silent = header["kind"] == "silent"
    name, unsafe, options, run = _settings(header["rest"], path, head + 1)
    blocks = list(_blocks(lines, head + 1, end, path))
    if not blocks:
        raise PageError(path, head + 1, f"example {name!r} has no ```python block")
    if len(blocks) > (1 if silent else 2):
        raise PageError(path, head + 1, f"example {name!r} has {len(blocks)} ```python blocks")
    before, marked = _unmark(blocks[0])
    marks = tuple((number, code) for number, code, _ in marked)
    if silent and marks:
        raise PageError(path, head + 1, f"example {name!r} is silent and has a mark on line {marks[0][0]}")
    if not silent and not marks:
        raise PageError(path, head + 1, f"example {name!r} marks no line: end reported lines in `# TL000`")
    if len(blocks) == 2 and run is None:
        raise PageError(path, head + 1, f"example {name!r} has no `run:`; only one without a fix can do without")
    after = "".join(line + "\n" for line in blocks[1]) if len(blocks) == 2 else None
    if after == before:
        raise PageError(path, head + 1, f"example {name!r} becomes what it was")
    said = {(number, code): severity for number, code, severity in marked if severity}
    return Example(name, before, after, marks, run, unsafe, silent, options, head + 1, said)


def _settings(text: str, path: str, line: int) -> tuple[str, bool, dict[str, str], str | None]:
    """The parts of `NAME; unsafe; OPTION: VALUE; run: EXPRESSION`. `run` is last: EXPRESSION may hold any character."""
    text, separator, expression = re.sub(r"(?:^|;)\s*run:", "\0", text, count=1).partition("\0")
    run = expression.strip() if separator else None
    if run is not None:
        try:
            compile(run, path, "eval")
        except SyntaxError as error:
            raise PageError(path, line, f"`run: {run}` is not an expression: {error.msg}") from None
    name, *settings = (part.strip() for part in text.split(";"))
    if not name or ":" in name:
        raise PageError(path, line, "an example's comment must begin with its name")
    options: dict[str, str] = {}
    unsafe = False
    for setting in settings:
        key, colon, value = (part.strip() for part in setting.partition(":"))
        if setting == "unsafe":
            unsafe = True
        elif colon and key in OPTIONS and value:
            options[key] = value
        else:
            known = ", ".join(["unsafe", *(f"{option}: VALUE" for option in OPTIONS), "run: EXPRESSION"])
            raise PageError(path, line, f"unknown setting {setting!r}; known: {known}")
    return name, unsafe, options, run


def _blocks(lines: Sequence[str], start: int, end: int, path: str) -> Iterator[list[str]]:
    """The contents of the ```python blocks between two lines."""
    number = start
    while number < end:
        fence = _FENCE.fullmatch(lines[number])
        if fence is None:
            number += 1
            continue
        close = next((later for later in range(number + 1, len(lines)) if lines[later].rstrip() == "```"), None)
        if close is None:
            raise PageError(path, number + 1, "this block is not closed")
        if fence["language"] == "python":
            yield list(lines[number + 1 : close])
        number = close + 1


def _unmark(lines: Sequence[str]) -> tuple[str, list[tuple[int, str, str | None]]]:
    """The source without its marks, and (line, code, severity) of each mark."""
    source = []
    marks = []
    for number, line in enumerate(lines, start=1):
        mark = _MARK.search(line)
        if mark is not None:
            marks += [(number, each["code"], each["severity"]) for each in _MARKED.finditer(mark["marks"])]
            line = line[: mark.start()]
        source.append(line + "\n")
    return "".join(source), marks


def plain(page: Page) -> str:
    """The page as Markdown without comments and marks, which are for tests only, and without double blank lines."""
    out: list[str] = []
    inside = False
    for line in page.text.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif inside:
            line = _MARK.sub("", line)
        elif line.lstrip().startswith("<!--"):
            continue
        if inside or line.strip() or (out and out[-1].strip()):
            out.append(line)
    return "\n".join(out).rstrip("\n") + "\n"


def render(page: Page, width: int = 80) -> str:
    """The page for a terminal: prose filled to `width` columns, code indented, comments and marks not shown."""
    out: list[str] = []
    paragraph: list[str] = []
    inside = False

    def end_paragraph(*, blank: bool = False) -> None:
        if paragraph:
            out.append(_fill(paragraph, width))
            paragraph.clear()
        if blank and out and out[-1]:
            out.append("")

    for line in page.text.splitlines():
        if line.startswith("```"):
            end_paragraph(blank=True)
            inside = not inside
        elif inside:
            out.append(("    " + _MARK.sub("", line)).rstrip())
        elif line.startswith("#"):
            end_paragraph(blank=True)
            level, _, heading = line.partition(" ")
            out += [heading, ("=" if level == "#" else "-") * len(heading)]
        elif not line.strip() or line.lstrip().startswith("<!--"):
            end_paragraph(blank=True)
        elif line.startswith("|"):
            end_paragraph()
            out.append(line)
        else:
            if line.lstrip().startswith(("- ", "* ")):
                end_paragraph()
            paragraph.append(line)
    end_paragraph()
    return "\n".join(out).strip("\n") + "\n"


def _fill(paragraph: Sequence[str], width: int) -> str:
    first = paragraph[0]
    bullet = re.match(r"\s*(?:[-*] )?", first)
    indent = bullet.group() if bullet is not None else ""
    text = " ".join([first[len(indent) :], *(line.strip() for line in paragraph[1:])])
    return textwrap.fill(
        text, max(width, 20), initial_indent=indent, subsequent_indent=" " * len(indent), break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
