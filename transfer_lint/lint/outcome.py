"""The result of one run of the lint: findings, what could not be checked, and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from transfer_lint.findings import Edit, Finding, Severity
from transfer_lint.problems import Problem


@dataclass(frozen=True)
class Summary:
    """The figures of one run. files: looked at. sites: transfers and host reads seen. seconds: wall time."""

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
    """One run of `check`, or what is left after one of `fix`.

    findings: sorted by path and position. texts: path -> the text that they are about. documents: of notebooks, path ->
    the JSON that holds that text.
    edits: what would mend each finding alone; empty unless asked for. in_baseline: how many of the suppressed findings
    a baseline knows.
    """

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    summary: Summary
    texts: Mapping[str, str] = field(default_factory=dict)
    edits: Mapping[Finding, tuple[Edit, ...]] = field(default_factory=dict)
    in_baseline: int = 0
    documents: Mapping[str, str] = field(default_factory=dict)

    def left_with(self, findings: tuple[Finding, ...]) -> Outcome:
        """The same run with some findings less, which count as suppressed."""
        old = self.summary
        suppressed = old.suppressed + len(self.findings) - len(findings)
        summary = Summary.of(findings, old.files, old.sites, suppressed, old.seconds)
        return replace(self, findings=findings, summary=summary)

    def fails(self, at: Severity) -> bool:
        """Whether a finding is at or over the severity `at`."""
        return any(finding.severity.rank >= at.rank for finding in self.findings)
