"""The data of one traced run: summed events with their places, how the run ended, and what could not be recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from dataclasses import fields as fields_of
from typing import Any, Literal

from transfer_lint.problems import Problem

VERSION = 1

Kind = Literal["transfer", "read", "sync", "idle"]
"""transfer: data went from one device to another. read: the host waited for a value on a device; no tensor was copied.
sync: the program asked the host to wait, or only `set_sync_debug_mode` saw a wait. idle: a no-op call: a transfer call
or host read that had nothing to do."""


@dataclass(frozen=True)
class Frame:
    """A position in code that ran.

    file: an absolute path, or a name in brackets if the code is from no file. line: the 1-based line where the call
    starts. end_line, end_byte: where the call ends (1-based line; 0-based byte in it, just past the end); both are 0
    if Python does not tell (before 3.11).
    """

    file: str
    line: int
    function: str
    end_line: int = 0
    end_byte: int = 0


@dataclass(frozen=True)
class Region:
    """A part of a run that has a name.

    kind: `region` (named in the program), `node` (of a ComfyUI workflow) or `phase`. name: of a node, its class. id,
    title: of a node; "" for others.
    """

    kind: str
    name: str
    id: str = ""
    title: str = ""


@dataclass
class Entry:
    """All events of one kind at one place.

    source, target: devices as torch spells them; for a read, the device and `cpu`. dtype: as torch spells it, without
    its prefix. how: the call or operator (`to`, `copy_`, `item`, `nonzero`, `synchronize`). chain: the call stack,
    innermost first; its first frame is the source line. regions: the named parts of the run that they are in, outermost
    first.

    count: number of events. runs: in how many parts of the run they happened; a part is a test of pytest, a function of
    a scenario, a queued prompt of ComfyUI, or the whole program. most: the most events in one part. nbytes: bytes that
    were moved or read. waits: how often the host waited for the device. seconds: host time inside the calls.
    device_seconds: device time of the copies. Both are None if not measured, as in a simulation.
    again, again_bytes: events whose content went the same way before. back, back_bytes: events whose content had come,
    unchanged, from where it goes now. unused, unused_bytes: arrivals on a device that no operator used; unused is None
    if uses were not followed. flagged: waits that only `torch.cuda.set_sync_debug_mode` saw. shapes: the first few
    shapes. bins: columns of the timeline, number -> [events, bytes].
    """

    kind: Kind
    source: str
    target: str
    dtype: str
    how: str
    chain: tuple[Frame, ...]
    count: int = 0
    runs: int = 0
    most: int = 0
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
    regions: tuple[Region, ...] = ()

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

    Attributes:
        how: `returned`, `raised`, `exited`, `timeout`, `killed`, `refused` (could not be started) or `running` (has
            not ended).
        code: The exit code.
        text: A message for the user; "" if there is none.
        places: `file:line in function` of the program's own frames, outermost first.
    """

    how: str
    code: int
    text: str = ""
    places: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the program ended by itself with exit code 0."""
        return self.how in ("returned", "exited") and self.code == 0


@dataclass
class Trace:
    """One traced run.

    Attributes:
        program: What was run, as the user named it.
        machine: Versions of torch and Python, the system, the devices.
        simulated: The kind of accelerator that was simulated; "" for none.
        ending: How the program ended.
        seconds: Wall time of the run.
        own_seconds: The part of it that the tracer took.
        axis: The unit of the timeline, `seconds` or `events`.
        bin_width: Width of one bin of the timeline, in that unit.
        entries: The transfers, host reads and waits, one entry per place and kind.
        lines_run: File -> lines of user code that ran; None if not recorded, as by default before Python 3.12.
        notes: What the reader has to know about the figures.
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
        """The sum of one of Entry's figures over all entries, or over those of one kind."""
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
    """The trace as plain lists, dictionaries, numbers and strings."""
    return asdict(trace)


def read(path: str) -> Trace:
    """The trace in a file that `trace --format json` wrote.

    Raises:
        Problem: the file cannot be read, or is not such a trace.
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
    """The trace that `as_dict` gave as plain data.

    Raises KeyError, TypeError, ValueError or AttributeError for something else.
    """
    names = {each.name for each in fields_of(Trace)}
    fields = {key: item for key, item in value.items() if key in names}
    ending = {**fields["ending"], "places": tuple(fields["ending"]["places"])}
    return Trace(
        **{**fields, "ending": Ending(**ending), "entries": [entry_from_dict(item) for item in fields["entries"]]}
    )


def entry_from_dict(value: Mapping[str, Any]) -> Entry:
    """One entry of a trace from plain data. Raises what `from_dict` raises."""
    chain = tuple(Frame(**frame) for frame in value["chain"])
    if not chain:
        raise ValueError("an entry has no place")
    bins = {int(number): list(item) for number, item in value["bins"].items()}
    regions = tuple(Region(**region) for region in value.get("regions", ()))
    return Entry(
        **{
            **value,
            "regions": regions,
            "chain": chain,
            "bins": bins,
            "shapes": [tuple(shape) for shape in value["shapes"]],
        }
    )
