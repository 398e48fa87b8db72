"""Compares two records of the same calls: of a real card, and of the simulated one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

KINDS = ("result", "backward", "host operand", "out", "generator", "error", "line", "step", "waits")
_SUBCLASSES = r"(cumprod|prod|vander|linalg.eigh?|masked_fill|index_fill): backward"
_SMALL = r": (trace|ldexp|index_put|mode|expand_as|searchsorted|to_sparse|masked_scatter|linalg.lstsq):"
_LARGE = r"batch_norm|instance_norm|rms_norm|_segment_reduce|_unsafe_masked|ctc_loss|max_(un)?pool|sparse_coo_tensor"
# (pattern of "kind: unit: case", pattern of what is different, why the difference is none of the simulator's)
EXPLAINED = (
    ("conv", "other (words|class)", "convolutions that are refused on both: cuDNN or torch's own kernel says it first"),
    (
        f"{_SMALL}|{_LARGE}",
        "other words",
        "refused on both with the same class of error, in the words of other kernels",
    ),
    ("bilinear", "other class", "refused on both: on the card for the dtype, here for the device"),
    ("jiterator", ".*", "kernels that a program writes itself are compiled for a card when they are called"),
    (
        _SUBCLASSES,
        "fewer waits|taken",
        "torch looks at values to take a shorter way, or to warn, but not of tensor subclasses",
    ),
    (r"line: (print|repr|str)\(", "fewer waits", "torch prints numbers one by one; printing is counted as one wait"),
    (
        "synchronize|event_pair",
        "more waits",
        "the program asks for the wait, and `set_sync_debug_mode` does not report it",
    ),
    (r"unique\(dim=0\)", "more waits", "the wait is inside of a library, and `set_sync_debug_mode` does not report it"),
    ("untyped_storage", "fewer waits", "the storage of a simulated tensor is the host's"),
    ("nn.LSTM.*dropout", "fewer waits", "cuDNN sets up its dropout once in a process"),
    ("^generator", "refused", "nothing is drawn for a tensor without elements, and the generator is not looked at"),
    ("fft|ormqr", "other strides", "the order of the dimensions is that of another library"),
    ("native_batch_norm", "other shape", "what is kept for backward, outside of training"),
    ("^out: (abs|angle|bernoulli)", "refused", "complex `abs`, `angle` and `bernoulli` copy into any `out`"),
    ("dlpack", "refused", "DLPack is not simulated"),
    ("get_rng_state", "other shape", "the state of a simulated generator is that of the host's"),
    ("lstsq", "other shape", "the rank, which the only method of a card does not compute"),
    (r"type\(x\)", "other place", "the class of the class has another name"),
)


@dataclass(frozen=True)
class Difference:
    """A call that the simulated card answers in another way. what: a few words for the way."""

    kind: str
    unit: str
    case: str
    what: str
    card: str
    simulated: str

    @property
    def reason(self) -> str | None:
        """Why it is none of the simulator's; None if that is not known."""
        name = f"{self.kind}: {self.unit}: {self.case}"
        reasons = (
            why for pattern, what, why in EXPLAINED if re.fullmatch(what, self.what) and re.search(pattern, name)
        )
        return next(reasons, None)


@dataclass
class Comparison:
    """What was compared. cases, units: kind -> how many. left_out: why cases are not compared -> how many."""

    cases: Counter[str] = field(default_factory=Counter)
    units: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    left_out: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def units_compared(self) -> set[str]:
        """Names of all units of which a call was compared."""
        return set().union(*self.units.values())


def compare(card: Mapping[str, Any], simulated: Mapping[str, Any]) -> Comparison:
    """Compare the units that are in both records."""
    made = Comparison()
    for unit, cases in card["units"].items():
        others = simulated["units"].get(unit)
        if others is None:
            made.left_out["the unit is in one record only"] += len(cases)
            continue
        for case, there in cases.items():
            here = others.get(case)
            left_out = _left_out(there, here)
            if left_out:
                made.left_out[left_out] += 1
                continue
            kind = case.partition(":")[0]
            _count(
                made, kind, unit, case, _different(there["outcome"], here["outcome"]), there["outcome"], here["outcome"]
            )
            if not there["outcome"].startswith("! ") and not here["outcome"].startswith(("! ", "? ")):
                waits, ours = there["waits"], here["waits"]
                what = "" if waits == ours else "fewer waits" if ours < waits else "more waits"
                _count(made, "waits", unit, case, what, str(waits), f"{ours} ({here['how']})")
    return made


def _count(made: Comparison, kind: str, unit: str, case: str, what: str, there: str, here: str) -> None:
    made.cases[kind] += 1
    made.units[kind].add(unit)
    if what:
        made.differences.append(Difference(kind, unit, case, what, there, here))


def _left_out(there: Mapping[str, Any], here: Mapping[str, Any] | None) -> str:
    if here is None:
        return "the case is in one record only"
    if there["outcome"].startswith("? "):
        return "it could not be made on the card"
    if there["given"] != here["given"] and not here["outcome"].startswith("? "):
        return "the samples are others"
    return "" if there["outcome"] != "nothing" else "nothing to compare"


_SOURCE = re.compile(r' at "[^"]*":\d+')  # a place in torch's source


def _different(there: str, here: str) -> str:
    """What is different about two outcomes, in a few words; "" for nothing."""
    there, here = (_SOURCE.sub("", each) for each in (there, here))
    if there == here or (there.startswith("! NotImpl") and here.startswith("! ") and there.startswith(here)):
        return ""
    refused, refuses = there.startswith("! "), here.startswith(("! ", "? "))
    if refused != refuses:
        return "taken" if refused else "refused"
    if refused:
        return "other class" if there.split(":")[0] != here.split(":")[0] else "other words"
    theirs, ours = there.split("; "), here.split("; ")
    if len(theirs) != len(ours):
        return "other results"
    for name, part in (
        ("place", r"^\S+"),
        ("dtype", r"^\S+ (\S+)"),
        ("shape", r"\[[\d, ]*\]"),
        ("strides", r"strides \[[\d, ]*\]"),
    ):
        if [_part(each, part) for each in theirs] != [_part(each, part) for each in ours]:
            return f"other {name}"
    return "other results"


def _part(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found[0] if found else ""


def table(made: Comparison) -> str:
    """The table of the docs, with the reasons of what is explained."""
    lines = ["| | units | calls | as on the card | explained | not |", "| --- | --: | --: | --: | --: | --: |"]
    for kind in KINDS:
        found = [each for each in made.differences if each.kind == kind]
        wrong = sum(each.reason is None for each in found)
        figures = (len(made.units[kind]), made.cases[kind], made.cases[kind] - len(found), len(found) - wrong, wrong)
        lines.append(f"| {kind} | {' | '.join(f'{figure:,}' for figure in figures)} |")
    reasons = Counter(each.reason for each in made.differences if each.reason is not None)
    if reasons:
        lines += ["", "Explained:", "", *(f"- {count:,}: {why}." for why, count in reasons.most_common())]
    return "\n".join(lines)


def listing(differences: Sequence[Difference], shown: int) -> Iterator[str]:
    """The differences by kind, by what is different and by unit, with up to `shown` examples of each unit."""
    groups: dict[tuple[str, str], dict[str, list[Difference]]] = {}
    for each in differences:
        groups.setdefault((each.kind, each.what), {}).setdefault(each.unit, []).append(each)
    for (kind, what), units in sorted(groups.items()):
        yield f"== {kind}, {what}: {sum(map(len, units.values()))} calls of {len(units)} units"
        for unit, found in units.items():
            for each in found[:shown]:
                yield f"   {unit} | {each.case} | card: {each.card} | simulated: {each.simulated}"
            if len(found) > shown:
                yield f"   {unit}: and {len(found) - shown} more"
