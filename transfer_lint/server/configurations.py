"""The settings of documents, from the configuration around them, and which documents are checked at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from transfer_lint.files.discovery import Walk
from transfer_lint.lint.lookup import load
from transfer_lint.problems import Problem
from transfer_lint.server.document import Document
from transfer_lint.settings import Settings

INSTALLED = frozenset({"site-packages", "dist-packages"})
"""Folders of other people's code."""


class Configurations:
    """Finds the settings of documents. say: shows a problem to the user."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._known: dict[str, Settings] = {}
        self._last_right: dict[str, Settings] = {}
        self._said: dict[str, str] = {}

    def forget(self) -> None:
        """Read every configuration again when it is next asked for."""
        self._known.clear()

    def of(self, document: Document) -> Settings:
        """The settings of a document."""
        return self.in_folder(os.path.dirname(os.path.abspath(document.path)) if document.saved else os.getcwd())

    def in_folder(self, folder: str) -> Settings:
        """The settings in a folder. A wrong configuration is said once; until it is right the old settings stay."""
        if folder not in self._known:
            try:
                settings = self._last_right[folder] = load([folder])
                self._said.pop(folder, None)
            except Problem as problem:
                settings = self._last_right.get(folder, Settings(root=folder))
                if str(problem) not in self._said.values():
                    self._say(str(problem))
                self._said[folder] = str(problem)
            self._known[folder] = settings
        return self._known[folder]

    def check(self, document: Document, folders: Sequence[str]) -> bool:
        """Whether a document is checked: `check FOLDER` would look at it, for one of the workspace folders.

        folders: without any, each file that is opened counts as named, unless it is installed code. What is not saved
        yet is nowhere, so it is checked.
        """
        if not document.saved:
            return True
        path = os.path.abspath(document.path)
        if not folders:
            return INSTALLED.isdisjoint(path.split(os.sep))
        around = [folder for folder in folders if _is_inside(path, folder)]
        return any(Walk(folder, self.in_folder(folder), (), self.in_folder).finds(path) for folder in around)


def _is_inside(path: str, folder: str) -> bool:
    path, folder = os.path.normcase(path), os.path.normcase(os.path.abspath(folder))
    return path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)
