"""One line for each finding: `path:line:column: CODE severity message [*]`, where `[*]` means that `fix` can fix it."""

from __future__ import annotations

from collections.abc import Iterator

from transfer_lint.findings import Finding, Severity
from transfer_lint.lint.outcome import Outcome
from transfer_lint.report import View
from transfer_lint.report.places import Places

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.HINT: "cyan"}


def report(outcome: Outcome, view: View) -> Iterator[str]:
    """The lines of the report."""
    places = Places(outcome)
    return (line(finding, places, view) for finding in outcome.findings)


def line(finding: Finding, places: Places, view: View) -> str:
    """One finding in one line."""
    dim = view.style(":", dim=True)
    at = places.at(finding.path, finding.line)
    place = dim.join((view.style(at.file, bold=True), str(at.line), str(finding.column), " "))
    code = view.style(finding.code, fg=COLOURS[finding.severity], bold=finding.severity is not Severity.HINT)
    mark = view.style(" [*]", fg="green") if view.fixable(finding) else ""
    return f"{place}{code} {finding.severity.value} {' '.join(finding.message.split())}{mark}"
