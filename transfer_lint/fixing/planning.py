"""From findings to a plan: which actions a rewrite carries out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from transfer_codemods.actions import Anchor, Plan
from transfer_lint.files.paths import shown_path
from transfer_lint.files.tree import DiskSources
from transfer_lint.findings import EditComment, Finding, Safety
from transfer_lint.lint.check_text import examine, project_over
from transfer_lint.lint.deep_stack import deep
from transfer_lint.lint.lookup import load


def plan_of(findings: Iterable[Finding], safety: Safety) -> Plan:
    """The plan for the code fixes of one tier, safe or unsafe; of two fixes at one anchor, the lower rule code wins."""
    fixable = sorted((finding for finding in findings if finding.fix), key=lambda finding: finding.code, reverse=True)
    return {
        finding.anchor: finding.fix.action
        for finding in fixable
        if finding.fix
        and finding.fix.applies(unsafe_fixes=True)
        and finding.fix.safety is safety
        and not isinstance(finding.fix.action, EditComment)
    }


def comments_of(findings: Iterable[Finding]) -> Mapping[Anchor, EditComment]:
    """Anchor -> edit of the comment there, from the fixes that edit comments."""
    return {f.anchor: f.fix.action for f in findings if f.fix and isinstance(f.fix.action, EditComment)}


def plan(path: str, source: str, unsafe: bool) -> Plan:
    """The plan for the codemod commands on one file: the fixes that the nearest configuration selects.

    If there are unsafe fixes to apply, the plan holds only these, because they change what the proofs of the safe
    fixes rest on. Run again for the safe fixes.

    unsafe: whether to plan unsafe fixes even if the configuration does not allow them.

    Raises:
        Problem: the configuration is wrong, or the source nests too deep.
    """
    settings = load([path])
    shown = shown_path(path)
    project = project_over(DiskSources({shown: source}), settings)
    found = deep(examine, shown, source, project, settings).findings
    unsafe_plan = plan_of(found, Safety.UNSAFE) if unsafe or settings.unsafe_fixes else {}
    return unsafe_plan or plan_of(found, Safety.SAFE)
