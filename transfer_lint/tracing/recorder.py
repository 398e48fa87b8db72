"""Sums events by place, so that the memory of the tracer does not grow with the length of the run."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from transfer_lint.evidence.model import Entry, Frame, Kind
from transfer_lint.tracing import comfyui, stack
from transfer_lint.tracing.contents import Memories
from transfer_lint.tracing.regions import current as open_regions
from transfer_lint.tracing.uses import Uses

MAX_PLACES = 20_000
"""Largest number of entries with their own place. Later events at new places are summed at the place CROWDED."""

MAX_CONTENTS = 65_536
"""Largest number of contents that are remembered. Those not seen for longest are forgotten first."""

BINS = 128
"""Columns of the timeline. When a run needs more, neighbouring columns are merged in pairs."""

MAX_SHAPES = 3
CROWDED = Frame("(more places than are kept)", 0, "")


class Recorder:
    """The events of a run, summed.

    by_order: the unit of the timeline is events instead of seconds. uses: follows whether arrivals are used; None if
    that is not followed. own_seconds: time spent by the tracer. too_large: [transfers, bytes] that were not compared
    by content. part: the name of the part of the program that runs, "" for the whole.
    """

    def __init__(self, *, by_order: bool, uses: Uses | None = None) -> None:
        self.by_order = by_order
        self.uses = uses
        self.entries: dict[tuple[object, ...], Entry] = {}
        self.own_seconds = 0.0
        self.too_large = [0, 0]
        self.bin_width = 1.0 if by_order else 0.001
        self.part = ""
        self._in_part: dict[int, tuple[str | None, int]] = {}  # id of an entry -> part, events in it so far
        self._events = 0
        self._start = time.perf_counter()
        self.memories = Memories()
        self._contents: OrderedDict[tuple[object, ...], set[tuple[str, str]]] = OrderedDict()
        self._followers: list[Recorder] = []
        self._lock = threading.RLock()

    @contextmanager
    def own_time(self) -> Iterator[None]:
        """Context whose time is counted as the tracer's, not the program's."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.own_seconds += time.perf_counter() - begin

    @contextmanager
    def followed_by(self, other: Recorder) -> Iterator[None]:
        """Context in which `other` records the same events."""
        self._followers.append(other)
        try:
            yield
        finally:
            self._followers.remove(other)

    def transfer(
        self,
        source: str,
        target: str,
        *,
        how: str,
        dtype: str,
        nbytes: int,
        shape: tuple[int, ...],
        blocking: bool,
        content: bytes | None,
        seconds: float | None = None,
    ) -> Entry:
        """Record a transfer, and return its entry.

        blocking: the host waited for the copy, if the host is one end. content: a hash of the data, None if unknown.
        seconds: host time of the call, None if not measured.
        """
        for each in self._followers:
            each.transfer(source, target, how=how, dtype=dtype, nbytes=nbytes, shape=shape, blocking=blocking,
                          content=content, seconds=seconds)  # fmt: skip
        with self._lock:
            entry = self._entry("transfer", source, target, dtype, how)
            host = "cpu" in (source, target)
            self._count(entry, nbytes, shape, waits=int(blocking and host), seconds=seconds)
            if content is None and nbytes:
                self.too_large[0] += 1
                self.too_large[1] += nbytes
            elif content is not None and nbytes:
                ways = self._ways((content, nbytes))
                if (source, target) in ways:
                    entry.again += 1
                    entry.again_bytes += nbytes
                if (target, source) in ways:
                    entry.back += 1
                    entry.back_bytes += nbytes
                ways.add((source, target))
            return entry

    def read(
        self,
        device: str,
        *,
        how: str,
        dtype: str,
        nbytes: int,
        shape: tuple[int, ...],
        content: tuple[object, ...] | None,
        seconds: float | None = None,
    ) -> None:
        """Record that the host waited for a value. content: identifies value and tensor, None if unknown."""
        for each in self._followers:
            each.read(device, how=how, dtype=dtype, nbytes=nbytes, shape=shape, content=content, seconds=seconds)
        with self._lock:
            entry = self._entry("read", device, "cpu", dtype, how)
            self._count(entry, nbytes, shape, waits=1, seconds=seconds)
            if content is not None:
                ways = self._ways(content)
                if (device, "cpu") in ways:
                    entry.again += 1
                    entry.again_bytes += nbytes
                ways.add((device, "cpu"))

    def sync(self, device: str, how: str, seconds: float | None = None, *, flagged: bool = False) -> None:
        """Record a wait for pending work: the program asked for it or, flagged, only `set_sync_debug_mode` saw it."""
        for each in self._followers:
            each.sync(device, how, seconds, flagged=flagged)
        with self._lock:
            self._count(self._entry("sync", device, "cpu", "", how), 0, (), waits=1, seconds=seconds, flagged=flagged)

    def idle(self, device: str, how: str, dtype: str) -> None:
        """Record a no-op call: a transfer call or host read on a value that was there already."""
        for each in self._followers:
            each.idle(device, how, dtype)
        with self._lock:
            self._count(self._entry("idle", device, device, dtype, how), 0, (), waits=0)

    def start_over(self) -> None:
        """Drop the events so far. Contents are still compared with theirs."""
        with self._lock:
            self.entries.clear()
            self._in_part.clear()
            self._events = 0
            self._start = time.perf_counter()
            self.own_seconds = 0.0
            self.too_large = [0, 0]
            self.bin_width = 1.0 if self.by_order else 0.001

    def take(self) -> list[Entry]:
        """The entries so far, in the order of their first events; they are forgotten, and so are their contents."""
        with self._lock:
            found = list(self.entries.values())
            for kept in (self.entries, self._in_part, self._contents):
                kept.clear()
        return found

    def add_device_seconds(self, entry: Entry, seconds: float) -> None:
        """Add the device time of one of the entry's copies."""
        with self._lock:
            entry.device_seconds = (entry.device_seconds or 0.0) + seconds

    def result(self) -> list[Entry]:
        """The entries, those with most waits and bytes first. They are copies, so later events do not change them."""
        with self._lock:
            found = [
                replace(entry, shapes=list(entry.shapes), bins={n: list(column) for n, column in entry.bins.items()})
                for entry in self.entries.values()
            ]
        return sorted(found, key=lambda entry: (entry.waits, entry.nbytes, entry.count), reverse=True)

    def _entry(self, kind: Kind, source: str, target: str, dtype: str, how: str) -> Entry:
        frames = stack.chain()
        node, prompt = comfyui.running()
        regions = (*node, *open_regions())
        if prompt:
            self.part = prompt
        key = (kind, source, target, dtype, how, regions, *map(id, frames))
        entry = self.entries.get(key)
        if entry is None and len(self.entries) >= MAX_PLACES:
            frames = (CROWDED,)
            key = (kind, source, target, dtype, how, regions, id(CROWDED))
            entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = Entry(kind, source, target, dtype, how, frames, regions=regions)
            if kind == "transfer" and target != "cpu" and self.uses is not None:
                entry.unused = 0
        return entry

    def _count(
        self,
        entry: Entry,
        nbytes: int,
        shape: tuple[int, ...],
        *,
        waits: int,
        seconds: float | None = None,
        flagged: bool = False,
    ) -> None:
        entry.count += 1
        self._count_in_part(entry)
        entry.nbytes += nbytes
        entry.waits += waits
        entry.flagged += flagged
        if seconds is not None:
            entry.seconds = (entry.seconds or 0.0) + seconds
        if len(entry.shapes) < MAX_SHAPES and entry.kind != "sync" and shape not in entry.shapes:
            entry.shapes.append(shape)
        now = self._events if self.by_order else time.perf_counter() - self._start
        self._events += 1
        while now >= BINS * self.bin_width:
            self._halve()
        column = entry.bins.setdefault(int(now / self.bin_width), [0, 0])
        column[0] += 1
        column[1] += nbytes

    def _count_in_part(self, entry: Entry) -> None:
        now = self.part or os.environ.get("PYTEST_CURRENT_TEST", "")
        part, count = self._in_part.get(id(entry), (None, 0))
        if part != now:
            entry.runs += 1
            count = 0
        self._in_part[id(entry)] = now, count + 1
        entry.most = max(entry.most, count + 1)

    def _halve(self) -> None:
        self.bin_width *= 2
        for entry in self.entries.values():
            merged: dict[int, list[int]] = {}
            for number, (count, nbytes) in entry.bins.items():
                column = merged.setdefault(number // 2, [0, 0])
                column[0] += count
                column[1] += nbytes
            entry.bins = merged

    def _ways(self, content: tuple[object, ...]) -> set[tuple[str, str]]:
        ways = self._contents.pop(content, None)
        if ways is None:
            ways = set()
            if len(self._contents) >= MAX_CONTENTS:
                self._contents.popitem(last=False)
        self._contents[content] = ways
        return ways
