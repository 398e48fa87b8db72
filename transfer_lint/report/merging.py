"""Reports for programs of several runs as one: of the shards of a tree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from transfer_lint.findings import Severity
from transfer_lint.problems import Problem

_LEVELS = {"note": Severity.HINT, "warning": Severity.WARNING, "error": Severity.ERROR}
_REMEDY = "give reports that one version of `check --output-format json` or `sarif` has made"


def merged(reports: Mapping[str, str]) -> tuple[str, list[Severity]]:
    """The report of all, and the severities of its findings. reports: name -> text, all json or all sarif.

    Raises:
        Problem: a text is something else, or the reports do not belong together.
    """
    read = {name: _read(name, text) for name, text in reports.items()}
    try:
        merge = _merged_sarif if all("runs" in value for value in read.values()) else _merged_json
        value, severities = merge(read)
    except (KeyError, TypeError, IndexError, ValueError):
        raise Problem(next(iter(read)), "is no report, or another one is none", _REMEDY) from None
    return json.dumps(value, indent=2), severities


def _read(name: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem(name, f"is not JSON ({error})", _REMEDY) from None
    if not isinstance(value, dict):
        raise Problem(name, "is no report", _REMEDY)
    return value


def _merged_json(reports: Mapping[str, dict[str, Any]]) -> tuple[dict[str, Any], list[Severity]]:
    _same(reports, {name: report["version"] for name, report in reports.items()})
    found = _each_once(finding for report in reports.values() for finding in report["findings"])
    found.sort(key=lambda f: (f["path"], f["cell"] or 0, f["line"], f["column"], f["code"]))
    first, *others = (report["summary"] for report in reports.values())
    summary = {key: sum((other[key] for other in others), first[key]) for key in first}
    summary["seconds"] = max(report["summary"]["seconds"] for report in reports.values())  # they ran side by side
    severities = [Severity(finding["severity"]) for finding in found]
    version = next(iter(reports.values()))["version"]
    return {"version": version, "findings": found, "summary": summary}, severities


def _merged_sarif(reports: Mapping[str, dict[str, Any]]) -> tuple[dict[str, Any], list[Severity]]:
    runs = {name: report["runs"][0] for name, report in reports.items()}
    _same(reports, {name: run["tool"] for name, run in runs.items()})
    results = _each_once(result for run in runs.values() for result in run["results"])
    results.sort(key=_place)
    invocations = [invocation for run in runs.values() for invocation in run["invocations"]]
    first = next(iter(reports.values()))
    run = {**first["runs"][0], "invocations": invocations, "results": results}
    return {**first, "runs": [run]}, [_LEVELS[result["level"]] for result in results]


def _place(result: dict[str, Any]) -> tuple[object, ...]:
    place = result["locations"][0]["physicalLocation"]
    region = place["region"]
    return place["artifactLocation"]["uri"], region["startLine"], region["startColumn"], result["ruleId"]


def _same(reports: Mapping[str, object], marks: Mapping[str, object]) -> None:
    """Raises Problem unless all reports have the same mark."""
    first = marks[next(iter(reports))]
    for name, mark in marks.items():
        if mark != first:
            raise Problem(name, "was made by another version of this tool than the first report", _REMEDY)


def _each_once(items: Iterable[Any]) -> list[Any]:
    return list({json.dumps(item, sort_keys=True): item for item in items}.values())
