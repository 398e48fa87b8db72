"""What a run of tests moved, as Markdown: for the summary of a job, or a comment in a review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from transfer_lint.evidence.join import Joined, Judged, Status
from transfer_lint.evidence.lines import by_line
from transfer_lint.evidence.model import Trace
from transfer_lint.evidence.suite import CALL, Record, by_cost
from transfer_lint.report.trace_text import bytes_of, count, place

ROWS = 50
"""How many tests, findings and lines are listed at most."""


def report(
    trace: Trace, joined: Joined | None = None, top: int = ROWS, records: Iterable[Record] = ()
) -> Iterator[str]:
    """The lines of the report."""
    top = min(top, ROWS)
    tests = sum(record.phase == CALL for record in records)
    on = f"a simulated {trace.simulated}" if trace.simulated else trace.machine.get("devices", "?")
    copies = count(trace.transfers, "copy", "copies")
    yield f"# Transfers: {count(trace.waits, 'wait')}, {copies}, {bytes_of(trace.nbytes)}"
    yield ""
    yield f"{count(tests, 'test')} with torch {trace.machine.get('torch', '?')} on {on}; `{_code(trace.program)}`."
    rows = [(_name(each.title), *_figures(each.counts), _first(each)) for each in by_cost(records)]
    yield from _table("By test", ("test", "waits", "copies", "bytes", "most at"), top, rows)
    lines = [line for line in by_line(trace.entries) if line.transfers or line.waits]
    rows = [
        (_name(place(each)), *_figures((each.waits, each.transfers, each.nbytes)), _name(each.function))
        for each in lines
    ]
    yield from _table("By line", ("line", "waits", "copies", "bytes", "in"), top, rows)
    if joined is not None:
        told = [each for each in joined.findings if each.status in (Status.CONFIRMED, Status.REFUTED)]
        heads = ("finding", "the run", "waits", "bytes")
        yield from _table("What the run shows of the lint's findings", heads, top, [*map(_told, told)])
    if trace.notes:
        yield ""
        yield from (f"- {note}" for note in trace.notes)


def _figures(counts: tuple[int, int, int]) -> tuple[str, str, str]:
    waits, copies, nbytes = counts
    return str(waits or ""), str(copies or ""), bytes_of(nbytes) if nbytes else ""


def _table(title: str, heads: tuple[str, ...], top: int, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"## {title}", "", f"| {' | '.join(heads)} |")
    yield f"| {' | '.join('---:' if head in ('waits', 'copies', 'bytes') else '---' for head in heads)} |"
    for row in rows[:top]:
        yield f"| {' | '.join(row)} |"
    if len(rows) > top:
        yield from ("", f"and {len(rows) - top} more")


def _told(each: Judged) -> tuple[str, ...]:
    place = _name(f"{each.finding.path}:{each.finding.line}")
    waits, _, nbytes = _figures((each.waits, 0, each.nbytes))
    return f"{place} {each.finding.code} {each.finding.name}", f"{each.status.value}: {each.why}", waits, nbytes


def _first(record: Record) -> str:
    return _name(place(record.lines[0])) if record.lines else ""


def _name(text: str) -> str:
    return f"`{_code(text)}`"


def _code(text: str) -> str:
    """Text that may stand in a code span in a table."""
    return text.replace("|", "\\|").replace("`", "'").replace("\n", " ")
