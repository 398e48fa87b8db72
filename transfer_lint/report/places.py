"""The places of findings, for people and for programs. In a notebook a place is a cell and a line in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from transfer_lint.files.text import is_notebook, lines_of
from transfer_lint.lint.outcome import Outcome


@dataclass(frozen=True)
class Place:
    """A line of a file or, with `cell`, of a notebook's cell; both from 1."""

    path: str
    cell: int | None
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def file(self) -> str:
        """The file as shown to the user: `nodes.py`, `demo.ipynb:cell 3`."""
        return self.path if self.cell is None else f"{self.path}:cell {self.cell}"


@dataclass(frozen=True)
class Places:
    """Converts the line numbers of an outcome."""

    outcome: Outcome

    def at(self, path: str, line: int) -> Place:
        """The place of a line, as people see it."""
        if path in self.outcome.texts and is_notebook(path):
            from transfer_lint.files import notebook  # imported late: most runs have no notebook

            return Place(path, *notebook.place(self.outcome.texts[path], line))
        return Place(path, None, line)

    def on_disk(self, path: str, line: int) -> int:
        """The line in the file itself; for a notebook, in its JSON."""
        place = self.at(path, line)
        if place.cell is None or path not in self.outcome.documents:
            return line
        return self._documents[path].get((place.cell, place.line), 1)

    def address(self, path: str, line: int) -> Callable[[], str]:
        """Gives the `file:` address of a line; editors and terminals read the line after the `#`."""

        def written() -> str:
            from pathlib import Path  # imported late: few reports have addresses

            return f"{Path(path).absolute().as_uri()}#{self.on_disk(path, line)}"

        return written

    def lines(self, path: str) -> list[str]:
        """The lines of a file's text, of a notebook as they are in its cells. Line N is `lines(path)[N - 1]`."""
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
