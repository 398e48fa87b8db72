"""What a run showed that no finding speaks of: waste that the lint missed, by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from transfer_lint.evidence.model import Entry, Frame

OFTEN = 5
"""How often something has to happen at a call before it is told."""


class Kind(Enum):
    """The kinds of waste, in the order in which they are told."""

    NO_OP = "no-op move"
    UPLOAD = "upload of equal data"
    WAIT = "repeated wait"


MEANINGS: Mapping[Kind, str] = {
    Kind.NO_OP: f"on the device already, each of at least {OFTEN} times",
    Kind.UPLOAD: f"content that the host had sent before, at least {OFTEN} times",
    Kind.WAIT: f"the host waited at least {OFTEN} times in one part of the run, each time called from the same lines",
}


@dataclass(frozen=True)
class Silent:
    """A call that wastes something, and has no finding.

    where: the call. how: the call or operator that did it (`to`, `item`, `nonzero`). way: of a copy, `host-to-device`
    and the like; "" if nothing is copied. events: how often. most: the most events in one part of the run. nbytes:
    bytes that it moved or read.
    """

    kind: Kind
    where: Frame
    how: str
    way: str
    events: int
    most: int
    nbytes: int


def silent(entries: Iterable[Entry]) -> tuple[Silent, ...]:
    """The wasteful calls among entries that no finding speaks of, by kind, those with most events first."""
    calls: dict[tuple[str, int, int, int, str], list[Entry]] = {}
    for entry in entries:
        at = entry.where
        calls.setdefault((at.file, at.line, at.end_line, at.end_byte, entry.how), []).append(entry)
    found = [each for _, here in sorted(calls.items()) for each in _of_call(here)]
    order = list(Kind)
    return tuple(sorted(found, key=lambda each: (order.index(each.kind), -each.events)))


def _of_call(entries: Sequence[Entry]) -> Iterator[Silent]:
    idle = [entry for entry in entries if entry.kind == "idle" and entry.source != "cpu" and entry.how != "item"]
    waits = [entry for entry in entries if entry.waits and (entry.kind != "sync" or entry.flagged)]
    uploads = [entry for entry in entries if entry.kind == "transfer" and entry.source == "cpu"]
    if len(idle) == len(entries):
        yield from _often(Kind.NO_OP, idle, lambda entry: entry.count)
    elif sum(entry.again for entry in uploads) >= OFTEN:
        yield from _often(Kind.UPLOAD, uploads, lambda entry: entry.again)
    elif any(entry.most >= OFTEN for entry in waits):
        yield from _often(Kind.WAIT, waits, lambda entry: entry.waits)


def _often(kind: Kind, entries: Sequence[Entry], events: Callable[[Entry], int]) -> Iterator[Silent]:
    number = sum(map(events, entries))
    if number >= OFTEN:
        first = entries[0]
        most = max(entry.most for entry in entries)
        way = first.direction if first.kind == "transfer" else ""
        yield Silent(kind, first.where, first.how, way, number, most, sum(entry.nbytes for entry in entries))
