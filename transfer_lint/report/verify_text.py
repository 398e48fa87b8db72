"""A comparison for people: one table, on a terminal or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from transfer_lint.evidence.runs import Comparison, Row
from transfer_lint.report import View, colours

MAX_DIFFERENCES = 20


def report(comparison: Comparison, view: View) -> Iterator[str]:
    """The lines of the report."""
    yield view.style(comparison.verdict, bold=True, fg=colours.GOOD if comparison.good else colours.BAD)
    yield f"  original: {comparison.original.program}"
    yield f"  fixed:    {comparison.fixed.program}"
    yield f"  {where(comparison)}"
    yield from table(comparison, view)
    yield from _rest(comparison)


def table(comparison: Comparison, view: View) -> Iterator[str]:
    """The rows of the comparison, below an empty line; nothing if there are none."""
    if comparison.rows:
        yield ""
        heads = ("", "original", "fixed", "")
        rows = [(row.name, row.original, row.fixed, row.verdict) for row in comparison.rows]
        widths = [max(len(text) for text in column) for column in zip(heads, *rows, strict=True)]
        yield view.style(_line(heads, widths), bold=True)
        for row, texts in zip(comparison.rows, rows, strict=True):
            mark = {True: "  ", False: "! ", None: "  "}[row.good]
            yield f"{mark if row.good is False else '  '}{_line(texts, widths, view, row)}"


def _line(texts: tuple[str, ...], widths: list[int], view: View | None = None, row: Row | None = None) -> str:
    name, before, after, verdict = texts
    padding = "  " if row is None else ""
    if view is not None and row is not None and row.good is not None:
        verdict = view.style(verdict, fg=colours.GOOD if row.good else colours.BAD)
    return f"{padding}{name:<{widths[0]}}  {before:>{widths[1]}}  {after:>{widths[2]}}  {verdict}".rstrip()


def markdown(comparison: Comparison) -> Iterator[str]:
    """The same as Markdown."""
    yield f"**{_escaped(comparison.verdict)}**"
    yield ""
    yield f"{_escaped(where(comparison))}"
    if comparison.rows:
        yield ""
        yield f"| | `{comparison.original.program}` | `{comparison.fixed.program}` | |"
        yield "| --- | ---: | ---: | --- |"
        for row in comparison.rows:
            texts = (row.name, row.original, row.fixed, row.verdict)
            yield f"| {' | '.join(map(_escaped, texts))} |"
    for text in _rest(comparison):
        yield _escaped(text)


def _rest(comparison: Comparison) -> Iterator[str]:
    if comparison.differences:
        yield ""
        yield "what differs:"
        yield from (f"  - {text}" for text in comparison.differences[:MAX_DIFFERENCES])
        if len(comparison.differences) > MAX_DIFFERENCES:
            yield f"  - and {len(comparison.differences) - MAX_DIFFERENCES} more"
    for name, run in (("original", comparison.original), ("fixed", comparison.fixed)):
        if not run.ending.good:
            yield ""
            yield f"the {name} program {run.ending.how}: {' '.join(run.ending.text.split())}"
    if comparison.notes:
        yield ""
        yield from (f"note: {note}" for note in comparison.notes)


def where(comparison: Comparison) -> str:
    """What the programs were run on, and how many calls of the scenario each made."""
    trace = comparison.original.trace
    if trace is None:
        return "it was not run"
    on = f"a simulated {trace.simulated}" if trace.simulated else trace.machine.get("devices", "?")
    if on == "none":
        on = "the CPU alone"
    return (
        f"torch {trace.machine.get('torch', '?')} on {on}, {len(comparison.original.calls)} calls of the scenario each"
    )


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|") if text.strip() else text
