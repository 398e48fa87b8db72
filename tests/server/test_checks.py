"""When documents are checked, and how often: with checks that end when the test says so."""

from __future__ import annotations

import asyncio

import pytest

from transfer_lint.server.answers import Checked
from transfer_lint.server.checks import Checks
from transfer_lint.server.document import Cell, Document
from transfer_lint.server.documents import Documents


class Editing:
    """Two documents; `use` reads `make`. Checks of `use` wait until `go` is set."""

    def __init__(self) -> None:
        self.documents = Documents()
        self.checks = Checks(self.documents, self.check, lambda checked: None, lambda: None)
        self.go = asyncio.Event()
        self.begun: list[str] = []

    async def check(self, document: Document, before: Checked | None) -> Checked:
        self.begun.append(document.cells[0].text)
        if document.path == "use.py":
            await self.go.wait()
        return Checked(document, read=frozenset({"make.py"} if document.path == "use.py" else ()))

    def put(self, path: str, text: str) -> Document:
        document = Document(f"file:///{path}", path, (Cell(f"file:///{path}", 1, text),))
        self.documents.put(document)
        return document

    async def until_begun(self, *texts: str) -> None:
        while not set(texts) <= set(self.begun):
            await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_the_newest_text_wins() -> None:
    editing = Editing()
    editing.checks.opened(editing.put("use.py", "first"))
    await editing.until_begun("first")
    editing.checks.changed(editing.put("use.py", "second"))
    await editing.until_begun("second")
    editing.go.set()
    checked = await editing.checks.fresh("file:///use.py")
    assert checked is not None
    assert checked.document.cells[0].text == "second"
    assert editing.begun == ["first", "second"]


@pytest.mark.asyncio
@pytest.mark.parametrize(("path", "times"), [("make.py", 2), ("other.py", 1)])
async def test_a_check_that_runs_goes_on_when_another_document_changes(path: str, times: int) -> None:
    editing = Editing()
    other = editing.put(path, "other")
    editing.checks.opened(editing.put("use.py", "use"))
    await editing.until_begun("use")
    editing.checks.changed(other)
    assert editing.begun.count("use") == 1
    editing.go.set()
    assert await editing.checks.fresh("file:///use.py") is not None
    assert editing.begun.count("use") == times  # again only if it has read what changed


@pytest.mark.asyncio
async def test_a_change_outdates_what_has_read_it() -> None:
    editing = Editing()
    editing.go.set()
    make = editing.put("make.py", "make")
    use = editing.put("use.py", "use")
    editing.checks.opened(use)
    assert await editing.checks.fresh(use.uri) is not None
    editing.checks.changed(make)
    assert editing.checks.current(use) is None
    assert await editing.checks.fresh(use.uri) is not None
    assert editing.begun.count("use") == 2
    editing.documents.remove(use.uri)
    editing.checks.closed(use)
    assert await editing.checks.fresh(use.uri) is None
