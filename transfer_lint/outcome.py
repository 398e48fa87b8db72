"""What a run says besides its findings: plain data that the engine fills and the reports print."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from transfer_lint.findings import Finding, Severity
from transfer_lint.picture import Picture


class Problem(Exception):
    """Something that the tool could not do: a path, what is wrong with it, and what mends it.

    Raised where it is met, kept and printed where one file's trouble must not stop the others.

    path: as shown to the user. mend: an imperative sentence without its full stop, "" where there is none.
    """

    def __init__(self, path: str, what: str, mend: str = "") -> None:
        super().__init__(path, what, mend)  # all arguments: it crosses process borders
        self.path = path
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.path}: {self.what}" + (f"; {self.mend}" if self.mend else "")


def failure(path: str, error: Exception) -> Problem:
    """A failure of the tool itself, told like any other problem. TRANSFER_LINT_DEBUG=1 also prints its traceback."""
    if os.environ.get("TRANSFER_LINT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    what = f"the tool failed on it ({type(error).__name__}: {error})"
    return Problem(path, what, "report this as a bug; TRANSFER_LINT_DEBUG=1 shows where")


def unparsable_as(error: SyntaxError) -> str:
    """That a text does not parse, with which Python it was tried, and why."""
    return f"does not parse as Python {platform.python_version()}: {error.msg}"


@dataclass(frozen=True)
class Edit:
    """Replace the text from (line, column) up to (end_line, end_column); 1-based, columns in characters."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


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
    the JSON that holds that text. pictures: of functions with findings, for a report that shows them.
    measured: what a run shows of a finding, in words, where one was given.
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
    pictures: tuple[Picture, ...] = ()
    measured: Mapping[Finding, str] = field(default_factory=dict)

    def left_with(self, findings: tuple[Finding, ...]) -> Outcome:
        """The same run with some findings less, which count as suppressed."""
        old = self.summary
        suppressed = old.suppressed + len(self.findings) - len(findings)
        summary = Summary.of(findings, old.files, old.sites, suppressed, old.seconds)
        return replace(self, findings=findings, summary=summary)

    def fails(self, at: Severity) -> bool:
        """Whether a finding is at or over the severity `at`."""
        return any(finding.severity.rank >= at.rank for finding in self.findings)
