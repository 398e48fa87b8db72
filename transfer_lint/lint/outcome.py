"""The result of one run of the lint: findings, what could not be checked, and counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from transfer_lint.findings import Edit, Finding, Severity
from transfer_lint.problems import Problem


@dataclass(frozen=True)
class Summary:
    """The counts of one run.

    Attributes:
        files: Files that were looked at.
        sites: Transfers and host reads in them.
        errors: Findings of that severity.
        warnings: Findings of that severity.
        hints: Findings of that severity.
        suppressed: Findings that comments or a baseline suppress.
        seconds: Wall time.
    """

    files: int
    sites: int
    errors: int
    warnings: int
    hints: int
    suppressed: int
    seconds: float

    @classmethod
    def of(cls, findings: tuple[Finding, ...], files: int, sites: int, suppressed: int, seconds: float) -> Summary:
        """Count `findings` by severity."""
        counts = dict.fromkeys(Severity, 0)
        for finding in findings:
            counts[finding.severity] += 1
        return cls(
            files=files,
            sites=sites,
            errors=counts[Severity.ERROR],
            warnings=counts[Severity.WARNING],
            hints=counts[Severity.HINT],
            suppressed=suppressed,
            seconds=seconds,
        )


@dataclass(frozen=True)
class Outcome:
    """The result of one run of `check`, or what remains after a run of `fix`.

    Attributes:
        findings: Sorted by path and position.
        problems: What could not be checked or fixed, sorted by path.
        summary: The counts.
        texts: Path -> the text that its findings are about; of a notebook, the code of its cells.
        edits: Finding -> the edits that fix it alone; empty unless asked for.
        in_baseline: How many of the suppressed findings are in a baseline.
        documents: Path of a notebook -> the JSON that holds its text.
    """

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    summary: Summary
    texts: Mapping[str, str] = field(default_factory=dict)
    edits: Mapping[Finding, tuple[Edit, ...]] = field(default_factory=dict)
    in_baseline: int = 0
    documents: Mapping[str, str] = field(default_factory=dict)

    def left_with(self, findings: tuple[Finding, ...]) -> Outcome:
        """The same outcome with only `findings`, a subset of its own; the others count as suppressed."""
        old = self.summary
        suppressed = old.suppressed + len(self.findings) - len(findings)
        summary = Summary.of(findings, old.files, old.sites, suppressed, old.seconds)
        return replace(self, findings=findings, summary=summary)

    def with_findings(self, more: Iterable[Finding]) -> Outcome:
        """The same outcome with more findings."""
        old = self.summary
        found = tuple(sorted((*self.findings, *more), key=lambda finding: (finding.path, finding.line, finding.column)))
        return replace(
            self, findings=found, summary=Summary.of(found, old.files, old.sites, old.suppressed, old.seconds)
        )

    def with_problems(self, problems: Iterable[Problem]) -> Outcome:
        """The same outcome with more problems, each of which it has once."""
        unique = {str(problem): problem for problem in (*self.problems, *problems)}
        return replace(self, problems=tuple(sorted(unique.values(), key=lambda problem: problem.path)))

    def fails(self, at: Severity) -> bool:
        """Whether a finding has the severity `at` or a higher one."""
        return any(finding.severity.rank >= at.rank for finding in self.findings)
