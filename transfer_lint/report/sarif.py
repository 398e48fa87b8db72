"""For code scanning: SARIF 2.1.0, with each rule's page, the proofs as code flows, and the fixes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from transfer_lint.findings import Edit, Evidence, Finding, Severity
from transfer_lint.lint.fingerprints import fingerprints
from transfer_lint.lint.outcome import Outcome
from transfer_lint.problems import Problem
from transfer_lint.report import View
from transfer_lint.report.places import Places
from transfer_lint.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "note"}
_ROOT = "%SRCROOT%"

_Json = Mapping[str, object]


def report(outcome: Outcome, view: View) -> Iterator[str]:
    """One log with one run.

    Paths are relative to %SRCROOT%, the folder that the run started in. For notebooks, line numbers are those of their
    JSON.
    """
    places = Places(outcome)
    codes = list(_rules())
    marks = fingerprints(outcome.findings, outcome.texts)
    run = {
        "tool": {
            "driver": {
                "name": "transfer-lint",
                "semanticVersion": __version__,
                "rules": list(_rules().values()),
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not outcome.problems,
                "toolExecutionNotifications": [_notification(problem) for problem in outcome.problems],
            }
        ],
        "results": [
            {
                "ruleId": finding.code,
                "ruleIndex": codes.index(finding.code),
                "partialFingerprints": {"transferLint/v1": marks[finding]},
                **_result(finding, outcome.edits.get(finding, ()), places),
            }
            for finding in outcome.findings
        ],
    }
    yield json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rules() -> dict[str, _Json]:
    from transfer_lint.rules import RULES
    from transfer_lint.rules.pages import plain, read_page, render

    found: dict[str, _Json] = {}
    for code, rule in RULES.items():
        page = read_page(rule.page)
        found[code] = {
            "id": code,
            "name": "".join(word.capitalize() for word in rule.name.split("-")),
            "shortDescription": {"text": rule.summary},
            "fullDescription": {"text": " ".join(dict(page.sections)["What it does"].split())},
            "help": {"text": render(page), "markdown": plain(page)},
            "properties": {"tags": ["pytorch", "performance"]},
        }
    return found


def _result(finding: Finding, edits: Sequence[Edit], places: Places) -> _Json:
    where = _location(finding.path, _region(finding, places))
    if finding.function:
        where = {**where, "logicalLocations": [{"fullyQualifiedName": finding.function, "kind": "function"}]}
    result: dict[str, object] = {
        "level": _LEVEL[finding.severity],
        "message": {"text": finding.message},
        "locations": [where],
        "properties": {"heat": finding.heat.value},
    }
    if finding.evidence:
        steps = [_step(fact, places) for fact in finding.evidence]
        here = _location(finding.path, _region(finding, places), finding.message)
        steps.append({"location": here, "importance": "essential"})
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    if finding.fix and edits:
        text = f"{finding.fix.title} ({finding.fix.safety.value})"
        replacements = [_replacement(edit) for edit in edits]
        change = {"artifactLocation": _artifact(finding.path), "replacements": replacements}
        result["fixes"] = [{"description": {"text": text}, "artifactChanges": [change]}]
    return result


def _region(finding: Finding, places: Places) -> _Json:
    lines = {
        "startLine": places.on_disk(finding.path, finding.line),
        "endLine": places.on_disk(finding.path, finding.end_line),
    }
    if places.at(finding.path, finding.line).cell is not None:
        return lines  # columns in a cell are not columns in its JSON
    snippet = "".join(places.lines(finding.path)[finding.line - 1 : finding.end_line])
    columns = {"startColumn": finding.column, "endColumn": finding.end_column}
    return {**lines, **columns, **({"snippet": {"text": snippet}} if snippet else {})}


def _step(fact: Evidence, places: Places) -> _Json:
    region: dict[str, object] = {"startLine": places.on_disk(fact.path, fact.line)}
    if places.at(fact.path, fact.line).cell is None:
        region["startColumn"] = fact.column
    return {"location": _location(fact.path, region, fact.text), "importance": "essential"}


def _location(path: str, region: _Json, message: str = "") -> _Json:
    found: dict[str, object] = {"physicalLocation": {"artifactLocation": _artifact(path), "region": region}}
    if message:
        found["message"] = {"text": message}
    return found


def _artifact(path: str) -> _Json:
    uri = quote(os.fsencode(path))
    if path.startswith("/"):
        return {"uri": f"file://{uri}"}
    if path[1:2] == ":":  # a Windows drive
        return {"uri": f"file:///{uri}"}
    return {"uri": uri, "uriBaseId": _ROOT}


def _replacement(edit: Edit) -> _Json:
    region = {
        "startLine": edit.line,
        "startColumn": edit.column,
        "endLine": edit.end_line,
        "endColumn": edit.end_column,
    }
    return {"deletedRegion": region, "insertedContent": {"text": edit.text}}


def _notification(problem: Problem) -> _Json:
    what = problem.what + (f"; {problem.mend}" if problem.mend else "")
    where = {"physicalLocation": {"artifactLocation": _artifact(problem.path)}}
    return {"level": "error", "message": {"text": what}, "locations": [where]}
