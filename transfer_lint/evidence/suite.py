"""What the tests of a suite moved: one record for each test and fixture, as plain data, and the sum of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from transfer_lint.evidence.limits import Counts, counts_of
from transfer_lint.evidence.lines import Line, by_line
from transfer_lint.evidence.model import Entry, entry_from_dict

CALL, SETUP, TEARDOWN, OUTSIDE = "call", "setup", "teardown", "outside of tests"
"""Phases: the test function itself; the set-up of a test, with its own fixtures; its teardown; imports and hooks."""


@dataclass
class Record:
    """What one part of a test run moved.

    name: the id of a test, or of a fixture that several tests share (`tests/conftest.py::model`); "" for what happened
    outside of both. phase: a phase of the test, or the scope of the fixture. outcome: of the phase; "" if unknown.
    forks: how often the process was forked.
    """

    name: str
    phase: str
    entries: list[Entry] = field(default_factory=list)
    outcome: str = ""
    forks: int = 0

    @property
    def counts(self) -> Counts:
        """The sums of its entries."""
        return counts_of(self.entries)

    @property
    def title(self) -> str:
        """Its name, with the phase unless it is a test itself: `test_a.py::test_b (setup)`."""
        return self.name if self.phase == CALL else f"{self.name} ({self.phase})".strip()

    @property
    def lines(self) -> list[Line]:
        """Its lines that moved data or waited, those with most waits and bytes first."""
        return [line for line in by_line(self.entries) if line.transfers or line.waits]


def by_cost(records: Iterable[Record]) -> list[Record]:
    """The records that moved something, those with most waits, copies and bytes first."""
    moved = [(record.counts, record) for record in records]
    return [
        record
        for counts, record in sorted(moved, key=lambda each: (*(-n for n in each[0]), each[1].title))
        if any(counts)
    ]


def as_dict(record: Record) -> dict[str, Any]:
    """The record as plain data, without the timeline of its entries."""
    return asdict(replace(record, entries=[replace(entry, bins={}) for entry in record.entries]))


def from_dict(value: Mapping[str, Any]) -> Record:
    """The record that `as_dict` gave as plain data."""
    return Record(**{**value, "entries": [entry_from_dict(each) for each in value["entries"]]})


def merged(records: Iterable[Record]) -> list[Entry]:
    """The entries of all records, those of the same kind and place summed, those with most waits and bytes first."""
    found: dict[tuple[object, ...], Entry] = {}
    for record in records:
        for entry in record.entries:
            key = (entry.kind, entry.source, entry.target, entry.dtype, entry.how, entry.chain, entry.regions)
            found[key] = _sum(found[key], entry) if key in found else entry
    return sorted(found.values(), key=lambda entry: (entry.waits, entry.nbytes, entry.count), reverse=True)


_SUMMED = ("count", "runs", "nbytes", "waits", "again", "again_bytes", "back", "back_bytes", "unused_bytes", "flagged")
_SUMMED_IF_KNOWN = ("seconds", "device_seconds", "unused")


def _sum(one: Entry, other: Entry) -> Entry:
    sums: dict[str, Any] = {name: getattr(one, name) + getattr(other, name) for name in _SUMMED}
    for name in _SUMMED_IF_KNOWN:
        known = [value for value in (getattr(one, name), getattr(other, name)) if value is not None]
        sums[name] = sum(known) if known else None
    shapes = list(dict.fromkeys((*one.shapes, *other.shapes)))[:3]
    return replace(one, **sums, most=max(one.most, other.most), shapes=shapes)
