"""A trace as one HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from transfer_lint.evidence.join import Joined, Status
from transfer_lint.evidence.lines import Line, by_line, categories
from transfer_lint.evidence.model import Trace
from transfer_lint.evidence.regions import Part, by_region, walk
from transfer_lint.evidence.silent import MEANINGS, Kind
from transfer_lint.evidence.suite import CALL, Record, by_cost
from transfer_lint.evidence.tally import by_assumption, by_rule
from transfer_lint.report.evidence_page import page
from transfer_lint.report.trace_findings import how_to_report
from transfer_lint.report.trace_text import (
    LINES_OF_PART,
    bytes_of,
    columns_of,
    region_text,
    rows_of_timeline,
    seconds_of,
    times,
    way_text,
)

COLUMNS = 125
WIDTH, HEIGHT, PART_HEIGHT = 1000.0, 34.0, 20.0
COLOURS = {"to device": "in", "to host": "out", "reads": "read", "no-op": "idle"}
FATES = {Status.CONFIRMED: "good", Status.REFUTED: "bad", Status.NEVER: "never", Status.UNDECIDED: "open"}
MAX_SOURCE = 160


@dataclass(frozen=True)
class _Shown:
    """A source line with its text, and its callers in words."""

    line: Line
    source: str
    ways: list[str]

    def __getattr__(self, name: str) -> object:
        return getattr(self.line, name)


def report(trace: Trace, joined: Joined | None = None, top: int = 10, records: Iterable[Record] = ()) -> Iterator[str]:
    """The page, in one piece. top: how many source lines are shown at most. records: of tests, by which it is told."""
    lines = by_line(trace.entries)
    last, rows = rows_of_timeline(trace, COLUMNS)
    end = last * trace.bin_width
    yield page(
        "trace.html",
        title=f"transfer-lint trace {trace.program}",
        trace=trace,
        categories=categories(trace),
        lines=[_shown(line) for line in lines[:top]],
        more=max(len(lines) - top, 0),
        timed=any(line.seconds is not None for line in lines),
        rows=[_row(name, columns) for name, columns in rows.items()],
        end=seconds_of(end) if trace.axis == "seconds" else f"{end:.0f} events",
        parts=[_part(part, trace, last) for part in walk(by_region(trace))],
        records=by_cost(records),
        tests=sum(record.phase == CALL for record in records),
        joined=joined,
        tallies=[("rule", by_rule(joined)), ("assumption", by_assumption(joined))] if joined else [],
        silent=[(kind, [each for each in joined.silent if each.kind is kind]) for kind in Kind] if joined else [],
        meanings=MEANINGS,
        top=top,
        unreported=joined.unreported[:top] if joined else (),
        fates=FATES,
        how_to_report=how_to_report(joined) if joined and joined.of(Status.REFUTED) else "",
    )


def _part(part: Part, trace: Trace, last: int) -> dict[str, object]:
    """A row of the table of parts, with a small timeline of its events."""
    columns = columns_of((entry for entry in part.entries if entry.kind != "idle"), COLUMNS, last)
    most = max((count for count, _ in columns), default=0)
    bars = [
        {
            "x": number,
            "y": round(PART_HEIGHT * (1 - count / most), 2),
            "height": round(PART_HEIGHT * count / most, 2),
            "title": f"{count} events, {bytes_of(nbytes)}",
        }
        for number, (count, nbytes) in enumerate(columns)
        if count
    ]
    return {"part": part, "text": region_text(part.region), "bars": bars, "columns": len(columns),
            "lines": part.lines()[:LINES_OF_PART]}  # fmt: skip


def _row(name: str, columns: list[list[int]]) -> dict[str, object]:
    most = max(count for count, _ in columns)
    width = WIDTH / len(columns)
    bars = [
        {
            "x": round(number * width, 2),
            "y": round(52 - max(HEIGHT * count / most, 1.5), 2),
            "width": round(width * 0.85, 2),
            "height": round(max(HEIGHT * count / most, 1.5), 2),
            "title": f"{count} events, {bytes_of(nbytes)}",
        }
        for number, (count, nbytes) in enumerate(columns)
        if count
    ]
    total = sum(count for count, _ in columns)
    return {"name": name, "total": total, "most": most, "bars": bars, "colour": COLOURS[name]}


def _shown(line: Line) -> _Shown:
    ways = [f"{times(events)} from {way_text(way)}" for events, way in line.callers if way]
    return _Shown(line, _source(line), ways)


def _source(line: Line) -> str:
    try:
        with open(line.file, encoding="utf-8", errors="replace") as stream:
            for number, text in enumerate(stream, start=1):
                if number == line.number:
                    return text.strip()[:MAX_SOURCE]
    except OSError:
        pass
    return ""
