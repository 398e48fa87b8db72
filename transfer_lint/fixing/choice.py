"""A choice of fixes: which of all those that the settings allow are applied."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from transfer_lint.files.text import lines_of
from transfer_lint.findings import Finding
from transfer_lint.lint.fingerprints import expressions


@dataclass(frozen=True)
class FixKey:
    """What names a fix, whatever else is applied. number: tells apart those that agree in all else, from 0."""

    path: str
    code: str
    function: str
    expression: str
    number: int = 0


@dataclass(frozen=True)
class Candidate:
    """A fix that may be applied, or was. finding: as it is in that round. text: that of its file, before the fix."""

    key: FixKey
    finding: Finding
    text: str

    def lines_in(self, original: str) -> range:
        """The lines of `original`, an earlier state of the file, that the finding is about: numbers from 1."""
        first, last = self.finding.line - 1, self.finding.end_line
        matcher = difflib.SequenceMatcher(None, lines_of(original), lines_of(self.text), autojunk=False)
        found = [
            (i1 + (first - j1 if tag == "equal" else 0), i1 + last - j1 if tag == "equal" and last <= j2 else i2)
            for tag, i1, i2, j1, j2 in matcher.get_opcodes()
            if j1 <= first < j2
        ]
        start, stop = found[0] if found else (first, last)
        return range(start + 1, max(stop, start + 1) + 1)


Wanted = Callable[[Candidate], bool]
"""Whether a fix is to be applied."""


@dataclass
class Choice:
    """Says during the rounds of `fix` which findings may be fixed, and keeps what was.

    applied: the fixes that were applied, in their order. left_out: those that are not wanted.
    """

    wanted: Wanted
    applied: list[Candidate] = field(default_factory=list)
    left_out: set[FixKey] = field(default_factory=set)
    _open: dict[FixKey, list[int]] = field(default_factory=dict)
    _numbered: dict[FixKey, int] = field(default_factory=dict)

    def begin(self) -> None:
        """The rounds begin, or begin again."""
        self.applied.clear()
        self.left_out.clear()
        self._open.clear()
        self._numbered.clear()

    def of(self, path: str, text: str, findings: Sequence[Finding]) -> dict[Finding, Candidate]:
        """The findings of a text whose fixes are wanted. What was fixed in earlier rounds keeps its number."""
        fixable = [finding for finding in findings if finding.fix is not None]
        found: dict[Finding, Candidate] = {}
        seen: dict[FixKey, int] = {}
        for finding, expression in zip(fixable, expressions(text, fixable), strict=True):
            like = FixKey(path, finding.code, finding.function, expression)
            position = seen[like] = seen.get(like, -1) + 1
            numbers = self._open.setdefault(like, [])
            if position == len(numbers):
                numbers.append(self._numbered.get(like, 0))
                self._numbered[like] = numbers[-1] + 1
            candidate = Candidate(replace(like, number=numbers[position]), finding, text)
            if self.wanted(candidate):
                found[finding] = candidate
            else:
                self.left_out.add(candidate.key)
        return found

    def took(self, fixes: Iterable[Candidate]) -> None:
        """Fixes were applied."""
        for each in fixes:
            self.applied.append(each)
            self._open[replace(each.key, number=0)].remove(each.key.number)
