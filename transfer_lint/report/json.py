"""For programs: one JSON object, `version` 1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from transfer_lint.findings import Finding
from transfer_lint.outcome import Outcome
from transfer_lint.report import View

VERSION = 1


def report(outcome: Outcome, view: View) -> Iterator[str]:
    """The object, indented, in one piece. A fix has `edits` where they were computed."""
    summary = asdict(outcome.summary)
    summary["seconds"] = round(outcome.summary.seconds, 3)
    value = {"version": VERSION, "findings": [_finding(f, outcome) for f in outcome.findings], "summary": summary}
    yield json.dumps(value, indent=2)


def _finding(finding: Finding, outcome: Outcome) -> dict[str, object]:
    fix: dict[str, object] | None = None
    if finding.fix:
        fix = {"safety": finding.fix.safety.value, "title": finding.fix.title}
        if finding in outcome.edits:
            fix["edits"] = [asdict(edit) for edit in outcome.edits[finding]]
    return {
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "end_column": finding.end_column,
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "heat": finding.heat.value,
        "function": finding.function,
        "message": finding.message,
        "evidence": [asdict(evidence) for evidence in finding.evidence],
        "fix": fix,
    }
