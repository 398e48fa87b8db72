"""Sums a trace by source line, and by the categories of waste in the data-mapping literature.

The categories are those of OMPDataPerf (arXiv 2601.12713), as they apply to a program that moves its data itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from transfer_lint.evidence.model import Entry, Frame, Trace


@dataclass
class Line:
    """All that happened at one line.

    number: the 1-based line number. host_to_device, device_to_host, device_to_device: [events, bytes]. The other
    figures are sums of Entry's. seconds and device_seconds are None if nothing was timed, unused is None if uses were
    not followed.
    """

    file: str
    number: int
    function: str
    host_to_device: list[int] = field(default_factory=lambda: [0, 0])
    device_to_host: list[int] = field(default_factory=lambda: [0, 0])
    device_to_device: list[int] = field(default_factory=lambda: [0, 0])
    reads: int = 0
    nbytes: int = 0
    waits: int = 0
    idle: int = 0
    again: int = 0
    back: int = 0
    unused: int | None = None
    seconds: float | None = None
    device_seconds: float | None = None
    entries: list[Entry] = field(default_factory=list)

    @property
    def transfers(self) -> int:
        """Copies between devices."""
        return self.host_to_device[0] + self.device_to_host[0] + self.device_to_device[0]

    @property
    def dtypes(self) -> str:
        """The dtypes of the data, separated by commas: `float16`."""
        return ", ".join(dict.fromkeys(entry.dtype for entry in self.entries if entry.dtype))

    @property
    def callers(self) -> list[tuple[int, tuple[Frame, ...]]]:
        """The call stacks that lead here, as (events, frames), most events first.

        The frames are innermost first and start with the caller of this line.
        """
        ways: dict[tuple[Frame, ...], int] = {}
        for entry in self.entries:
            ways[entry.chain[1:]] = ways.get(entry.chain[1:], 0) + entry.count
        return sorted(((count, way) for way, count in ways.items()), key=lambda each: each[0], reverse=True)


def by_line(entries: Iterable[Entry]) -> list[Line]:
    """The lines with events, those with most waits and bytes first. Lines with only no-op calls come last."""
    lines: dict[tuple[str, int], Line] = {}
    for entry in entries:
        where = entry.where
        line = lines.setdefault((where.file, where.line), Line(where.file, where.line, where.function))
        line.entries.append(entry)
        _add(line, entry)
    by_place = sorted(lines.values(), key=lambda line: (line.file, line.number))
    return sorted(by_place, key=lambda line: (line.waits, line.nbytes, line.idle), reverse=True)


def _add(line: Line, entry: Entry) -> None:
    if entry.kind == "idle":
        line.idle += entry.count
        return
    if entry.kind == "transfer":
        column = getattr(line, entry.direction.replace("-", "_"))
        column[0] += entry.count
        column[1] += entry.nbytes
    elif entry.kind == "read":
        line.reads += entry.count
    line.nbytes += entry.nbytes
    line.waits += entry.waits
    line.again += entry.again
    line.back += entry.back
    if entry.unused is not None:
        line.unused = (line.unused or 0) + entry.unused
    for name in ("seconds", "device_seconds"):
        value = getattr(entry, name)
        if value is not None:
            setattr(line, name, (getattr(line, name) or 0.0) + value)


@dataclass(frozen=True)
class Category:
    """One kind of waste, summed over a trace. count and nbytes are None if the run did not record them."""

    name: str
    meaning: str
    count: int | None
    nbytes: int | None


def categories(trace: Trace) -> list[Category]:
    """All categories, including those with a count of 0."""

    def total(name: str, *kinds: str, when: Callable[[Entry], bool] = lambda entry: True) -> int:
        return sum(getattr(e, name) or 0 for e in trace.entries if (not kinds or e.kind in kinds) and when(e))

    arrivals = [e for e in trace.entries if e.kind == "transfer" and e.unused is not None]
    followed = bool(arrivals) or not any(e.kind == "transfer" and e.target != "cpu" for e in trace.entries)
    flagged = total("flagged")
    seen = f"; {flagged} of them only torch.cuda.set_sync_debug_mode saw" if flagged else ""
    return [
        Category("duplicate transfer", "the same content again, the same way", total("again"), total("again_bytes")),
        Category("round trip", "content that came from where it goes, unchanged", total("back"), total("back_bytes")),
        Category(
            "unused transfer",
            "sent to a device where no operator took it",
            total("unused") if followed else None,
            total("unused_bytes") if followed else None,
        ),
        Category(
            "no-op transfer call",
            "a transfer or host read of what was there already",
            total("count", "idle"),
            0,
        ),
        Category(
            "implicit synchronisation",
            f"the host waited although nothing asked it to: copies and reads{seen}",
            total("waits", "transfer", "read") + flagged,
            None,
        ),
        Category(
            "explicit synchronisation", "the program asked the host to wait", total("count", "sync") - flagged, None
        ),
    ]
