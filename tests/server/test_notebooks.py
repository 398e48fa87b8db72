"""Notebooks in the editor: their cells are checked and fixed together, as the saved file would be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.language_client import PULL, Editor, applied, editing

CELLS = {
    "import": "import torch\nx = torch.zeros(3)\n",
    "text": "# a title",
    "move": '%time y = 1\nx = x.to("cuda:0")\n',
    "again": '"\U0001f600"; z = x.to("cuda:0")',
}


class Notebook:
    def __init__(self, editor: Editor, path: Path, cells: Mapping[str, str]) -> None:
        self.editor, self.path = editor, path
        items = [self._item(name, text) for name, text in cells.items()]
        notebook = {
            "uri": path.as_uri(),
            "notebookType": "jupyter-notebook",
            "version": 1,
            "cells": [self.cell(name) for name in cells],
        }
        editor.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": items})

    def cell(self, name: str) -> dict[str, Any]:
        return {"kind": 1 if name == "text" else 2, "document": self.uri(name)}

    def uri(self, name: str) -> str:
        return f"vscode-notebook-cell:{self.path}#{name}"

    def _item(self, name: str, text: str) -> dict[str, Any]:
        language = "markdown" if name == "text" else "python"
        return {"uri": self.uri(name), "languageId": language, "version": 1, "text": text}

    def change(self, version: int, **cells: object) -> None:
        change = {"notebookDocument": {"uri": self.path.as_uri(), "version": version}, "change": {"cells": cells}}
        self.editor.notify("notebookDocument/didChange", change)

    def published(self, name: str, times: int) -> Any:
        self.editor.wait(lambda message: len(self.editor.published(self.uri(name))) >= times)
        return self.editor.published(self.uri(name))[times - 1]

    def codes(self, name: str, times: int) -> list[str]:
        return [found["code"] for found in self.published(name, times)["diagnostics"]]

    def actions(self, name: str, line: int) -> list[Any]:
        place = {"line": line, "character": 0}
        document = {"textDocument": {"uri": self.uri(name)}, "range": {"start": place, "end": place}}
        return list(self.editor.request("textDocument/codeAction", {**document, "context": {"diagnostics": []}}))


def test_cells_are_one_program(tmp_path: Path) -> None:
    with editing(tmp_path) as editor:
        notebook = Notebook(editor, tmp_path / "my notes.ipynb", CELLS)
        (found,) = notebook.published("again", 1)["diagnostics"]
        assert found["code"] == "TL101"
        assert found["range"] == {"start": {"line": 0, "character": 12}, "end": {"line": 0, "character": 24}}
        facts = [fact["location"] for fact in found["relatedInformation"]]
        assert {"uri": notebook.uri("move"), "line": 1} in [
            {"uri": fact["uri"], "line": fact["range"]["start"]["line"]} for fact in facts
        ]
        fix = notebook.actions("again", 0)[0]
        resolved = editor.request("codeAction/resolve", fix)
        (change,) = resolved["edit"]["documentChanges"]
        assert change["textDocument"] == {"uri": notebook.uri("again"), "version": 1}
        assert applied(CELLS["again"], change["edits"]) == '"\U0001f600"; z = x'
        assert notebook.actions("text", 0)[:-1] == []
        place = {"textDocument": {"uri": notebook.uri("again")}, "position": {"line": 0, "character": 13}}
        assert "my notes.ipynb:cell 3:2" in editor.request("textDocument/hover", place)["contents"]["value"]


def test_cells_are_edited_moved_added_and_taken_away(tmp_path: Path) -> None:
    with editing(tmp_path) as editor:
        notebook = Notebook(editor, tmp_path / "a.ipynb", CELLS)
        assert notebook.codes("again", 1) == ["TL101"]
        span = {"start": {"line": 1, "character": 10}, "end": {"line": 1, "character": 16}}
        part = {"range": span, "text": "cpu"}
        content = {"document": {"uri": notebook.uri("move"), "version": 2}, "changes": [part]}
        notebook.change(2, textContent=[content])  # now x.to("cpu0")
        assert "TL101" not in notebook.codes("again", 2)
        whole = {"document": {"uri": notebook.uri("move"), "version": 3}, "changes": [{"text": CELLS["move"]}]}
        notebook.change(3, textContent=[whole])
        assert notebook.codes("again", 3) == ["TL101"]
        notebook.change(
            4,
            structure={
                "array": {"start": 2, "deleteCount": 2, "cells": [notebook.cell("again"), notebook.cell("move")]}
            },
        )
        assert "TL101" not in notebook.codes("again", 4)  # it comes first now
        array = {"start": 2, "deleteCount": 1, "cells": []}
        notebook.change(5, structure={"array": array, "didClose": [{"uri": notebook.uri("again")}]})
        notebook.published("move", 5)
        assert editor.published(notebook.uri("again"))[-1]["diagnostics"] == []
        document = {"notebookDocument": {"uri": notebook.path.as_uri()}}
        editor.notify("notebookDocument/didClose", {**document, "cellTextDocuments": []})
        editor.wait_for(
            "textDocument/publishDiagnostics",
            lambda p: p["uri"] == notebook.uri("move") and not p["diagnostics"] and "version" not in p,
        )


def test_editors_that_ask_for_diagnostics_are_told_those_of_cells_all_the_same(tmp_path: Path) -> None:
    """VS Code asks for those of files, and of no cell."""
    with editing(tmp_path, capabilities=PULL) as editor:
        notebook = Notebook(editor, tmp_path / "demo.ipynb", CELLS)
        assert notebook.codes("again", 1) == ["TL101"]
        asked = editor.request("textDocument/diagnostic", {"textDocument": {"uri": notebook.uri("again")}})
        assert asked["items"] == []
