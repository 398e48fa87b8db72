"""Findings to a plan: which actions a rewrite is to carry out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from transfer_codemods.actions import Anchor, Plan
from transfer_lint.files.paths import shown_path
from transfer_lint.files.tree import DiskSources
from transfer_lint.findings import EditComment, Finding, Safety
from transfer_lint.lint.check_text import examine, project_over
from transfer_lint.lint.configuration import load
from transfer_lint.lint.deep_stack import deep


def plan_of(findings: Iterable[Finding], safety: Safety) -> Plan:
    """Anchor -> action for the fixes of code of one tier; where two want the same site the lower code is heard."""
    fixable = sorted((finding for finding in findings if finding.fix), key=lambda finding: finding.code, reverse=True)
    return {
        finding.anchor: finding.fix.action
        for finding in fixable
        if finding.fix and finding.fix.safety is safety and not isinstance(finding.fix.action, EditComment)
    }


def comments_of(findings: Iterable[Finding]) -> Mapping[Anchor, EditComment]:
    """Anchor -> what becomes of the comment there."""
    return {f.anchor: f.fix.action for f in findings if f.fix and isinstance(f.fix.action, EditComment)}


def plan(path: str, source: str, unsafe: bool) -> Plan:
    """What the codemod commands are to do in a file: the fixes that the nearest configuration selects.

    Where there are unsafe fixes to do these come alone: they change what the proofs of the safe ones rest on. Run
    again for those.

    Raises:
        Problem: the configuration is wrong, or the source nests too deep.
    """
    settings = load([path])
    shown = shown_path(path)
    project = project_over(DiskSources({shown: source}), settings)
    found = deep(examine, shown, source, project, settings).findings
    unsafe_plan = plan_of(found, Safety.UNSAFE) if unsafe or settings.unsafe_fixes else {}
    return unsafe_plan or plan_of(found, Safety.SAFE)
