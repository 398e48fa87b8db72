"""The edits that fix each finding of an outcome on its own."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from transfer_lint.files.decoding import decode
from transfer_lint.files.text import Source
from transfer_lint.findings import Edit, Finding
from transfer_lint.fixing.rewriting import Rewrite, edits
from transfer_lint.fixing.runner import FixRunner
from transfer_lint.lint.outcome import Outcome
from transfer_lint.lint.runner import Progress
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings


def with_edits(outcome: Outcome, settings: Settings, progress: Progress | None = None) -> Outcome:
    """The outcome with the edits of each finding that has a fix; no edits if the fix cannot be carried out alone."""
    fixable = [(finding, finding.fix) for finding in outcome.findings if finding.fix]
    jobs = [(finding.path, outcome.texts[finding.path], {finding.anchor: fix.action}) for finding, fix in fixable]
    found: dict[Finding, tuple[Edit, ...]] = {}
    for (finding, _), rewritten in zip(fixable, FixRunner(settings, progress).rewrite(jobs), strict=True):
        found[finding] = ()
        if isinstance(rewritten, Rewrite):
            with suppress(Problem):  # as for a refused fix: there are no edits
                before = _source(outcome, finding.path)
                found[finding] = edits(before.on_disk(before.text), before.on_disk(rewritten.text))
    return replace(outcome, edits=found)


def _source(outcome: Outcome, path: str) -> Source:
    document = outcome.documents.get(path)
    return Source(path, outcome.texts[path], "utf-8", False) if document is None else decode(path, document.encode())
