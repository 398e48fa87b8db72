"""The state of the server for one editor: its documents, their findings, and the processes that find them."""

from __future__ import annotations

import asyncio
from itertools import count

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.workspace import PositionCodec

from transfer_lint.problems import Problem
from transfer_lint.server import answers, convert, documents
from transfer_lint.server.answers import Asked, Checked
from transfer_lint.server.checks import LATER, Checks
from transfer_lint.server.configurations import Configurations
from transfer_lint.server.document import Document
from transfer_lint.server.workers import Workers
from transfer_lint.version import __version__

AT_ONCE = 3
"""How many documents are checked at the same time."""

LONG = 2.0
"""Seconds after which a check shows its progress, and no longer keeps the others waiting."""


class Server(LanguageServer):
    """The language server of one editor."""

    def __init__(self) -> None:
        notebooks = lsp.NotebookDocumentSyncOptions([lsp.NotebookDocumentFilterWithNotebook("jupyter-notebook")])
        super().__init__("transfer-lint", __version__, notebook_document_sync=notebooks)
        for method in documents.METHODS:  # pygls would keep documents as well, and count lines otherwise
            self.protocol.fm.builtin_features.pop(method, None)
        self.documents = documents.Documents()
        self.configurations = Configurations(self._say)
        self.workers = Workers()
        self.checks = Checks(self.documents, self._check, self._publish, self._outdated)
        self.inlay_hints = False
        self.listing = 0
        self._places = asyncio.Semaphore(AT_ONCE)
        self._logged: set[str] = set()
        self._tokens = count(1)
        self._asks_again = False

    @property
    def codec(self) -> PositionCodec:
        """Converts the positions of the editor."""
        return self.workspace.position_codec

    @property
    def folders(self) -> list[str]:
        """The paths of the workspace folders."""
        found = [documents.path_of(folder.uri) for folder in self.workspace.folders.values()]
        if not found and self.workspace.root_uri:
            found = [documents.path_of(self.workspace.root_uri)]
        return [path for path in found if path is not None]

    def asked(self, document: Document) -> Asked:
        """A question about a document as it is, among the other documents as they are."""
        texts = {other.path: other.cells[0].text for other in self.documents if other.saved and not other.notebook}
        return Asked(document, texts, self.configurations.of(document), self.listing)

    def forget(self) -> None:
        """Files may have been added or removed, or the configuration may have changed."""
        self.listing += 1
        self.configurations.forget()

    async def _check(self, document: Document, before: Checked | None) -> Checked | None:
        """Check a document; None if it cannot be checked, which is logged. before: what was found in the same text."""
        if not self.configurations.check(document, self.folders):
            return Checked(document)
        task: asyncio.Task[Checked] | None = None
        progress: asyncio.Task[None] | None = None
        try:
            async with self._places:
                task = asyncio.create_task(self.workers.ask(answers.check, self.asked(document), before))
                await asyncio.wait([task], timeout=LONG)
            if not task.done() and self._shows_progress:
                progress = asyncio.create_task(self._show_progress(document))
            return await task
        except Problem as problem:
            self._log(str(problem))
            return None
        finally:
            for running in (task, progress):
                if running is not None:
                    running.cancel()

    @property
    def _shows_progress(self) -> bool:
        window = self.client_capabilities.window
        return bool(window and window.work_done_progress)

    async def _show_progress(self, document: Document) -> None:
        """Show that a document is being checked, until this is cancelled."""
        token = f"transfer-lint-{next(self._tokens)}"
        await self.window_work_done_progress_create_async(lsp.WorkDoneProgressCreateParams(token))
        begin = lsp.WorkDoneProgressBegin("transfer-lint", message=f"checks {document.path}")
        self.progress(lsp.ProgressParams(token, begin))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.progress(lsp.ProgressParams(token, lsp.WorkDoneProgressEnd()))

    def _publish(self, checked: Checked) -> None:
        for cell, found in convert.diagnostics(checked, self.codec).items():
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(cell.uri, found, cell.version))

    def _outdated(self) -> None:
        """Ask the editor to ask for diagnostics again, a little later and once."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.diagnostics and workspace.diagnostics.refresh_support and not self._asks_again:
            self._asks_again = True
            asyncio.get_running_loop().call_later(LATER, self._ask_again)

    def _ask_again(self) -> None:
        self._asks_again = False
        self.workspace_diagnostic_refresh(None)

    def _say(self, what: str) -> None:
        self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, what))

    def _log(self, what: str) -> None:
        if what not in self._logged:
            self._logged.add(what)
            self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Warning, what))
