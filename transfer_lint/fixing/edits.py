"""The edits that fix each finding of an outcome on its own."""

from __future__ import annotations

from dataclasses import replace

from transfer_lint.findings import Changes, Finding
from transfer_lint.fixing.planning import changes_of
from transfer_lint.fixing.runner import EditsJob, FixRunner
from transfer_lint.lint.outcome import Outcome
from transfer_lint.lint.runner import Progress
from transfer_lint.settings import Settings


def with_edits(outcome: Outcome, settings: Settings, progress: Progress | None = None) -> Outcome:
    """The outcome with the edits of each finding that has a fix; no edits if the fix cannot be carried out alone."""
    fixable: dict[str, list[tuple[Finding, Changes]]] = {}
    for finding in outcome.findings:
        if finding.fix:
            fixable.setdefault(finding.path, []).append((finding, changes_of(finding, unsafe=settings.unsafe_fixes)))
    jobs: list[EditsJob] = [
        (path, outcome.texts[path], (outcome.documents.get(path), [changes for _, changes in found]))
        for path, found in fixable.items()
    ]
    edits = (edit for each in FixRunner(settings, progress).edits(jobs) for edit in each)
    findings = (finding for found in fixable.values() for finding, _ in found)
    return replace(outcome, edits=dict(zip(findings, edits, strict=True)))
