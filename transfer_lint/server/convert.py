"""Findings and edits of the lint as the protocol has them.

The lint counts lines and characters from 1. Editors count from 0, and in UTF-16 units unless they agreed with the
server on another unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lsprotocol import types as lsp
from pygls.workspace import PositionCodec

from transfer_lint.files.text import lines_of
from transfer_lint.findings import Edit, Evidence, Finding, Severity
from transfer_lint.rules import RULES
from transfer_lint.rules.pages import read_page
from transfer_lint.server.answers import Checked, Edits
from transfer_lint.server.document import Cell, Document

_SEVERITY = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
    Severity.HINT: lsp.DiagnosticSeverity.Hint,
}


def diagnostics(checked: Checked, codec: PositionCodec) -> dict[Cell, list[lsp.Diagnostic]]:
    """Each cell of the document -> its diagnostics."""
    found: dict[Cell, list[lsp.Diagnostic]] = {cell: [] for cell in checked.document.cells}
    for finding in checked.findings:
        cell, diagnostic = of_finding(finding, checked, codec)
        found[cell].append(diagnostic)
    return found


def of_finding(finding: Finding, checked: Checked, codec: PositionCodec) -> tuple[Cell, lsp.Diagnostic]:
    """The cell that a finding is in, and its diagnostic."""
    cell, line = checked.document.place(checked.text, finding.line)
    _, end_line = checked.document.place(checked.text, finding.end_line)
    page = Path(str(RULES[finding.code].page)).absolute().as_uri()
    return cell, lsp.Diagnostic(
        range=_range(lines_of(cell.text), line, finding.column, end_line, finding.end_column, codec),
        message=finding.message,
        severity=_SEVERITY[finding.severity],
        code=finding.code,
        code_description=lsp.CodeDescription(page),
        source="transfer-lint",
        tags=[lsp.DiagnosticTag.Unnecessary] if finding.code == "TL101" else None,
        related_information=[_related(fact, checked, codec) for fact in finding.evidence] or None,
    )


def _related(fact: Evidence, checked: Checked, codec: PositionCodec) -> lsp.DiagnosticRelatedInformation:
    if fact.path == checked.document.path:
        cell, line = checked.document.place(checked.text, fact.line)
        span = _range(lines_of(cell.text), line, fact.column, line, fact.column, codec)
        return lsp.DiagnosticRelatedInformation(lsp.Location(cell.uri, span), fact.text)
    where = lsp.Position(fact.line - 1, fact.column - 1)
    target = Path(fact.path).absolute().as_uri()
    return lsp.DiagnosticRelatedInformation(lsp.Location(target, lsp.Range(where, where)), fact.text)


def workspace_edit(document: Document, edits: Edits, codec: PositionCodec) -> lsp.WorkspaceEdit:
    """Edits of a document's cells. The editor refuses them if it has another version of a cell."""
    changes = []
    for index, cell_edits in edits.items():
        cell = document.cells[index]
        lines = lines_of(cell.text)
        changes.append(
            lsp.TextDocumentEdit(
                lsp.OptionalVersionedTextDocumentIdentifier(cell.uri, cell.version),
                [lsp.TextEdit(_span(lines, edit, codec), edit.text) for edit in cell_edits],
            )
        )
    return lsp.WorkspaceEdit(document_changes=changes)


def changes_only(edit: lsp.WorkspaceEdit) -> lsp.WorkspaceEdit:
    """The same edit for an editor that takes no versions."""
    changes: Mapping[str, Sequence[lsp.TextEdit]] = {
        change.text_document.uri: [part for part in change.edits if isinstance(part, lsp.TextEdit)]
        for change in edit.document_changes or ()
        if isinstance(change, lsp.TextDocumentEdit)
    }
    return lsp.WorkspaceEdit(changes=changes)


def _span(lines: Sequence[str], edit: Edit, codec: PositionCodec) -> lsp.Range:
    return _range(lines, edit.line, edit.column, edit.end_line, edit.end_column, codec)


def _range(
    lines: Sequence[str], line: int, column: int, end_line: int, end_column: int, codec: PositionCodec
) -> lsp.Range:
    span = lsp.Range(lsp.Position(line - 1, column - 1), lsp.Position(end_line - 1, end_column - 1))
    return codec.range_to_client_units(lines, span)


def markdown(finding: Finding, checked: Checked) -> str:
    """A finding with its proof and why it is bad."""
    lines = [f"**{finding.code} {finding.name}** ({finding.severity.value})", "", finding.message, ""]
    for number, fact in enumerate(finding.evidence, start=1):
        lines.append(f"{number}. `{_where(fact, checked)}` {fact.text}")
    page = dict(read_page(RULES[finding.code].page).sections)["Why is this bad?"]
    return "\n".join([*lines, "", " ".join(page.split())])


def _where(fact: Evidence, checked: Checked) -> str:
    document = checked.document
    if document.notebook and fact.path == document.path:
        cell, line = document.place(checked.text, fact.line)
        return f"{fact.path}:cell {document.cells.index(cell) + 1}:{line}"
    return f"{fact.path}:{fact.line}"
