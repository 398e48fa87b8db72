"""Sums a trace by the regions that its events are in: the nodes and phases of a ComfyUI workflow, and named parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from transfer_lint.evidence.lines import Line, by_line
from transfer_lint.evidence.model import Entry, Region, Trace

OUTSIDE = Region("region", "outside of all that has a name")


@dataclass
class Part:
    """All that happened in one region, with what is nested in it.

    regions: outermost first, the part's own last. parts: nested ones, those with most waits and bytes first. entries:
    all events, own: those that are in no nested part. figures as in Line.
    """

    regions: tuple[Region, ...]
    parts: list[Part] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    own: list[Entry] = field(default_factory=list)

    @property
    def region(self) -> Region:
        """The part's own region."""
        return self.regions[-1]

    @property
    def depth(self) -> int:
        """0 for the outermost."""
        return len(self.regions) - 1

    @property
    def to_device(self) -> int:
        """Transfers from the host to a device."""
        return self._count("host-to-device")

    @property
    def to_host(self) -> int:
        """Transfers from a device to the host."""
        return self._count("device-to-host")

    @property
    def reads(self) -> int:
        """Host reads."""
        return sum(entry.count for entry in self.entries if entry.kind == "read")

    @property
    def nbytes(self) -> int:
        """Bytes of transfers and reads."""
        return sum(entry.nbytes for entry in self.entries)

    @property
    def waits(self) -> int:
        """How often the host waited."""
        return sum(entry.waits for entry in self.entries)

    @property
    def idle(self) -> int:
        """Calls with nothing to do."""
        return sum(entry.count for entry in self.entries if entry.kind == "idle")

    @property
    def first(self) -> int:
        """The first column of the timeline with an event."""
        return min((number for entry in self.entries for number in entry.bins), default=0)

    def lines(self) -> list[Line]:
        """The lines of its own events."""
        return [line for line in by_line(self.own) if line.transfers or line.waits]

    def _count(self, direction: str) -> int:
        return sum(entry.count for entry in self.entries if entry.kind == "transfer" and entry.direction == direction)


def by_region(trace: Trace) -> list[Part]:
    """The outermost parts, in the order of their first events; [] if nothing has a name."""
    if not any(entry.regions for entry in trace.entries):
        return []
    parts: dict[tuple[Region, ...], Part] = {}
    for entry in trace.entries:
        regions = entry.regions or (OUTSIDE,)
        for length in range(1, len(regions) + 1):
            part = parts.setdefault(regions[:length], Part(regions[:length]))
            part.entries.append(entry)
            if length == len(regions):
                part.own.append(entry)
    for regions, part in parts.items():
        if len(regions) > 1:
            parts[regions[:-1]].parts.append(part)
    for part in parts.values():
        part.parts.sort(key=lambda each: (each.waits, each.nbytes, each.idle), reverse=True)
    outermost = [part for part in parts.values() if part.depth == 0]
    return sorted(outermost, key=lambda part: (part.region is OUTSIDE, part.first))


def walk(parts: list[Part]) -> list[Part]:
    """The parts, each before those that are nested in it."""
    return [each for part in parts for each in (part, *walk(part.parts))]
