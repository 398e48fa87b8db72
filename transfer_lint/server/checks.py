"""Keeps the findings of the open documents up to date. The newest state wins: older checks are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from transfer_lint.server.answers import Checked
from transfer_lint.server.document import Document
from transfer_lint.server.documents import Documents, plain

PAUSE = 0.1
"""Seconds without a change after which a document is checked."""

LATER = 0.4
"""The same for documents that depend on one that has changed."""


class Checks:
    """The findings of the open documents.

    check: checks one document; it is given what was found in the same text the last time. eager: whether documents are
    checked as soon as they change, or when they are asked for. done: takes what has been found, if they are eager.
    outdated: called when others than the changed document are no longer up to date, if they are not.
    """

    def __init__(
        self,
        documents: Documents,
        check: Callable[[Document, Checked | None], Awaitable[Checked | None]],
        done: Callable[[Checked], None],
        outdated: Callable[[], None],
    ) -> None:
        self.eager = True
        self._documents = documents
        self._check = check
        self._done = done
        self._outdated = outdated
        self._tasks: dict[str, asyncio.Task[Checked | None]] = {}
        self._checked: dict[str, Checked] = {}
        self._last: dict[str, Checked] = {}  # also what may no longer hold
        self._meanwhile: dict[str, set[str]] = {}  # a document that is being checked -> paths that have changed since

    def pushes(self, document: Document) -> bool:
        """Whether a document is checked, and its findings are told, without being asked for.

        A notebook always is: editors that ask for the diagnostics of files do not ask for those of cells.
        """
        return self.eager or document.notebook

    def opened(self, document: Document) -> None:
        """A document was opened, so that it counts in the place of its file."""
        self._start(document, 0.0)
        self._dependents(document)

    def changed(self, document: Document) -> None:
        """A document has changed, and with it what depends on it."""
        self._start(document, PAUSE)
        self._dependents(document)

    def closed(self, document: Document) -> None:
        """A document was closed: its file counts again."""
        self._cancel(plain(document.uri))
        self._last.pop(plain(document.uri), None)
        self._dependents(document)

    def anything_changed(self) -> None:
        """Files, or the configuration, have changed."""
        for document in self._documents:
            self._start(document, PAUSE)
        if not self.eager:
            self._outdated()

    def current(self, document: Document) -> Checked | None:
        """The findings in a document as it is now, if they have been found."""
        return self._checked.get(plain(document.uri))

    async def fresh(self, uri: str) -> Checked | None:
        """The findings in a document as it is when they are found; None if it is closed or cannot be checked."""
        while (document := self._documents.get(uri)) is not None:
            key = plain(document.uri)
            if key in self._checked:
                return self._checked[key]
            task = self._tasks.get(key) or self._run(document, 0.0 if self.pushes(document) else PAUSE)
            await asyncio.wait([task])
            if self._tasks.get(key) is task:
                return None if task.cancelled() else task.result()
        return None

    def _dependents(self, changed: Document) -> None:
        for document in self._documents:
            key = plain(document.uri)
            if key == plain(changed.uri):
                continue
            if key in self._tasks and not self._tasks[key].done():
                self._meanwhile[key].add(changed.path)  # when it is done, it is known whether that matters
            elif key in self._last and changed.path in self._last[key].read:
                self._start(document, LATER)
                if not self.eager:
                    self._outdated()

    def _start(self, document: Document, pause: float) -> None:
        self._cancel(plain(document.uri))
        if self.pushes(document):
            self._run(document, pause)

    def _cancel(self, key: str) -> None:
        self._checked.pop(key, None)
        if (task := self._tasks.pop(key, None)) is not None:
            task.cancel()

    def _run(self, document: Document, pause: float) -> asyncio.Task[Checked | None]:
        key = plain(document.uri)
        self._meanwhile[key] = set()

        async def run() -> Checked | None:
            await asyncio.sleep(pause)
            last = self._last.get(key)
            before = last if last and last.document.cells == document.cells else None
            while True:
                self._meanwhile[key] = set()
                checked = await self._check(document, before)
                if checked is None or checked.read.isdisjoint(self._meanwhile[key]):
                    break
                before = checked
            if checked is not None:
                self._checked[key] = self._last[key] = checked
                if self.pushes(document):
                    self._done(checked)
            return checked

        task = self._tasks[key] = asyncio.create_task(run())
        task.add_done_callback(_retrieved)
        return task

    def end(self) -> None:
        """Cancel all checks."""
        for key in list(self._tasks):
            self._cancel(key)


def _retrieved(task: asyncio.Task[Checked | None]) -> None:
    """A failed task's exception is for those who wait for it."""
    with suppress(asyncio.CancelledError):
        task.exception()
