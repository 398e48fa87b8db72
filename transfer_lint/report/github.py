"""For GitHub Actions: a workflow command for each finding, which GitHub shows as an annotation of the changed lines.

The format is that of GitHub's "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

from collections.abc import Iterator

from transfer_lint.findings import Finding, Severity
from transfer_lint.lint.outcome import Outcome
from transfer_lint.report import View
from transfer_lint.report.places import Places

_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "notice"}


def report(outcome: Outcome, view: View) -> Iterator[str]:
    """One command per line. For a notebook, line numbers are those of its JSON, because that is what GitHub shows."""
    places = Places(outcome)
    for problem in outcome.problems:
        what = problem.what + (f"; {problem.mend}" if problem.mend else "")
        yield f"::error file={_property(problem.path)},title=transfer-lint::{_data(what)}"
    for finding in outcome.findings:
        yield _command(finding, places)


def _command(finding: Finding, places: Places) -> str:
    first, last = (places.on_disk(finding.path, line) for line in (finding.line, finding.end_line))
    at = {"file": finding.path, "line": first, "endLine": last}
    if first == last and places.at(finding.path, finding.line).cell is None:  # GitHub accepts columns only on one line
        at |= {"col": finding.column, "endColumn": finding.end_column}
    at["title"] = f"{finding.code} {finding.name}"
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in at.items())
    return f"::{_LEVEL[finding.severity]} {properties}::{_data(_message(finding, places))}"


def _message(finding: Finding, places: Places) -> str:
    lines = [finding.message]
    lines += [f"- {places.at(fact.path, fact.line)} {fact.text}" for fact in finding.evidence]
    if finding.fix:
        lines.append(f"Fix ({finding.fix.safety.value}): {finding.fix.title}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
