"""The language server protocol on standard input and output: answers an editor's requests about its documents."""

from __future__ import annotations

import os

from lsprotocol import types as lsp

from transfer_lint.server import actions, answers, convert, documents, replies
from transfer_lint.server.document import Document
from transfer_lint.server.session import Server

SECTION = "transfer-lint"
"""The name of the server's settings in an editor."""


def make_server() -> Server:
    """A server with its handlers registered."""
    server = Server()
    _register_documents(server)
    _register_surroundings(server)
    _register_questions(server)
    return server


def _register_documents(server: Server) -> None:
    """The handlers that are told what happens to documents."""

    def opened(document: Document | None) -> None:
        if document is not None:
            server.documents.put(document)
            server.forget()
            server.checks.opened(document)

    def changed(document: Document) -> None:
        server.documents.put(document)
        server.checks.changed(document)

    def closed(uri: str) -> None:
        document = server.documents.remove(uri)
        if document is not None:
            server.forget()
            server.checks.closed(document)
            for cell in document.cells if server.checks.pushes(document) else ():
                server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(cell.uri, []))

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened_text(params: lsp.DidOpenTextDocumentParams) -> None:
        opened(documents.opened(params.text_document))

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_OPEN)
    async def opened_notebook(params: lsp.DidOpenNotebookDocumentParams) -> None:
        opened(documents.opened_notebook(params.notebook_document, params.cell_text_documents))

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed_text(params: lsp.DidChangeTextDocumentParams) -> None:
        if (document := server.documents.get(params.text_document.uri)) is not None:
            changed(documents.changed(document, params.text_document, params.content_changes, server.codec))

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CHANGE)
    async def changed_notebook(params: lsp.DidChangeNotebookDocumentParams) -> None:
        if (document := server.documents.get(params.notebook_document.uri)) is not None:
            after = documents.changed_notebook(document, params.change, server.codec)
            for uri in {cell.uri for cell in document.cells} - {cell.uri for cell in after.cells}:
                server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))
            changed(after)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    async def closed_text(params: lsp.DidCloseTextDocumentParams) -> None:
        closed(params.text_document.uri)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CLOSE)
    async def closed_notebook(params: lsp.DidCloseNotebookDocumentParams) -> None:
        closed(params.notebook_document.uri)


def _register_surroundings(server: Server) -> None:
    """The handlers that are told of the editor, its settings, folders and files."""

    def anything_changed() -> None:
        server.forget()
        server.checks.anything_changed()

    def take_options(options: object) -> None:
        server.inlay_hints = replies.member(options, "inlayHints") is True

    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        take_options(params.initialization_options)
        text_document = params.capabilities.text_document
        server.checks.eager = not (text_document and text_document.diagnostic)
        if server.folders and os.path.isdir(server.folders[0]):
            os.chdir(server.folders[0])  # paths are shown relative to it

    @server.feature(lsp.INITIALIZED)
    async def initialized(params: lsp.InitializedParams) -> None:
        workspace = server.client_capabilities.workspace
        wanted: list[lsp.Registration] = []
        if workspace and (files := workspace.did_change_watched_files) and files.dynamic_registration:
            patterns = ("**/*.py", "**/pyproject.toml", "**/transfer-lint.toml", "**/.gitignore")
            watchers = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher(p) for p in patterns])
            wanted.append(lsp.Registration("files", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, watchers))
        if workspace and (settings := workspace.did_change_configuration) and settings.dynamic_registration:
            section = {"section": SECTION}
            wanted.append(lsp.Registration("settings", lsp.WORKSPACE_DID_CHANGE_CONFIGURATION, section))
        if wanted:
            server.client_register_capability(lsp.RegistrationParams(wanted))
        await server.workers.ask(answers.ready)  # so that the first question finds a process

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        anything_changed()

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_SAVE)
    async def saved_notebook(params: lsp.DidSaveNotebookDocumentParams) -> None:
        anything_changed()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def files_changed(params: lsp.DidChangeWatchedFilesParams) -> None:
        anything_changed()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def folders_changed(params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        anything_changed()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def settings_changed(params: lsp.DidChangeConfigurationParams) -> None:
        workspace = server.client_capabilities.workspace
        options: object = replies.member(params.settings, SECTION)
        if options is None and workspace and workspace.configuration:
            items = [lsp.ConfigurationItem(section=SECTION)]
            options = (await server.workspace_configuration_async(lsp.ConfigurationParams(items)) or [None])[0]
        if options is not None:
            take_options(options)
        if workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            server.workspace_inlay_hint_refresh(None)
        anything_changed()

    @server.feature(lsp.SHUTDOWN)
    def shutdown(params: None) -> None:
        server.checks.end()
        server.workers.end()


def _register_questions(server: Server) -> None:
    """The handlers that answer."""

    @server.feature(lsp.TEXT_DOCUMENT_DIAGNOSTIC, lsp.DiagnosticOptions(True, False, identifier=SECTION))
    async def diagnostics(
        params: lsp.DocumentDiagnosticParams,
    ) -> lsp.RelatedFullDocumentDiagnosticReport | lsp.RelatedUnchangedDocumentDiagnosticReport:
        checked = await server.checks.fresh(params.text_document.uri)
        if checked is None or checked.document.notebook:  # of a notebook, they are pushed
            return lsp.RelatedFullDocumentDiagnosticReport([])
        identity = str(hash((checked.document, checked.findings)))
        if identity == params.previous_result_id:
            return lsp.RelatedUnchangedDocumentDiagnosticReport(identity)
        by_uri = {documents.plain(c.uri): found for c, found in convert.diagnostics(checked, server.codec).items()}
        found = by_uri.get(documents.plain(params.text_document.uri), [])
        return lsp.RelatedFullDocumentDiagnosticReport(found, result_id=identity)

    @server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION,
        lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix, actions.FIX_ALL], resolve_provider=True),
    )
    async def code_actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        uri, only = params.text_document.uri, params.context.only
        checked = await server.checks.fresh(uri)
        if checked is None:
            return []
        found = [a for a in actions.offered(checked, uri, params.range, server.codec) if actions.is_wanted(a, only)]
        # asked for by kind, as on save, an action for the whole file is applied without being resolved
        at_once = [a for a in found if not replies.resolves(server) or (only is not None and a.kind == actions.FIX_ALL)]
        await replies.resolve(server, at_once)
        return [action for action in found if action not in at_once or action.edit is not None]

    @server.feature(lsp.CODE_ACTION_RESOLVE)
    async def resolve(action: lsp.CodeAction) -> lsp.CodeAction:
        action.edit = None  # one that was given before may rest on what is no more
        for problem in await replies.resolve(server, [action]):
            server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Info, problem))
        return action

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        return await replies.hover(server, params)

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    async def hints(params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        return await replies.hints(server, params) if server.inlay_hints else []
