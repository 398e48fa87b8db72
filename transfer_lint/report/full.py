"""For people: each finding with its message, a code frame and its evidence lines. Hints take one line each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from transfer_lint.findings import Evidence, Finding, Severity
from transfer_lint.lint.outcome import Outcome
from transfer_lint.report import View, colours
from transfer_lint.report.concise import COLOURS, rule_of
from transfer_lint.report.concise import line as one_line
from transfer_lint.report.lines import cut, cut_before, printable, shortened, width, wrap
from transfer_lint.report.places import Places

MAX_FRAME_LINES = 6
_SHARED = 3
"""So many steps that a proof has in common with an earlier one, if they are half of it, are not printed again."""
_NARROW = 28
"""With fewer columns than this beside its place, a step stands below it."""


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
    printer = _Printer(Places(outcome), view)
    after_block = True  # no blank lines between hints; one before and after a block
    for finding in outcome.findings:
        if finding.severity is Severity.HINT:
            yield from printer.hint(finding)
            after_block = False
            continue
        if not after_block:
            yield ""
        yield from printer.block(finding)
        yield ""
        after_block = True
    if not after_block and any(finding.severity is not Severity.HINT for finding in outcome.findings):
        yield ""  # what is said below belongs to all


def block(finding: Finding, places: Places, view: View) -> Iterator[str]:
    """One finding, with its code frame and its whole proof."""
    return _Printer(places, view).block(finding)


@dataclass(frozen=True)
class _Printer:
    """Prints findings. printed: (file, function) -> the findings in it whose proofs have been printed."""

    places: Places
    view: View
    printed: dict[tuple[str, str], list[Finding]] = field(default_factory=dict)

    @property
    def glyphs(self) -> _Glyphs:
        return _FANCY if self.view.fancy else _PLAIN

    def hint(self, finding: Finding) -> list[str]:
        """One finding in one line, wrapped."""
        return wrap(one_line(finding, self.places, self.view, self.view.width - 8), self.view.width, "    ")

    def block(self, finding: Finding) -> Iterator[str]:
        """One finding, with its code frame and its evidence lines."""
        view = self.view
        margin = max(len(str(finding.end_line)) + 2, 6)
        blank, room = " " * margin, view.width - margin
        yield from self._heading(finding, blank)
        yield from (blank + part for part in wrap(printable(finding.message), room))
        bar = view.style(self.glyphs.bar, dim=True)
        yield f"{blank}{bar}"
        yield from self._frame(finding, margin)
        yield f"{blank}{bar}"
        for number, step in enumerate(self._why(finding, room)):
            yield self._label("why" if number == 0 else "", margin) + step
        about = {}
        if not finding.about_lint:
            about["heat"] = f"runs {finding.heat.often}" + (f", in {finding.function}" if finding.function else "")
        if finding.fix:
            how = f": only with {needed}" if (needed := view.missing(finding)) else ""
            about["fix"] = f"{finding.fix.title} ({finding.fix.safety.value}{how})"
        for label, text in about.items():
            for number, part in enumerate(wrap(printable(text), room)):
                yield self._label(label if number == 0 else "", margin) + part

    def _heading(self, finding: Finding, blank: str) -> Iterator[str]:
        """Severity, rule and place: in one line, or the place in the next."""
        view = self.view
        what = f"{finding.severity.value} {finding.code}"
        kind = f"{view.style(what, fg=COLOURS[finding.severity], bold=True)} {rule_of(finding, finding.name, view)}"
        at = self.places.at(finding.path, finding.line)
        text = printable(f"{at}:{finding.column}")
        beside = width(kind) + 2 + width(text) <= view.width
        text = text if beside else shortened(text, view.width - len(blank), self.view.gap)
        place = view.link(view.style(text, bold=True), self.places.address(finding.path, finding.line))
        yield from [f"{kind}  {place}"] if beside else [kind, blank + place]

    def _label(self, text: str, margin: int) -> str:
        """A label in the margin, before the line that it belongs to."""
        return self.view.style(f"{text:>{margin - 2}}", dim=True) + "  "

    def _frame(self, finding: Finding, margin: int) -> Iterator[str]:
        """The code frame: the lines of the call, with the call underlined."""
        lines = self.places.lines(finding.path)
        first = self.places.at(finding.path, finding.line).line
        bar = self.view.style(self.glyphs.bar, dim=True)
        numbers = range(finding.line, min(finding.end_line, finding.line + MAX_FRAME_LINES - 1, len(lines)) + 1)
        shown = [lines[number - 1].rstrip("\r\n") for number in numbers]
        indent = min((len(text) - len(text.lstrip()) for text in shown if text.strip()), default=0)
        for number, text in zip(numbers, shown, strict=True):
            start = finding.column - 1 if number == finding.line else len(text) - len(text.lstrip())
            end = finding.end_column - 1 if number == finding.end_line else len(text.rstrip())
            before, marked, after = (printable(part) for part in (text[indent:start], text[start:end], text[end:]))
            before, marked, after = _fit(before, marked, after.rstrip(), self.view.width - margin - 2)
            label = self.view.style(f"{number - finding.line + first:>{margin - 1}}", dim=True)
            yield f"{label} {bar} {before}{marked}{after}".rstrip()
            underline = self.view.style(self.glyphs.line * width(marked), fg=COLOURS[finding.severity])
            yield f"{'':{margin}}{bar} {' ' * width(before)}{underline}"
        if finding.end_line > finding.line + MAX_FRAME_LINES - 1:
            yield f"{'':{margin}}{bar} ..."

    def _why(self, finding: Finding, room: int) -> Iterator[str]:
        """The steps of the proof, in order, each with its place; places are padded to one width.

        Steps that an earlier finding of the function has printed are one step: where they stand.
        """
        steps: list[Evidence | str] = [*finding.evidence]
        earlier = self.printed.setdefault((finding.path, finding.function), [])
        known = max(earlier, key=lambda other: len({*other.evidence} & {*steps}), default=None)
        if known is not None and len(same := {*known.evidence} & {*steps}) >= max(_SHARED, len(steps) / 2):
            own = [step for step in steps if step not in same]
            at = self.places.at(known.path, known.line)
            line = f"line {at.line}" + (f" of cell {at.cell}" if at.cell is not None else "")
            several = f" in {len(same)} of {len(steps)} steps; the other{'s' * (len(own) > 1)}:" if own else ""
            steps = [f"as for {line}, above{',' * bool(own)}{several}", *own]
        else:
            earlier.append(finding)
        most = max(room * 2 // 5, 16)
        places = (self._place(step, most) for step in steps if not isinstance(step, str))
        column = max(map(width, places), default=0)
        for number, step in enumerate(steps):
            last = number == len(steps) - 1
            glyph = self.view.style(self.glyphs.last if last else self.glyphs.middle, dim=True)
            tail = "  " if last else self.view.style(self.glyphs.bar, dim=True) + " "
            for index, part in enumerate(self._step(step, column, room - 3)):
                yield f"{tail if index else glyph} {part}"

    def _place(self, step: Evidence, room: int) -> str:
        return shortened(printable(str(self.places.at(step.path, step.line))), room, self.view.gap)

    def _step(self, step: Evidence | str, column: int, room: int) -> Iterator[str]:
        """One step in lines: the text beside its place, or below it where there is little room."""
        if isinstance(step, str):
            yield from wrap(printable(step), room)
            return
        beside = room - column - 2 >= _NARROW
        text = self._place(step, column if beside else room)
        place = self.view.link(self.view.style(text, fg=colours.PLACE), self.places.address(step.path, step.line))
        parts = wrap(printable(step.text), room - column - 2 if beside else room - 2)
        if not beside:
            yield place
            yield from (f"  {part}" for part in parts)
            return
        yield f"{place}{' ' * (column - width(text))}  {parts[0]}"
        yield from (f"{'':{column}}  {part}" for part in parts[1:])


def _fit(before: str, marked: str, after: str, room: int) -> tuple[str, str, str]:
    """Shorten a long line at its ends, so that the marked part stays visible."""
    marked = cut(marked, room - 8)
    left = cut_before(before, max(room - width(marked) - 4, 3))
    return left, marked, cut(after, room - width(left) - width(marked))
