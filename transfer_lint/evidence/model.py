"""What one traced run did: summed events with their places, how the run ended, and what could not be seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from transfer_lint.problems import Problem

VERSION = 1

Kind = Literal["transfer", "read", "sync", "idle"]
"""transfer: data went from one device to another. read: the host waited for a device value without copying a tensor.
sync: the program asked the host to wait. idle: a transfer or host read that had nothing to do."""


@dataclass(frozen=True)
class Frame:
    """A position in code that ran.

    file: absolute where it is a file. line: 1-based, where the call starts. end_line, end_byte: where the call ends
    (0-based byte in its line, just past it); 0 and 0 where the Python that ran does not say (before 3.11).
    """

    file: str
    line: int
    function: str
    end_line: int = 0
    end_byte: int = 0


@dataclass
class Entry:
    """All events of one kind at one place.

    source, target: devices as torch spells them; for a read, the device and `cpu`. dtype: as torch spells it without
    its prefix. how: the call or operator (`to`, `copy_`, `item`, `nonzero`, `synchronize`). chain: the callers in
    user code, innermost first; its first frame is the source line.

    count: events. nbytes: bytes that travelled. waits: how often the host waited for the device. seconds: host time
    inside, device_seconds: the copies' own, both None where time means nothing (a simulation).
    again, again_bytes: of these, the same content as before to the same place. back: content that came from where it
    goes now, unchanged. unused: arrivals on a device that no operator took; None where uses were not followed.
    flagged: waits that `torch.cuda.set_sync_debug_mode` saw. shapes: the first few.
    bins: of the timeline, number -> [events, bytes].
    """

    kind: Kind
    source: str
    target: str
    dtype: str
    how: str
    chain: tuple[Frame, ...]
    count: int = 0
    nbytes: int = 0
    waits: int = 0
    seconds: float | None = None
    device_seconds: float | None = None
    again: int = 0
    again_bytes: int = 0
    back: int = 0
    back_bytes: int = 0
    unused: int | None = None
    unused_bytes: int = 0
    flagged: int = 0
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    bins: dict[int, list[int]] = field(default_factory=dict)

    @property
    def where(self) -> Frame:
        """The source line's frame."""
        return self.chain[0]

    @property
    def direction(self) -> str:
        """`host-to-device`, `device-to-host`, `device-to-device` or `on the host`."""
        ends = tuple("host" if end == "cpu" else "device" for end in (self.source, self.target))
        return "on the host" if ends == ("host", "host") else f"{ends[0]}-to-{ends[1]}"


@dataclass(frozen=True)
class Ending:
    """How the program ended.

    how: `returned`, `raised`, `exited`, `timeout`, `killed`, `refused` (could not be started). code: the exit status
    that it asked for or got. text: one line for the user, "" where it returned. places: `file:line in function` of the
    program's own frames, outermost first.
    """

    how: str
    code: int
    text: str = ""
    places: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the program ran to its end and asked for nothing but success."""
        return self.how in ("returned", "exited") and self.code == 0


@dataclass
class Trace:
    """One traced run.

    program: what was run, as the user named it. machine: torch's version, Python's, devices. simulated: the kind of
    accelerator that was simulated, "" for none. seconds: wall time inside; own_seconds: of it, spent by the tracer.
    axis: what the timeline counts, `seconds` or `events`; bin_width: of one bin, in that unit. lines_run: file ->
    lines of user code that ran, None where that was not recorded (before Python 3.12). notes: what the reader has to
    know about the figures.
    """

    program: str
    machine: dict[str, str]
    simulated: str
    ending: Ending
    seconds: float
    own_seconds: float
    axis: str
    bin_width: float
    entries: list[Entry]
    lines_run: dict[str, list[int]] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def has_device(self) -> bool:
        """Whether there was an accelerator, real or simulated: without one nothing can move."""
        return bool(self.simulated) or self.machine.get("devices", "none") != "none"

    def total(self, name: str, kind: Kind | None = None) -> int:
        """The sum of one of Entry's figures over all entries, or over those of a kind."""
        return sum(getattr(entry, name) or 0 for entry in self.entries if kind is None or entry.kind == kind)

    @property
    def transfers(self) -> int:
        """Transfers between devices."""
        return self.total("count", "transfer")

    @property
    def nbytes(self) -> int:
        """Bytes of transfers and reads."""
        return self.total("nbytes", "transfer") + self.total("nbytes", "read")

    @property
    def waits(self) -> int:
        """How often the host waited for a device."""
        return self.total("waits")


def to_json(trace: Trace) -> str:
    """The trace as one JSON object, `version` 1, indented."""
    return json.dumps({"version": VERSION, **as_dict(trace)}, indent=1)


def as_dict(trace: Trace) -> dict[str, Any]:
    """Plain lists, dictionaries, numbers and strings."""
    return asdict(trace)


def read(path: str) -> Trace:
    """The trace in a file that `trace --format json` wrote.

    Raises:
        Problem: it cannot be read or is something else.
    """
    mend = "give what transfer-lint trace --format json wrote"
    try:
        with open(path, encoding="utf-8") as stream:
            value = json.load(stream)
    except OSError as error:
        raise Problem(path, f"cannot be read: {error.strerror}", mend) from None
    except ValueError:
        raise Problem(path, "is no JSON", mend) from None
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise Problem(path, "is no trace of this version", mend)
    try:
        return from_dict(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Problem(path, f"is no trace: {type(error).__name__}: {error}", mend) from None


def from_dict(value: Mapping[str, Any]) -> Trace:
    """What `as_dict` gave. Raises KeyError or TypeError for something else."""
    fields = {key: item for key, item in value.items() if key != "version"}
    ending = {**fields["ending"], "places": tuple(fields["ending"]["places"])}
    return Trace(**{**fields, "ending": Ending(**ending), "entries": [_entry(item) for item in fields["entries"]]})


def _entry(value: Mapping[str, Any]) -> Entry:
    chain = tuple(Frame(**frame) for frame in value["chain"])
    if not chain:
        raise ValueError("an entry has no place")
    bins = {int(number): list(item) for number, item in value["bins"].items()}
    return Entry(**{**value, "chain": chain, "bins": bins, "shapes": [tuple(shape) for shape in value["shapes"]]})
