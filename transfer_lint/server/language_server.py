"""The language server protocol on standard input and output: answers an editor's requests about its documents."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls import uris
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from transfer_lint.findings import Edit, Finding, Safety, Severity
from transfer_lint.problems import Problem
from transfer_lint.rules import RULES
from transfer_lint.rules.pages import read_page
from transfer_lint.server.workspace import Checked, Lint
from transfer_lint.version import __version__

PAUSE = 0.1
"""Seconds without a change after which a document is checked."""

FIX_ALL = "source.fixAll.transferLint"
_SEVERITY = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
    Severity.HINT: lsp.DiagnosticSeverity.Hint,
}


class Server(LanguageServer):
    """The language server of one editor."""

    def __init__(self) -> None:
        super().__init__("transfer-lint", __version__)
        self.lint = Lint()
        self.checked: dict[str, Checked] = {}
        self.inlay_hints = False
        self._wanted: dict[str, int] = {}

    async def check(self, uri: str, pause: float = 0.0) -> None:
        """Publish a document's diagnostics, unless it changes again within `pause` seconds or while it is checked."""
        number = self._wanted[uri] = self._wanted.get(uri, 0) + 1
        await asyncio.sleep(pause)
        document = self.workspace.text_documents.get(uri)
        path = uris.to_fs_path(uri)
        if document is None or path is None or number != self._wanted[uri]:
            return
        self.lint.set(path, document.source)
        try:
            checked = await asyncio.get_running_loop().run_in_executor(None, self.lint.check, path)
        except Problem as problem:
            if number == self._wanted[uri]:
                self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, str(problem)))
            return
        if number != self._wanted[uri]:
            return
        self.checked[uri] = checked
        found = [_diagnostic(finding, document, uri) for finding in checked.findings]
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, document.version))

    def current(self, uri: str) -> Checked | None:
        """The document's findings, if they are for the text that the editor has now; else None."""
        checked = self.checked.get(uri)
        document = self.workspace.text_documents.get(uri)
        return checked if checked is not None and document is not None and checked.text == document.source else None


def make_server() -> Server:
    """A server with its handlers registered."""
    server = Server()

    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        options: Any = params.initialization_options
        wanted = options.get("inlayHints") if isinstance(options, dict) else getattr(options, "inlayHints", False)
        server.inlay_hints = wanted is True
        root = uris.to_fs_path(params.root_uri) if params.root_uri else None
        if root is not None and os.path.isdir(root):
            os.chdir(root)  # paths are shown relative to it

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        await server.check(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        await server.check(params.text_document.uri, PAUSE)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        server.lint.forget()
        for uri in list(server.workspace.text_documents):  # a change in one file can change the findings in others
            await server.check(uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        path = uris.to_fs_path(uri)
        if path is not None:
            server.lint.close(path)
        server.checked.pop(uri, None)
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def outside(params: lsp.DidChangeWatchedFilesParams) -> None:
        server.lint.forget()
        for uri in list(server.workspace.text_documents):
            await server.check(uri)

    @server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION,
        lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix, FIX_ALL], resolve_provider=True),
    )
    def actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        return list(_actions(server, params))

    @server.feature(lsp.CODE_ACTION_RESOLVE)
    def resolve(action: lsp.CodeAction) -> lsp.CodeAction:
        return _resolved(server, action)

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        return _hover(server, params)

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    def hints(params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        return _hints(server, params) if server.inlay_hints else []

    return server


# Positions: the lint counts lines and characters from 1. Editors count from 0, and in UTF-16 units unless they agreed
# on another unit with the server.


def _range(document: TextDocument, line: int, column: int, end_line: int, end_column: int) -> lsp.Range:
    span = lsp.Range(lsp.Position(line - 1, column - 1), lsp.Position(end_line - 1, end_column - 1))
    return document.position_codec.range_to_client_units(document.lines, span)


def _diagnostic(finding: Finding, document: TextDocument, uri: str) -> lsp.Diagnostic:
    related = []
    for fact in finding.evidence:
        where = lsp.Position(fact.line - 1, fact.column - 1)
        target = uri if fact.path == _shown(uri) else Path(fact.path).absolute().as_uri()
        related.append(lsp.DiagnosticRelatedInformation(lsp.Location(target, lsp.Range(where, where)), fact.text))
    return lsp.Diagnostic(
        range=_range(document, finding.line, finding.column, finding.end_line, finding.end_column),
        message=finding.message,
        severity=_SEVERITY[finding.severity],
        code=finding.code,
        source="transfer-lint",
        tags=[lsp.DiagnosticTag.Unnecessary] if finding.code == "TL101" else None,
        related_information=related or None,
    )


def _shown(uri: str) -> str:
    from transfer_lint.files.paths import shown_path

    return shown_path(uris.to_fs_path(uri) or uri)


def _edit(document: TextDocument, edits: Sequence[Edit]) -> lsp.WorkspaceEdit:
    changes = [
        lsp.TextEdit(_range(document, edit.line, edit.column, edit.end_line, edit.end_column), edit.text)
        for edit in edits
    ]
    versioned = lsp.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
    return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(versioned, changes)])


def _actions(server: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    uri = params.text_document.uri
    checked = server.current(uri)
    if checked is None:
        return []
    document = server.workspace.get_text_document(uri)
    found: list[lsp.CodeAction] = []
    first, last = params.range.start.line + 1, params.range.end.line + 1
    for number, finding in enumerate(checked.findings):
        if finding.line > last or finding.end_line < first:
            continue
        diagnostic = _diagnostic(finding, document, uri)
        kind = lsp.CodeActionKind.QuickFix
        if finding.fix is not None:
            safe = finding.fix.safety is Safety.SAFE
            title = f"{finding.code}: {finding.fix.title}" + ("" if safe else " (unsafe: read it)")
            data = {"uri": uri, "number": number, "do": "fix"}
            found.append(lsp.CodeAction(title, kind, [diagnostic], is_preferred=safe, data=data))
        if not finding.about_lint:
            data = {"uri": uri, "number": number, "do": "ignore"}
            found.append(lsp.CodeAction(f"{finding.code}: ignore it here", kind, [diagnostic], data=data))
    if any(finding.fix and finding.fix.applies(unsafe_fixes=False) for finding in checked.findings):
        data = {"uri": uri, "do": "all"}
        found.append(lsp.CodeAction("transfer-lint: apply all safe fixes", FIX_ALL, data=data))
    only = params.context.only
    wanted = [a for a in found if only is None or any(str(a.kind).startswith(_value(kind)) for kind in only)]
    if only is not None:  # asked for by kind, as on save: editors then apply the actions without resolving them
        wanted = [_resolved(server, action) for action in wanted]
    return wanted


def _value(kind: object) -> str:
    return str(getattr(kind, "value", kind))


def _resolved(server: Server, action: lsp.CodeAction) -> lsp.CodeAction:
    data: Any = action.data
    if not isinstance(data, dict):
        data = {name: getattr(data, name, None) for name in ("uri", "number", "do")}
    checked = server.current(data["uri"])
    if checked is None:
        return action
    document = server.workspace.get_text_document(data["uri"])
    try:
        if data["do"] == "all":
            edits = server.lint.fix_all(checked)
        elif data["do"] == "fix":
            edits = server.lint.fix_one(checked, checked.findings[data["number"]])
        else:
            edits = server.lint.ignore(checked, checked.findings[data["number"]])
    except Problem as problem:
        server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, str(problem)))
        return action
    action.edit = _edit(document, edits)
    return action


def _hover(server: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    uri = params.text_document.uri
    path = uris.to_fs_path(uri)
    document = server.workspace.get_text_document(uri)
    place = document.position_codec.position_from_client_units(document.lines, params.position)
    line, column = place.line + 1, place.character + 1
    if path is None:
        return None
    server.lint.set(path, document.source)
    parts: list[str] = []
    checked = server.current(uri)
    for finding in checked.findings if checked else ():
        starts = finding.line < line or (finding.line == line and finding.column <= column)
        ends = line < finding.end_line or (line == finding.end_line and column <= finding.end_column)
        if starts and ends:
            parts.append(_markdown_of(finding))
    explained = server.lint.explain(path, line, column).partition("\n")[2].strip()
    if explained and not explained.startswith("no value"):
        parts.append(f"```text\n{explained}\n```")
    if not parts:
        return None
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, "\n\n---\n\n".join(parts)))


def _markdown_of(finding: Finding) -> str:
    lines = [f"**{finding.code} {finding.name}** ({finding.severity.value})", "", finding.message, ""]
    lines += [
        f"{number}. `{fact.path}:{fact.line}` {fact.text}" for number, fact in enumerate(finding.evidence, start=1)
    ]
    page = dict(read_page(RULES[finding.code].page).sections)["Why is this bad?"]
    return "\n".join([*lines, "", " ".join(page.split())])


def _hints(server: Server, params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
    uri = params.text_document.uri
    path = uris.to_fs_path(uri)
    if path is None:
        return []
    document = server.workspace.get_text_document(uri)
    server.lint.set(path, document.source)
    found = []
    for placement in server.lint.placements(path):
        if params.range.start.line <= placement.line - 1 <= params.range.end.line:
            span = _range(document, placement.line, placement.column, placement.line, placement.column)
            kind = lsp.InlayHintKind.Type
            found.append(lsp.InlayHint(span.start, f": {placement.where}", kind, padding_left=False))
    return found
