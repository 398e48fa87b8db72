"""What broke a limit, for people: the figures, and the source lines that count towards them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from transfer_lint.evidence.limits import NAMES, Counts, counts_of
from transfer_lint.evidence.lines import Line, by_line
from transfer_lint.evidence.model import Entry
from transfer_lint.report.trace_text import bytes_of, count, place, short

SHOWN = 10
"""How many source lines are named at most."""


def broken(entries: Iterable[Entry], allowed: Mapping[str, int]) -> str:
    """The figures that exceed their limits, each with its lines; "" if none does. allowed: name -> most."""
    found = list(entries)
    seen = counts_of(found)
    texts = []
    for name, most in allowed.items():
        if seen.of(name) > most:
            texts.append(f"{amount(name, seen.of(name))}, at most {amount(name, most)} expected")
            texts += lines(name, found)
    return "\n".join(texts)


def lines(name: str, entries: Iterable[Entry]) -> Iterator[str]:
    """The lines that count towards a figure, those with most first."""
    found = by_line(entry for entry in entries if counts_of([entry]).of(name))
    found.sort(key=lambda line: -counts_of(line.entries).of(name))
    for line in found[:SHOWN]:
        hows = ", ".join(dict.fromkeys(map(_how, line.entries)))
        figure = amount(name, counts_of(line.entries).of(name))
        yield f"  {place(line)} in {line.function}: {figure} ({hows}){_from(line)}"
    if len(found) > SHOWN:
        yield f"  and {count(len(found) - SHOWN, 'more line')}"


def _how(entry: Entry) -> str:
    if entry.kind == "transfer":
        return f"{entry.how}, {entry.source} to {entry.target}"
    return f"{entry.how} on {entry.source}"


def _from(line: Line) -> str:
    """The nearest caller in the working directory, for a line that is elsewhere: in an installed package."""
    if _near(line.file):
        return ""
    near = next((frame for frame in line.entries[0].chain if _near(frame.file)), None)
    return f", from {short(near.file)}:{near.line}" if near else ""


def _near(file: str) -> bool:
    return short(file) != file


def amount(name: str, number: int) -> str:
    """A figure in words: `1 wait`, `2 copies`, `1.5 KiB`."""
    if name == "bytes":
        return bytes_of(number)
    return count(number, "wait") if name == "waits" else count(number, "copy", "copies")


def in_words(counts: Counts) -> str:
    """All figures: `1 wait, 2 copies, 1.5 KiB`."""
    return ", ".join(amount(name, counts.of(name)) for name in NAMES)
