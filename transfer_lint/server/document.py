"""An open document of the editor, as frozen data that other processes can take."""

from __future__ import annotations

import json
from dataclasses import dataclass

from transfer_lint.files.decoding import decode
from transfer_lint.files.notebook import line_at, place
from transfer_lint.files.text import Source


@dataclass(frozen=True)
class Cell:
    """One text of the editor: a whole document, or a cell of a notebook.

    uri: as the editor writes it. code: whether it is Python.
    """

    uri: str
    version: int | None
    text: str
    code: bool = True


@dataclass(frozen=True)
class Document:
    """An open document. Every change makes a new one.

    Attributes:
        uri: As the editor writes it.
        path: As shown to the user; of a buffer that is not saved yet, its URI.
        cells: The cells of a notebook in order; of another document, its one text.
        notebook: Whether it is a notebook.
        saved: Whether it is a file.
    """

    uri: str
    path: str
    cells: tuple[Cell, ...]
    notebook: bool = False
    saved: bool = True

    def source(self) -> Source:
        """The text as `check` would read it from the saved file: of a notebook, all its code cells.

        Raises:
            Problem: the lint cannot read it.
        """
        if not self.notebook:
            return Source(self.path, self.cells[0].text, "utf-8", bom=False)
        cells = [{"cell_type": "code" if cell.code else "markdown", "source": cell.text} for cell in self.cells]
        content = {"cells": cells, "nbformat": 4}
        return decode(self.path, json.dumps(content).encode())

    def place(self, text: str, line: int) -> tuple[Cell, int]:
        """The cell of a line of `text`, the text of `source`, and the line in the cell; lines count from 1."""
        if not self.notebook:
            return self.cells[0], line
        number, line = place(text, line)
        return self.cells[number - 1], line

    def line(self, text: str, index: int, line: int) -> int:
        """The line of `text`, the text of `source`, that is the line of the cell with that index. From 1."""
        return line_at(text, index + 1, line) if self.notebook else line
