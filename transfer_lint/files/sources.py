"""Where the analysis reads source text: the files on disk, or an overlay that replaces some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Sources(Protocol):
    """Where source text comes from. Paths are as shown to the user, with `/`."""

    def read(self, path: str) -> str | None:
        """The text of a Python file; None if there is no such file or it cannot be read as Python text."""

    def python_files(self, near: str) -> Sequence[str]:
        """Every Python file of the source tree that the file `near` belongs to."""


class Overlaid:
    """Sources with an overlay. overlay: path -> text that replaces the file."""

    def __init__(self, sources: Sources, overlay: Mapping[str, str]) -> None:
        self._sources = sources
        self._overlay = overlay

    def read(self, path: str) -> str | None:
        """The text of a file: from the overlay if it is there, else from the sources."""
        return self._overlay[path] if path in self._overlay else self._sources.read(path)

    def python_files(self, near: str) -> Sequence[str]:
        """The Python files that the sources list."""
        return self._sources.python_files(near)
