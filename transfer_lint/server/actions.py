"""Quick fixes, ignore comments and fix-all, as code actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lsprotocol import types as lsp
from pygls.workspace import PositionCodec

from transfer_lint.findings import Finding, Safety
from transfer_lint.server.answers import Checked
from transfer_lint.server.convert import of_finding
from transfer_lint.server.documents import plain

FIX_ALL = "source.fixAll.transferLint"


def offered(checked: Checked, uri: str, span: lsp.Range, codec: PositionCodec) -> Iterator[lsp.CodeAction]:
    """The actions at a place of a document or of a cell, which `uri` names, without their edits."""
    quick_fix = lsp.CodeActionKind.QuickFix
    for finding in checked.findings:
        cell, diagnostic = of_finding(finding, checked, codec)
        if plain(cell.uri) != plain(uri) or not _touches(diagnostic.range, span):
            continue
        data = {"uri": uri, "code": finding.code, "line": finding.line, "column": finding.column}
        if finding.fix is not None:
            safe = finding.fix.safety is Safety.SAFE
            title = f"{finding.code}: {finding.fix.title}" + ("" if safe else " (unsafe: read it)")
            yield lsp.CodeAction(title, quick_fix, [diagnostic], is_preferred=safe, data={**data, "do": "fix"})
        if not finding.about_lint:
            title = f"{finding.code}: ignore it here"
            yield lsp.CodeAction(title, quick_fix, [diagnostic], data={**data, "do": "ignore"})
    if any(finding.fix and finding.fix.applies(unsafe_fixes=False) for finding in checked.findings):
        yield lsp.CodeAction("transfer-lint: apply all safe fixes", FIX_ALL, data={"uri": uri, "do": "all"})


def _touches(place: lsp.Range, span: lsp.Range) -> bool:
    """Whether two places have a line in common."""
    return place.start.line <= span.end.line and place.end.line >= span.start.line


def is_wanted(action: lsp.CodeAction, only: Iterable[object] | None) -> bool:
    """Whether an action is of one of the kinds that were asked for, or of a kind below it; None: all are."""
    kind = _name(action.kind)
    wanted = None if only is None else [_name(item) for item in only]
    return wanted is None or any(item in ("", kind) or kind.startswith(f"{item}.") for item in wanted)


def _name(kind: object) -> str:
    return str(getattr(kind, "value", kind))


def data_of(action: lsp.CodeAction) -> dict[str, Any]:
    """What `offered` put into an action, as it comes back from the editor."""
    data: Any = action.data
    names = ("uri", "do", "code", "line", "column")
    return {name: data.get(name) if isinstance(data, dict) else getattr(data, name, None) for name in names}


def finding_of(data: dict[str, Any], checked: Checked) -> Finding | None:
    """The finding that an action is about, if it is still found."""
    wanted = (data["code"], data["line"], data["column"])
    return next((f for f in checked.findings if (f.code, f.line, f.column) == wanted), None)
