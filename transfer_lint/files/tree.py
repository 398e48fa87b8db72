"""The source tree that a file belongs to, read from disk on demand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import islice

from transfer_lint.files import disk
from transfer_lint.files.decoding import decode
from transfer_lint.files.discovery import Walk
from transfer_lint.files.ownership import trusted
from transfer_lint.files.paths import shown_path
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

MAX_TREE_FILES = 20_000
"""If a source tree has more files (of any kind), the analysis follows only files of the checked file's own package."""


class DiskSources:
    """Source text for the analysis, from disk, each file read once.

    overlay: path as shown to the user -> text that replaces the file.
    """

    def __init__(self, overlay: Mapping[str, str] | None = None) -> None:
        self._texts: dict[str, str | None] = dict(overlay or {})
        self._stamps: dict[str, tuple[int, ...] | None] = {}
        self._trees: dict[str, tuple[str, ...]] = {}

    def read(self, path: str) -> str | None:
        """The text of a Python file; None if there is no such file or it cannot be read as Python text."""
        if path not in self._texts:
            self._stamps[path] = _stamp(path)
            try:
                self._texts[path] = decode(path, disk.read(path)).text
            except Problem:
                self._texts[path] = None
        return self._texts[path]

    def refresh(self, *, listing: bool) -> None:
        """Forget the text of each file that has changed since it was read; with `listing`, also what there is."""
        for path, stamp in list(self._stamps.items()):
            if _stamp(path) != stamp:
                del self._stamps[path], self._texts[path]
        if listing:
            self._trees.clear()

    def python_files(self, near: str) -> tuple[str, ...]:
        """`near` and every Python file of its source tree: of its repository or project, else of its package."""
        folder = os.path.dirname(os.path.abspath(near))
        files = self._tree(_project_root(folder) or _package_root(folder))
        if near not in files:  # the tree is too large, or the file is excluded from it
            files = self._tree(_package_root(folder))
        return files if near in files else (*files, near)

    def _tree(self, root: str) -> tuple[str, ...]:
        if root not in self._trees:
            found = list(islice(Walk(root, Settings(root=root)).files(), MAX_TREE_FILES + 1))
            if len(found) > MAX_TREE_FILES:
                found = []
            self._trees[root] = tuple(sorted(shown_path(path) for path in found if path.endswith(".py")))
        return self._trees[root]


def _stamp(path: str) -> tuple[int, ...] | None:
    """What changes with a file's content; None if there is no such file."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _project_root(folder: str) -> str | None:
    """The nearest folder, `folder` or one above it, that holds .git or pyproject.toml; None if there is none.

    What somebody else has put above the folder makes no project.
    """
    start = folder
    while True:
        marks = (os.path.join(folder, mark) for mark in (".git", "pyproject.toml"))
        if any(os.path.exists(mark) and trusted(mark, start) for mark in marks):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _package_root(folder: str) -> str:
    """The outermost folder of the unbroken chain of packages that `folder` is in; `folder` itself without one."""
    while (parent := os.path.dirname(folder)) != folder and all(
        os.path.isfile(os.path.join(package, "__init__.py")) for package in (folder, parent)
    ):
        folder = parent
    return folder
