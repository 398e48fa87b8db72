"""For programs: one JSON object, `version` 1. `cell` is null except in notebooks, where lines count in the cell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from transfer_lint.findings import Evidence, Finding
from transfer_lint.lint.outcome import Outcome
from transfer_lint.report import View
from transfer_lint.report.places import Places

VERSION = 1


def report(outcome: Outcome, view: View) -> Iterator[str]:
    """The object, indented, in one piece."""
    yield json.dumps(as_dict(outcome), indent=2)


def as_dict(outcome: Outcome) -> dict[str, object]:
    """The object. A fix has `edits` if they were computed."""
    places = Places(outcome)
    summary = asdict(outcome.summary)
    summary["seconds"] = round(outcome.summary.seconds, 3)
    return {
        "version": VERSION,
        "findings": [_finding(f, outcome, places) for f in outcome.findings],
        "summary": summary,
    }


def _finding(finding: Finding, outcome: Outcome, places: Places) -> dict[str, object]:
    fix: dict[str, object] | None = None
    if finding.fix:
        fix = {"safety": finding.fix.safety.value, "title": finding.fix.title}
        if finding in outcome.edits:
            fix["edits"] = [asdict(edit) for edit in outcome.edits[finding]]
    at = places.at(finding.path, finding.line)
    return {
        "path": finding.path,
        "cell": at.cell,
        "line": at.line,
        "column": finding.column,
        "end_line": places.at(finding.path, finding.end_line).line,
        "end_column": finding.end_column,
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "heat": finding.heat.value,
        "function": finding.function,
        "message": finding.message,
        "evidence": [_fact(fact, places) for fact in finding.evidence],
        "assumptions": list(finding.assumptions),
        "fix": fix,
    }


def _fact(fact: Evidence, places: Places) -> dict[str, object]:
    at = places.at(fact.path, fact.line)
    return {"path": fact.path, "cell": at.cell, "line": at.line, "column": fact.column, "text": fact.text}
