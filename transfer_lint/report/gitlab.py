"""For GitLab: a Code Quality report; GitLab shows its entries at the changed lines of a merge request."""

from __future__ import annotations

import json
from collections.abc import Iterator

from transfer_lint.findings import Severity
from transfer_lint.lint.fingerprints import fingerprints
from transfer_lint.lint.outcome import Outcome
from transfer_lint.report import View
from transfer_lint.report.places import Places

_SEVERITY = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.HINT: "info"}


def report(outcome: Outcome, view: View) -> Iterator[str]:
    """One JSON list. It does not say what could not be checked, because GitLab has no field for that; the run's
    messages and exit code do."""
    places = Places(outcome)
    marks = fingerprints(outcome.findings, outcome.texts)
    entries = [
        {
            "description": f"{finding.code} {finding.name}: {finding.message}",
            "check_name": finding.code,
            "fingerprint": marks[finding],
            "severity": _SEVERITY[finding.severity],
            "location": {
                "path": finding.path,
                "lines": {
                    "begin": places.on_disk(finding.path, finding.line),
                    "end": places.on_disk(finding.path, finding.end_line),
                },
            },
        }
        for finding in outcome.findings
    ]
    yield json.dumps(entries, indent=2)
