"""Compares what the lint says about a place with what a run did there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from transfer_lint.evidence.lines import Line, by_line
from transfer_lint.evidence.model import Entry, Trace
from transfer_lint.evidence.silent import Silent, silent
from transfer_lint.files.text import lines_of
from transfer_lint.findings import Finding, Saving
from transfer_lint.lint.outcome import Outcome
from transfer_lint.rules import RULES


class Status(Enum):
    """What a run shows about a finding.

    confirmed: the run did what the finding says. refuted: it did the opposite. never reached: the line did not run.
    undecided: what was recorded neither shows nor contradicts the finding.
    """

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    NEVER = "never reached"
    UNDECIDED = "undecided"


@dataclass(frozen=True, order=True)
class Stake:
    """What a run showed that mending a finding can save at most; findings are ranked by it.

    waits, nbytes: of its call, if its fix saves these or it has none. calls: those that had nothing to do.
    """

    waits: int = 0
    nbytes: int = 0
    calls: int = 0

    @property
    def matters(self) -> bool:
        """Whether it is more than calls with nothing to do."""
        return bool(self.waits or self.nbytes)


def stake_of(code: str, entries: Iterable[Entry]) -> Stake:
    """What is at stake for a finding of a rule, with what happened at its call."""
    saves = RULES[code].saves if code in RULES else Saving.NOTHING
    found = list(entries)
    nbytes = sum(entry.nbytes for entry in found)
    if saves is Saving.CALLS:
        return Stake(calls=sum(entry.count for entry in found if entry.kind == "idle"))
    return Stake(nbytes=nbytes) if saves is Saving.BYTES else Stake(sum(entry.waits for entry in found), nbytes)


@dataclass(frozen=True)
class Judged:
    """A finding and its status.

    why: the reason, in words. events, nbytes, waits, seconds: of the finding's call; seconds is None if not measured.
    stake: what mending it can save.
    """

    finding: Finding
    status: Status
    why: str
    events: int = 0
    nbytes: int = 0
    waits: int = 0
    seconds: float | None = None
    stake: Stake = Stake()


@dataclass(frozen=True)
class Joined:
    """What a run shows about the findings, and what it shows besides.

    findings: all judged findings, those with most at stake first. unreported: lines that moved or read data and have no
    finding. silent: the waste at such lines.
    """

    findings: tuple[Judged, ...]
    unreported: tuple[Line, ...]
    silent: tuple[Silent, ...] = ()

    def of(self, status: Status) -> list[Judged]:
        """The findings with that status."""
        return [each for each in self.findings if each.status is status]


def join(trace: Trace, outcome: Outcome, within: Sequence[str] = (".",)) -> Joined:
    """Judge every finding about code by what the run did at its call.

    within: the files and folders that were checked; of other files nothing is said.
    """
    by_file: dict[str, list[Entry]] = {}
    for entry in trace.entries:
        by_file.setdefault(os.path.realpath(entry.where.file), []).append(entry)
    lines_run = None
    if trace.lines_run is not None:
        lines_run = {os.path.realpath(name): frozenset(numbers) for name, numbers in trace.lines_run.items()}
    judged = []
    spoken_of: set[tuple[str, int]] = set()
    for finding in outcome.findings:
        if finding.about_lint:
            continue
        file, span = os.path.realpath(finding.path), range(finding.line, finding.end_line + 1)
        entries = at(finding, by_file.get(file, ()), lines_of(outcome.texts.get(finding.path, "")))
        spoken_of.update((file, number) for number in (*span, *(entry.where.line for entry in entries)))
        ran = None if lines_run is None else not lines_run.get(file, frozenset()).isdisjoint(span)
        judged.append(_judge(finding, entries, trace, ran))
    roots = tuple(os.path.realpath(path) for path in within)
    unspoken = [
        entry
        for file, entries in by_file.items()
        if any(file == root or file.startswith(os.path.join(root, "")) for root in roots)
        for entry in entries
        if entry.where.line and (file, entry.where.line) not in spoken_of
    ]
    lines = (line for line in by_line(unspoken) if line.transfers or line.reads)
    judged.sort(key=lambda each: each.stake, reverse=True)
    return Joined(tuple(judged), tuple(lines), silent(unspoken))


def at(finding: Finding, entries: Iterable[Entry], lines: Sequence[str]) -> list[Entry]:
    """The entries of the finding's call: found by where the call ends, or by line if the run has not recorded that."""
    near = [entry for entry in entries if finding.line <= entry.where.line <= finding.end_line
            or entry.where.line <= finding.line <= entry.where.end_line]  # fmt: skip
    text = lines[finding.end_line - 1] if 0 < finding.end_line <= len(lines) else ""
    end = (finding.end_line, len(text[: finding.end_column - 1].encode("utf-8")))
    if finding.code in _WHOLE and text:  # what the read reads may have been brought by a call inside of it
        return [entry for entry in near if (entry.where.end_line, entry.where.end_byte) <= end]
    exact = [entry for entry in near if (entry.where.end_line, entry.where.end_byte) == end]
    if exact or not text:
        return exact or near
    if _VERDICTS.get(finding.code) is _host_read:  # a test, a print: the wait is inside of what the finding marks
        inside = [
            entry for entry in near if entry.kind == "read" and (entry.where.end_line, entry.where.end_byte) < end
        ]
        if any(entry.where.end_line for entry in inside):
            return inside
    return [entry for entry in near if not entry.where.end_line]


def _judge(finding: Finding, entries: Sequence[Entry], trace: Trace, ran: bool | None) -> Judged:
    if not entries:
        if ran is None:
            return Judged(
                finding, Status.UNDECIDED, "nothing was seen there; this run does not tell whether its line ran"
            )
        if not ran:
            return Judged(finding, Status.NEVER, "its line did not run")
        return Judged(finding, Status.UNDECIDED, "it ran, and nothing was seen to move, wait or idle there")
    moved = [entry for entry in entries if entry.kind == "transfer"]
    seen = _Seen(
        moved=sum(entry.count for entry in moved),
        to_host=sum(entry.count for entry in moved if entry.target == "cpu"),
        idle=sum(entry.count for entry in entries if entry.kind == "idle"),
        idle_on_host=sum(entry.count for entry in entries if entry.kind == "idle" and entry.source == "cpu"),
        waits=sum(entry.waits for entry in entries),
        device=trace.has_device,
    )
    status, why = _VERDICTS.get(finding.code, _any_event)(seen)
    timed = [entry.seconds for entry in entries if entry.seconds is not None]
    return Judged(
        finding,
        status,
        why,
        events=sum(entry.count for entry in entries),
        nbytes=sum(entry.nbytes for entry in entries),
        waits=seen.waits,
        seconds=sum(timed) if timed else None,
        stake=stake_of(finding.code, entries),
    )


@dataclass(frozen=True)
class _Seen:
    """What happened at one call.

    moved: copies. to_host: how many of them went to the host. idle: no-op calls. idle_on_host: how many of them were
    on host values. waits: how often the host waited. device: whether there was an accelerator.
    """

    moved: int
    to_host: int
    idle: int
    idle_on_host: int
    waits: int
    device: bool


_Verdict = tuple[Status, str]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _redundant(seen: _Seen) -> _Verdict:
    if seen.moved:
        return Status.REFUTED, f"the value was elsewhere: the call moved it {_times(seen.moved)}"
    return Status.CONFIRMED, f"called {_times(seen.idle)}, never with anything to do"


def _guardable(seen: _Seen) -> _Verdict:
    if seen.idle:
        return Status.CONFIRMED, f"nothing to do {_times(seen.idle)}, a copy {_times(seen.moved)}"
    return Status.UNDECIDED, f"a copy {_times(seen.moved)}: needed every time in this run"


def _round_trip(seen: _Seen) -> _Verdict:
    if seen.to_host:
        return Status.CONFIRMED, f"copied to the host {_times(seen.to_host)}"
    if not seen.device:
        return Status.UNDECIDED, "without an accelerator there is no way to the host"
    if seen.idle_on_host and not seen.moved:
        return Status.REFUTED, "the value was on the host already"
    return Status.UNDECIDED, "in this run the intermediate device is the accelerator itself"


def _host_read(seen: _Seen) -> _Verdict:
    if seen.waits:
        return Status.CONFIRMED, f"the host waited {_times(seen.waits)}"
    if not seen.device:
        return Status.UNDECIDED, "without an accelerator there is nothing to wait for"
    return Status.REFUTED, "the value was on the host"


def _moves(seen: _Seen) -> _Verdict:
    if seen.moved:
        return Status.CONFIRMED, f"copied {_times(seen.moved)}"
    return Status.UNDECIDED, "it was there already"


def _not_shown(_: _Seen) -> _Verdict:
    return Status.UNDECIDED, "what moves there shows neither"


def _any_event(seen: _Seen) -> _Verdict:
    if seen.moved or seen.waits:
        return Status.CONFIRMED, f"copied {_times(seen.moved)}, waited {_times(seen.waits)}"
    return Status.UNDECIDED, f"nothing to do {_times(seen.idle)}"


_VERDICTS: Mapping[str, Callable[[_Seen], _Verdict]] = {
    "TL101": _redundant,
    "TL102": _guardable,
    "TL103": _guardable,
    "TL104": _round_trip,
    "TL105": _moves,
    "TL107": _moves,
    "TL108": _moves,
    "TL109": _moves,
    "TL106": _moves,
    "TL110": _moves,
    "TL111": _moves,
    "TL201": _moves,
    "TL202": _moves,
    "TL203": _moves,
    "TL204": _not_shown,
    "TL205": _not_shown,
    "TL301": _host_read,
    "TL302": _host_read,
    "TL303": _host_read,
    "TL304": _not_shown,
}
"""Rule code -> function that compares what was seen with what the rule claims. Other rules have `_any_event`."""

_WHOLE = frozenset({"TL303"})
"""Rules whose findings are about all that happens in their expression, not about one call."""
