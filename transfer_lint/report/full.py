"""For people: each finding with its message, a code frame and its evidence lines. Hints take one line each."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from transfer_lint.findings import Evidence, Finding, Severity
from transfer_lint.lint.outcome import Outcome
from transfer_lint.report import View
from transfer_lint.report.concise import COLOURS
from transfer_lint.report.concise import line as one_line
from transfer_lint.report.places import Places
from transfer_lint.visible import visible

MAX_FRAME_LINES = 6


@dataclass(frozen=True)
class _Glyphs:
    bar: str
    line: str
    middle: str
    last: str


_FANCY = _Glyphs("│", "━", "├╴", "╰╴")
_PLAIN = _Glyphs("|", "^", "|-", "`-")


def report(outcome: Outcome, view: View) -> Iterator[str]:
    """The lines of the report."""
    places = Places(outcome)
    after_block = True  # no blank lines between hints; one before and after a block
    for finding in outcome.findings:
        if finding.severity is Severity.HINT:
            yield one_line(finding, places, view)
            after_block = False
            continue
        if not after_block:
            yield ""
        yield from block(finding, places, view)
        yield ""
        after_block = True


def block(finding: Finding, places: Places, view: View) -> Iterator[str]:
    """One finding, with its code frame and its evidence lines."""
    glyphs = _FANCY if view.fancy else _PLAIN
    colour = COLOURS[finding.severity]
    at = places.at(finding.path, finding.line)
    place = view.style(f"{at}:{finding.column}", bold=True)
    yield f"{view.style(f'{finding.severity.value} {finding.code}', fg=colour, bold=True)} {finding.name}  {place}"
    margin = max(len(str(finding.end_line)) + 2, 6)
    yield from (" " * margin + part for part in _wrap(finding.message, view.width - margin))
    bar = view.style(glyphs.bar, dim=True)
    yield f"{'':{margin}}{bar}"
    yield from _frame(finding, places, view, margin, glyphs)
    yield f"{'':{margin}}{bar}"
    yield from _chain(finding.evidence, places, view, margin, glyphs)
    where = f", in {finding.function}" if finding.function else ""
    if not finding.about_lint:
        yield f"{_label('heat', view, margin)}runs {finding.heat.often}{where}"
    if finding.fix:
        how = f": only with {needed}" if (needed := view.missing(finding)) else ""
        yield f"{_label('fix', view, margin)}{finding.fix.title} ({finding.fix.safety.value}{how})"


def _label(text: str, view: View, margin: int) -> str:
    """A label in the margin, before the line that it belongs to."""
    return view.style(f"{text:>{margin - 2}}", dim=True) + "  "


def _frame(finding: Finding, places: Places, view: View, margin: int, glyphs: _Glyphs) -> Iterator[str]:
    """The code frame: the lines of the call, with the call underlined."""
    lines = places.lines(finding.path)
    first = places.at(finding.path, finding.line).line
    bar = view.style(glyphs.bar, dim=True)
    numbers = range(finding.line, min(finding.end_line, finding.line + MAX_FRAME_LINES - 1, len(lines)) + 1)
    shown = [lines[number - 1].rstrip("\r\n") for number in numbers]
    indent = min((len(text) - len(text.lstrip()) for text in shown if text.strip()), default=0)
    for number, text in zip(numbers, shown, strict=True):
        start = finding.column - 1 if number == finding.line else len(text) - len(text.lstrip())
        end = finding.end_column - 1 if number == finding.end_line else len(text.rstrip())
        before, marked, after = (_printable(part) for part in (text[indent:start], text[start:end], text[end:]))
        before, marked, after = _fit(before, marked, after, view.width - margin - 2)
        label = view.style(f"{number - finding.line + first:>{margin - 1}}", dim=True)
        yield f"{label} {bar} {before}{marked}{after}".rstrip()
        underline = view.style(glyphs.line * _width(marked), fg=COLOURS[finding.severity])
        yield f"{'':{margin}}{bar} {' ' * _width(before)}{underline}"
    if finding.end_line > finding.line + MAX_FRAME_LINES - 1:
        yield f"{'':{margin}}{bar} ..."


def _fit(before: str, marked: str, after: str, width: int) -> tuple[str, str, str]:
    """Shorten a long line at its ends, so that the marked part stays visible."""
    room = max(width, 40)
    if _width(marked) > room - 8:
        marked = marked[: room - 11] + "..."
    if _width(before) > room - _width(marked) - 4:
        before = "..." + before[-max(room - _width(marked) - 7, 1) :]
    rest = room - _width(before) - _width(marked)
    if _width(after) > rest:
        after = after[: max(rest - 3, 0)] + "..."
    return before, marked, after


def _chain(evidence: tuple[Evidence, ...], places: Places, view: View, margin: int, glyphs: _Glyphs) -> Iterator[str]:
    """The evidence lines, in the order of the proof, each with its place; places are padded to one width."""
    where = [_printable(str(places.at(fact.path, fact.line))) for fact in evidence]
    widest = min(max(map(_width, where), default=0), 40)
    for number, (fact, place) in enumerate(zip(evidence, where, strict=True)):
        glyph = view.style(glyphs.last if number == len(evidence) - 1 else glyphs.middle, dim=True)
        label = _label("why" if number == 0 else "", view, margin)
        parts = _wrap(fact.text, max(view.width - margin - widest - 6, 30))
        padded = view.style(place, fg="blue") + " " * (widest - _width(place))
        yield f"{label}{glyph} {padded}  {parts[0]}"
        tail = " " if number == len(evidence) - 1 else view.style(glyphs.bar, dim=True)
        for part in parts[1:]:
            yield f"{'':{margin}}{tail}  {'':{widest}}  {part}"


def _wrap(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(_printable(text), max(width, 30), break_long_words=False, break_on_hyphens=False) or [""]


def _printable(text: str) -> str:
    """`text` as it will be printed, so that its width is known; a tab becomes four spaces."""
    return visible(text.replace("\t", "    "))


def _width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
