"""Which finding of the first text each finding of the present text is, through the rounds of `fix`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from transfer_lint.findings import Finding
from transfer_lint.lint.fingerprints import expressions


class Known(NamedTuple):
    """What names a finding in any text of its file: all but its place."""

    path: str
    code: str
    function: str
    expression: str


@dataclass(frozen=True)
class _Tracked:
    """A finding of the present text. origin: what it was in the first text; None: it was not there.

    made_by: if it was not there, the fixes of the round that it came with, as far as they are about its function.
    """

    finding: Finding
    known: Known
    origin: Finding | None
    made_by: frozenset[Known] = frozenset()

    @property
    def exposed(self) -> bool:
        """Whether it is worth acting on now, and was not before the fixes."""
        return self.finding.severity.rank > 0 and (self.origin is None or self.origin.severity.rank == 0)


@dataclass
class Lineage:
    """Follows findings by rule, function and expression; a fix may change the rule or expression of what it leaves.

    found: path -> the findings of the first text.
    """

    found: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)
    _now: dict[str, list[_Tracked]] = field(default_factory=dict)

    def begin(self, path: str, text: str, findings: Sequence[Finding]) -> None:
        """Take the findings of a first text."""
        self.found[path], self._first[path] = tuple(findings), text
        self._now.pop(path, None)

    def follow(self, path: str, text: str, findings: Sequence[Finding], fixed: Collection[Finding]) -> None:
        """Take the findings of a text after a round. fixed: what the round fixed in it."""
        if path not in self._now and tuple(findings) == self.found.get(path):
            return
        before = self._tracked(path)
        if [each.finding for each in before] == list(findings):
            return
        by = {each.known for each in before if each.finding in fixed}
        left = [each for each in before if each.finding not in fixed]
        after = list(_known(path, text, findings))
        came_from = _matched([each.known for each in left], [known for _, known in after])
        self._now[path] = [
            _Tracked(finding, known, None, frozenset(_about(by, known.function)))
            if i is None
            else _Tracked(finding, known, left[i].origin, left[i].made_by)
            for i, (finding, known) in zip(came_from, after, strict=True)
        ]

    @property
    def origins(self) -> dict[Finding, Finding]:
        """Finding of the present texts -> the finding of the first text that it is; without those that are new."""
        found = {
            finding: finding for path, findings in self.found.items() if path not in self._now for finding in findings
        }
        found.update((each.finding, each.origin) for now in self._now.values() for each in now if each.origin)
        return found

    def known(self, path: str) -> Mapping[Finding, Known]:
        """The findings of a present text, with what names them."""
        return {each.finding: each.known for each in self._tracked(path)}

    def culprits(self) -> frozenset[Known]:
        """The fixes that have brought something to light that is worth acting on and was not before."""
        return frozenset(fix for now in self._now.values() for each in now if each.exposed for fix in each.made_by)

    def _tracked(self, path: str) -> list[_Tracked]:
        if path not in self._now:
            first = _known(path, self._first.get(path, ""), self.found.get(path, ()))
            self._now[path] = [_Tracked(finding, known, finding) for finding, known in first]
        return self._now[path]


def _known(path: str, text: str, findings: Sequence[Finding]) -> Iterator[tuple[Finding, Known]]:
    for finding, expression in zip(findings, expressions(text, findings) if findings else (), strict=True):
        yield finding, Known(path, finding.code, finding.function, expression)


def _matched(before: Sequence[Known], after: Sequence[Known]) -> list[int | None]:
    """For each of `after` the index of what it was before: the same expression, else, in order, the same rule.

    The same expression may be found by another rule once another call is gone.
    """
    free = list(range(len(before)))
    found: list[int | None] = [None] * len(after)
    for alike in (_whole, _same_expression, _same_rule):
        for n, known in enumerate(after):
            if found[n] is None:
                found[n] = next((i for i in free if alike(before[i]) == alike(known)), None)
                free = [i for i in free if i != found[n]]
    return found


def _whole(known: Known) -> tuple[str, ...]:
    return known


def _same_expression(known: Known) -> tuple[str, ...]:
    return known.path, known.function, known.expression


def _same_rule(known: Known) -> tuple[str, ...]:
    return known.path, known.code, known.function


def _about(fixes: Collection[Known], function: str) -> Collection[Known]:
    """Those of a function; if there are none, all."""
    return [fix for fix in fixes if fix.function == function] or fixes
