"""Counts what a run shows about the findings: by rule, and by the assumptions that they rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from transfer_lint.evidence.join import Joined, Judged, Status
from transfer_lint.findings import Finding


@dataclass(frozen=True)
class Tally:
    """The findings that have something in common. name: what that is. judged: they, in their order."""

    name: str
    judged: tuple[Judged, ...]

    def of(self, status: Status) -> list[Judged]:
        """The findings with that status."""
        return [each for each in self.judged if each.status is status]

    def counts(self) -> dict[str, int]:
        """Status in words -> number of findings."""
        return {status.value: len(self.of(status)) for status in Status}


def by_rule(joined: Joined) -> list[Tally]:
    """One tally for each rule that found something, in the order of codes."""
    return _grouped(joined, lambda finding: [f"{finding.code} {finding.name}"])


def by_assumption(joined: Joined) -> list[Tally]:
    """One tally for each assumption that a finding rests on: confirmed means that it held, refuted that it broke.

    A finding that rests on several counts for each of them.
    """
    return _grouped(joined, lambda finding: finding.assumptions)


def _grouped(joined: Joined, names: Callable[[Finding], Iterable[str]]) -> list[Tally]:
    groups: dict[str, list[Judged]] = {}
    for each in joined.findings:
        for name in names(each.finding):
            groups.setdefault(name, []).append(each)
    return [Tally(name, tuple(judged)) for name, judged in sorted(groups.items())]
