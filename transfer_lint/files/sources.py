"""What the analysis reads source text from: the files on disk, or some of them replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Sources(Protocol):
    """Where source text comes from. Paths are as shown to the user, with `/`."""

    def read(self, path: str) -> str | None:
        """The text of a Python file; None where there is none or it cannot be read as Python text."""

    def python_files(self, near: str) -> Sequence[str]:
        """Every Python file of the source tree that the file `near` belongs to."""


class Overlaid:
    """Sources of which some are replaced."""

    def __init__(self, sources: Sources, overlay: Mapping[str, str]) -> None:
        self._sources = sources
        self._overlay = overlay

    def read(self, path: str) -> str | None:
        """The text of a file, replaced or not."""
        return self._overlay[path] if path in self._overlay else self._sources.read(path)

    def python_files(self, near: str) -> Sequence[str]:
        """As the sources say."""
        return self._sources.python_files(near)
