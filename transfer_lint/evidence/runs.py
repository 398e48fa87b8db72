"""The data of `verify`: what each of the two programs did, and the result of comparing them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from transfer_lint.evidence.model import Ending, Trace, as_dict
from transfer_lint.evidence.model import from_dict as trace_from_dict

VERSION = 1


@dataclass(frozen=True)
class Output:
    """One leaf of what a scenario returned.

    path: as in `run['samples'][0]`. kind: `tensor`, `array`, `image` or `value`. device, dtype, shape: of tensors and
    arrays. digest: a hash of the bytes, or the text of a value. flags: what else must agree (`requires grad`).
    previews: base64 PNG pictures of an image. own_attribute: it was reached through an attribute of an object. A fix
    may add attributes, so such an output in the fixed program alone is no difference.
    """

    path: str
    kind: str
    digest: str
    device: str = ""
    dtype: str = ""
    shape: tuple[int, ...] = ()
    flags: str = ""
    previews: tuple[str, ...] = ()
    own_attribute: bool = False

    def differs_from(self, other: Output) -> list[str]:
        """The differences, in words; [] if there is none."""
        found = []
        for name in ("kind", "device", "dtype", "shape", "flags"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                found.append(f"{name}: {_shown(mine)} and {_shown(theirs)}")
        if self.digest != other.digest:
            both = self.kind == other.kind == "value"
            found.append(f"value: {self.digest[:80]} and {other.digest[:80]}" if both else "other bits")
        return found


def _shown(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value) or "none"


@dataclass(frozen=True)
class Call:
    """One call of the scenario.

    transfers, nbytes, waits, idle: totals of its events. peak_memory: most bytes in use on all devices during the
    call. left_memory: bytes in use after it. Both are None without a device. random: generator -> hash of its state
    after the call. outputs: path -> digest.
    """

    transfers: int
    nbytes: int
    waits: int
    idle: int
    peak_memory: int | None
    left_memory: int | None
    random: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass
class Run:
    """The run of one program with a scenario.

    nodes: the names in NODE_CLASS_MAPPINGS, None for a program without. outputs: of the first call. seconds: of each
    untraced call, [] in a simulation. not_compared: what was returned and cannot be compared.
    """

    program: str
    ending: Ending
    nodes: list[str] | None = None
    outputs: list[Output] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)
    trace: Trace | None = None

    def per_call(self, name: str) -> float | None:
        """The mean of one of Call's figures; None if it was not measured."""
        values = [getattr(call, name) for call in self.calls]
        if not values or any(value is None for value in values):
            return None
        return float(sum(values)) / len(values)

    def most(self, name: str) -> int | None:
        """The largest of one of Call's figures; None if it was not measured."""
        values = [getattr(call, name) for call in self.calls]
        return None if not values or any(value is None for value in values) else max(values)

    @property
    def leak(self) -> int | None:
        """How many more bytes are in use after the last call than after the second.

        None with fewer than 3 calls, and if memory was not measured.
        """
        if len(self.calls) < 3 or self.calls[1].left_memory is None or self.calls[-1].left_memory is None:
            return None
        return self.calls[-1].left_memory - self.calls[1].left_memory

    @property
    def median_seconds(self) -> float | None:
        """The median time of the timed calls; None if there is none."""
        return median(self.seconds) if self.seconds else None


def to_json(run: Run) -> str:
    """The run as one JSON object."""
    return json.dumps({**asdict(run), "trace": as_dict(run.trace) if run.trace else None})


def from_json(text: str) -> Run:
    """The run that `to_json` wrote."""
    value: dict[str, Any] = json.loads(text)
    ending = {**value["ending"], "places": tuple(value["ending"]["places"])}
    outputs = [Output(**{**each, "shape": tuple(each["shape"]), "previews": tuple(each["previews"])})
               for each in value["outputs"]]  # fmt: skip
    return Run(
        **{
            **value,
            "ending": Ending(**ending),
            "outputs": outputs,
            "calls": [Call(**each) for each in value["calls"]],
            "trace": trace_from_dict(value["trace"]) if value["trace"] else None,
        }
    )


@dataclass(frozen=True)
class Distance:
    """How far apart two outputs are that are not bit-identical.

    differing, of: how many numbers differ, of how many. max_abs, max_rel: the largest absolute and relative
    difference; None if the outputs cannot be subtracted. within: inside the given tolerances. pictures: base64 PNG
    pictures of the difference, brightened.
    """

    path: str
    differing: int
    of: int
    max_abs: float | None
    max_rel: float | None
    within: bool
    pictures: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The distance in words."""
        if self.max_abs is None:
            return "cannot be subtracted"
        end = ", within the tolerances" if self.within else ""
        return f"{self.differing} of {self.of} numbers differ, by at most {self.max_abs:.3g}{end}"


@dataclass(frozen=True)
class Row:
    """One line of the table. good: None if it is not judged. cost: it is about what is spent, not about results."""

    name: str
    original: str
    fixed: str
    verdict: str
    good: bool | None
    cost: bool = False


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side. differences: one line of text each. could: the original ran, so there is a verdict."""

    original: Run
    fixed: Run
    rows: tuple[Row, ...]
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    distances: Mapping[str, Distance]
    could: bool

    @property
    def good(self) -> bool:
        """Whether the fixed program does the same and is no worse."""
        return self.could and all(row.good is not False for row in self.rows)

    @property
    def same(self) -> bool:
        """Whether the fixed program does the same, at whatever cost."""
        return self.could and all(row.good is not False for row in self.rows if not row.cost)

    @property
    def verdict(self) -> str:
        """The verdict in one sentence."""
        if not self.could:
            return "could not be compared: the original itself does not run under this scenario"
        if self.good:
            return "the same, and no worse"
        bad = [row.name for row in self.rows if row.good is False]
        return f"not the same, or worse: {', '.join(bad)}"


def mismatched(original: Run, fixed: Run) -> Iterable[str]:
    """Paths of outputs of the first call whose bits differ although kind, dtype and shape agree."""
    other = {each.path: each for each in fixed.outputs}
    for each in original.outputs:
        twin = other.get(each.path)
        if twin is None or each.kind == "value" or each.digest == twin.digest:
            continue
        if (each.kind, each.dtype, each.shape) == (twin.kind, twin.dtype, twin.shape):
            yield each.path
