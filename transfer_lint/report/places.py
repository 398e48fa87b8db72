"""Where a finding is, for people and for programs: in a notebook that is a cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from transfer_lint.files.text import is_notebook, lines_of
from transfer_lint.lint.outcome import Outcome


@dataclass(frozen=True)
class Place:
    """A line, from 1: of a file, or with `cell` (from 1) of a notebook's cell."""

    path: str
    cell: int | None
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def file(self) -> str:
        """`nodes.py`, `demo.ipynb:cell 3`."""
        return self.path if self.cell is None else f"{self.path}:cell {self.cell}"


@dataclass(frozen=True)
class Places:
    """Translates the lines that an outcome speaks of."""

    outcome: Outcome

    def at(self, path: str, line: int) -> Place:
        """Where a person finds a line."""
        if path in self.outcome.texts and is_notebook(path):
            from transfer_lint.files import notebook  # most runs meet none

            return Place(path, *notebook.place(self.outcome.texts[path], line))
        return Place(path, None, line)

    def on_disk(self, path: str, line: int) -> int:
        """The line of the file itself, of a notebook's JSON."""
        place = self.at(path, line)
        if place.cell is None or path not in self.outcome.documents:
            return line
        return self._documents[path].get((place.cell, place.line), 1)

    def lines(self, path: str) -> list[str]:
        """The lines of a text, as they are written: `lines(path)[line - 1]`."""
        if path not in self._lines:
            text = self.outcome.texts.get(path, "")
            if (document := self.outcome.documents.get(path)) is not None:
                from transfer_lint.files import notebook

                text = notebook.shown(document)
            self._lines[path] = lines_of(text)
        return self._lines[path]

    @cached_property
    def _lines(self) -> dict[str, list[str]]:
        return {}

    @cached_property
    def _documents(self) -> Mapping[str, Mapping[tuple[int, int], int]]:
        from transfer_lint.files import notebook

        return {path: notebook.document_lines(document) for path, document in self.outcome.documents.items()}
