"""From findings to a plan: which actions a rewrite carries out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from transfer_codemods.actions import Action, Anchor, Plan, Unread, UnreadImport, UnreadLocal
from transfer_lint.files.paths import shown_path
from transfer_lint.files.tree import DiskSources
from transfer_lint.findings import Changes, EditComment, Finding, Fix, Safety
from transfer_lint.lint.check_text import examine, project_over
from transfer_lint.lint.deep_stack import deep
from transfer_lint.lint.lookup import load


def plan_of(findings: Iterable[Finding], safety: Safety, *, unsafe: bool = False) -> Plan:
    """The plan for the code fixes of one tier, safe or unsafe; of two fixes at one anchor, the lower rule code wins.

    unsafe: whether unsafe fixes are applied, too.
    """
    fixable = sorted((finding for finding in findings if finding.fix), key=lambda finding: finding.code, reverse=True)
    planned: dict[Anchor, Action | Unread] = {}
    for finding in fixable:
        fix = finding.fix
        if fix and fix.applies(unsafe_fixes=True) and fix.safety is safety and not isinstance(fix.action, EditComment):
            planned |= {finding.anchor: fix.action, **_unread(fix, unsafe)}
    return planned


def changes_of(finding: Finding, *, unsafe: bool) -> Changes:
    """What the fix of a finding changes, if it is carried out alone; nothing without a fix. unsafe: see `plan_of`."""
    return {finding.anchor: finding.fix.action, **_unread(finding.fix, unsafe)} if finding.fix else {}


def _unread(fix: Fix, unsafe: bool) -> dict[Anchor, Unread]:
    """What is done with the imports and the locals that a fix may leave without a reader."""
    allowed = {Safety.SAFE, fix.safety, Safety.UNSAFE if unsafe else Safety.SAFE}
    found: dict[Anchor, Unread] = {}
    for each in fix.imports:
        found[Anchor(each.line, each.column)] = UnreadImport(each.removal not in allowed)
    for local in fix.locals:
        stays = not local.idle and Safety.UNSAFE not in allowed
        found[Anchor(local.line, local.column)] = UnreadLocal(stays, not local.idle)
    return found


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
    return unsafe_plan or plan_of(found, Safety.SAFE, unsafe=unsafe or settings.unsafe_fixes)
