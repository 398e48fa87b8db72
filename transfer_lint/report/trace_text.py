"""A trace for people: totals, the source lines that moved data, their callers, and a timeline."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from transfer_lint.evidence.lines import Line, by_line, categories
from transfer_lint.evidence.model import Entry, Frame, Region, Trace
from transfer_lint.evidence.regions import Part, by_region, walk
from transfer_lint.report import View, colours

STEPS, PLAIN_STEPS = " ▁▂▃▄▅▆▇█", " .:-=+*#@"
COLUMNS = 64
"""Columns of the timeline."""

LINES_OF_PART = 3
"""Lines that are shown of each part of the run."""

SORTS: Mapping[str, Callable[[Entry], bool]] = {
    "to device": lambda entry: entry.kind == "transfer" and entry.target != "cpu",
    "to host": lambda entry: entry.kind == "transfer" and entry.target == "cpu",
    "reads": lambda entry: entry.kind in ("read", "sync"),
    "no-op": lambda entry: entry.kind == "idle",
}
"""The rows of the timeline."""


def report(trace: Trace, view: View, top: int = 10) -> Iterator[str]:
    """The lines of the report. top: how many source lines each table shows at most."""
    lines = by_line(trace.entries)
    yield from _head(trace, view)
    moving = [line for line in lines if line.transfers or line.waits]
    if moving:
        yield ""
        yield from _table(moving[:top], trace, view)
        if len(moving) > top:
            yield f"  and {len(moving) - top} more lines (--top {len(moving)} shows them)"
    parts = by_region(trace)
    if parts:
        yield ""
        yield from _by_region(parts, view)
    idle = sorted((line for line in lines if line.idle), key=lambda line: line.idle, reverse=True)
    if idle:
        yield ""
        yield view.style("calls that had nothing to do", bold=True)
        width = max(len(place(line)) for line in idle[:top])
        for line in idle[:top]:
            yield f"  {place(line):<{width}}  {times(line.idle)}  {line.function}"
    found = [each for each in categories(trace) if each.count != 0]
    if found:
        yield ""
        yield view.style("what that is", bold=True)
        for each in found:
            amount = "not looked for" if each.count is None else str(each.count)
            size = f", {bytes_of(each.nbytes)}" if each.nbytes else ""
            yield f"  {each.name:<25}{amount}{size}: {each.meaning}"
    if any(entry.bins and entry.kind != "idle" for entry in trace.entries):
        yield ""
        yield from _timeline(trace, view)
    if trace.notes:
        yield ""
        yield from (f"note: {note}" for note in trace.notes)


def _head(trace: Trace, view: View) -> Iterator[str]:
    figures = (
        f"{count(trace.transfers, 'transfer')}, {bytes_of(trace.nbytes)}, {count(trace.waits, 'wait')} for the device"
    )
    yield view.style(figures, bold=True) + (f" ({trace.program})" if trace.program else "")
    where = f"on {trace.machine.get('devices', '?')}" if trace.has_device else "without an accelerator"
    if trace.simulated:
        where = f"on a simulated {trace.simulated} (devices: {trace.machine.get('devices', '?')})"
    spent = f"{trace.seconds:.2f} s, of which the tracer took {trace.own_seconds:.2f} s"
    yield f"  torch {trace.machine.get('torch', '?')} {where}; {spent}"


def _by_region(parts: list[Part], view: View) -> Iterator[str]:
    """The parts of the run that have a name, and the first lines of each."""
    heads = ("to device", "to host", "reads", "bytes", "waits", "no-op")
    rows = [
        (part, [*(str(each or "") for each in (part.to_device, part.to_host, part.reads)), bytes_of(part.nbytes),
                str(part.waits), str(part.idle or "")])
        for part in walk(parts)
    ]  # fmt: skip
    widths = [max(len(text) for text in column) for column in zip(heads, *(row for _, row in rows), strict=True)]
    yield view.style(f"{_row(heads, widths)}  part of the run", bold=True)
    margin = " " * (sum(widths) + 2 * len(widths))
    for part, row in rows:
        indent = "  " * part.depth
        yield f"{_row(row, widths)}  {indent}{view.style(region_text(part.region), bold=not part.depth)}"
        for line in part.lines()[:LINES_OF_PART]:
            figures = ", ".join((count(line.waits, "wait"), bytes_of(line.nbytes)))
            yield f"{margin}{indent}    {view.style(place(line), fg=colours.PLACE)} {line.function}: {figures}"


def region_text(region: Region) -> str:
    """A region in words: `KSampler #3 "Sample"`, `per layer`."""
    number = f" #{region.id}" if region.id else ""
    title = f' "{region.title}"' if region.title and region.title != region.name else ""
    return f"{region.name}{number}{title}"


def _table(lines: Sequence[Line], trace: Trace, view: View) -> Iterator[str]:
    timed = any(line.seconds is not None for line in lines)
    heads = ["to device", "to host", "between", "reads", "bytes", "waits", *(["host time", "copying"] if timed else [])]
    rows = [[*_figures(line), *(_times(line) if timed else [])] for line in lines]
    widths = [max(len(text) for text in column) for column in zip(heads, *rows, strict=True)]
    yield view.style(_row(heads, widths) + "  line", bold=True)
    for line, row in zip(lines, rows, strict=True):
        at = view.style(place(line), fg=colours.PLACE)
        yield f"{_row(row, widths)}  {at} {line.function}  {line.dtypes}".rstrip()
        for number, (events, way) in enumerate(line.callers[:2]):
            if way:
                often = f"{times(events)} " if len(line.callers) > 1 else ""
                yield f"{'':{sum(widths) + 2 * len(widths) + 2}}{often}from {way_text(way)}"
            if number == 1 and len(line.callers) > 2:
                yield f"{'':{sum(widths) + 2 * len(widths) + 2}}and {len(line.callers) - 2} more ways"


def _figures(line: Line) -> list[str]:
    columns = (line.host_to_device, line.device_to_host, line.device_to_device)
    return [*(str(each[0] or "") for each in columns), str(line.reads or ""), bytes_of(line.nbytes), str(line.waits)]


def _times(line: Line) -> list[str]:
    return ["" if value is None else seconds_of(value) for value in (line.seconds, line.device_seconds)]


def _row(texts: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))


def way_text(way: Sequence[Frame]) -> str:
    """The callers in words, innermost first; at most four."""
    frames = " < ".join(f"{shown(frame.file)}:{frame.line} {frame.function}" for frame in way[:4])
    return frames + (" < ..." if len(way) > 4 else "")


def _timeline(trace: Trace, view: View) -> Iterator[str]:
    last, rows = rows_of_timeline(trace, COLUMNS)
    end = last * trace.bin_width
    unit = seconds_of(end) if trace.axis == "seconds" else f"{end:.0f} events, in their order"
    yield view.style(f"timeline: 0 to {unit}", bold=True)
    for name, columns in rows.items():
        counts = [events for events, _ in columns]
        total = count(sum(counts), "event")
        yield f"  {name:<10}{_bars(counts, view)}  {total}, {max(counts)} at most in a column"


def rows_of_timeline(trace: Trace, columns: int) -> tuple[int, dict[str, list[list[int]]]]:
    """(number of bins in use, name of a row -> columns of [events, bytes]), only for rows that have events."""
    last = max((number for entry in trace.entries for number in entry.bins), default=-1) + 1
    rows = {name: columns_of(filter(belongs, trace.entries), columns, last) for name, belongs in SORTS.items()}
    return last, {name: row for name, row in rows.items() if any(events for events, _ in row)}


def columns_of(entries: Iterable[Entry], columns: int, last: int) -> list[list[int]]:
    """The entries' timeline: at most so many columns of [events, bytes]. last: the number of bins in use."""
    row = [[0, 0] for _ in range(min(columns, last))]
    for entry in entries:
        for number, (events, nbytes) in entry.bins.items():
            column = row[number * len(row) // last]
            column[0] += events
            column[1] += nbytes
    return row


def _bars(columns: Sequence[int], view: View) -> str:
    steps = STEPS if view.fancy else PLAIN_STEPS
    most = max(columns)
    return "".join(steps[-(-value * (len(steps) - 1) // most)] for value in columns)


def place(line: Line) -> str:
    """`nodes.py:12`, `~/ComfyUI/nodes.py:12`."""
    return f"{shown(line.file)}:{line.number}"


def short(file: str) -> str:
    """A path, relative to the working directory if it lies below it."""
    here = os.path.join(os.getcwd(), "")
    return file.removeprefix(here)


def shown(file: str) -> str:
    """A path for people: as `short` has it, and with `~` for the user's home."""
    path, home = short(file), os.path.join(os.path.expanduser("~"), "")
    return os.path.join("~", path.removeprefix(home)) if path.startswith(home) else path


def bytes_of(nbytes: int) -> str:
    """A number of bytes in words: `4 B`, `1.5 KiB`, `1.6 GiB`."""
    value = float(nbytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError


def seconds_of(seconds: float) -> str:
    """A time in words: `1.2 s`, `3.4 ms`, `5.6 us`."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.2g} us"


def times(number: int) -> str:
    """How often: `once`, `2 times`."""
    return "once" if number == 1 else f"{number} times"


def count(number: int, noun: str, nouns: str = "") -> str:
    """A number with its noun: `1 wait`, `2 waits`. nouns: the plural, if it is not formed with an s."""
    return f"{number} {noun if number == 1 else nouns or f'{noun}s'}"
