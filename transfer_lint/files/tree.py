"""The source tree that a file belongs to, read from disk on demand."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice

from transfer_lint.files import disk
from transfer_lint.files.decoding import decode
from transfer_lint.files.discovery import Walk
from transfer_lint.files.ownership import trusted
from transfer_lint.files.paths import is_within, shown_path
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

MAX_TREE_FILES = 20_000
"""If a source tree has more files (of any kind), the analysis follows only files of the checked file's own package."""


class DiskSources:
    """Source text for the analysis, from disk, each file read once.

    overlay: path as shown to the user -> text that replaces the file.
    trees: folder -> the Python files of the tree that begins there, as far as that is known.
    contents: path -> a digest of what was read there; "" for nothing.
    moved: whether a file was read twice, and differed.
    """

    def __init__(
        self, overlay: Mapping[str, str] | None = None, trees: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self._texts: dict[str, str | None] = dict(overlay or {})
        self._stamps: dict[str, tuple[int, ...] | None] = {}
        self.trees: dict[str, tuple[str, ...]] = dict(trees or {})
        self._around: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {}  # folder -> its tree's files
        texts = (overlay or {}).items()
        self.contents = {path: _digest(text.encode("utf-8", "surrogatepass")) for path, text in texts}
        self.moved = False

    def read(self, path: str) -> str | None:
        """The text of a Python file; None if there is no such file or it cannot be read as Python text."""
        if path not in self._texts:
            data = self._read(path)
            self._texts[path] = None
            if data is not None:
                with suppress(Problem):
                    self._texts[path] = decode(path, data).text
        return self._texts[path]

    def content(self, path: str) -> str:
        """A digest of what is at a path; "" if nothing can be read there."""
        if path not in self.contents:
            self._read(path)
        return self.contents[path]

    def _read(self, path: str) -> bytes | None:
        data: bytes | None = None
        self._stamps[path] = _stamp(path)
        with suppress(Problem):
            data = disk.read(path)
        found = _digest(data) if data is not None else ""
        self.moved = self.moved or self.contents.setdefault(path, found) != found
        return data

    def refresh(self, *, listing: bool) -> None:
        """Forget each file that has changed since it was read; with `listing`, also what files there are."""
        for path, stamp in list(self._stamps.items()):
            if _stamp(path) != stamp:
                del self._stamps[path], self.contents[path]
                self._texts.pop(path, None)
        self._around.clear()
        if listing:
            self.trees.clear()

    def python_files(self, near: str) -> tuple[str, ...]:
        """`near` and every Python file of its source tree.

        That is its repository or project; without one, the working directory that it is in; else its package.
        """
        folder = os.path.dirname(os.path.abspath(near))
        if folder not in self._around:
            files = self.files_of(_project_root(folder) or _working_directory(folder) or _package_root(folder))
            self._around[folder] = files, frozenset(files)
        files, known = self._around[folder]
        if near in known:
            return files
        files = self.files_of(_package_root(folder))  # the tree is too large, or the file is excluded from it
        return files if near in files else (*files, near)

    def files_of(self, root: str) -> tuple[str, ...]:
        """The Python files of the tree that begins at a folder; none if it is too large."""
        if root not in self.trees:
            found = list(islice(Walk(root, Settings(root=root)).files(), MAX_TREE_FILES + 1))
            if len(found) > MAX_TREE_FILES:
                found = []
            self.trees[root] = tuple(sorted(shown_path(path) for path in found if path.endswith(".py")))
        return self.trees[root]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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


def _working_directory(folder: str) -> str | None:
    """The working directory, if the folder is in it; None where that is a part of a package, or holds more than one
    project: a home or what is over it, or a folder for everybody's files.
    """
    here = os.getcwd()
    shared = is_within(os.path.expanduser("~"), here) or bool(os.stat(here).st_mode & stat.S_ISVTX)
    return here if is_within(folder, here) and not shared and _package_root(here) == here else None


def _package_root(folder: str) -> str:
    """The outermost folder of the unbroken chain of packages that `folder` is in; `folder` itself without one."""
    while (parent := os.path.dirname(folder)) != folder and all(
        os.path.isfile(os.path.join(package, "__init__.py")) for package in (folder, parent)
    ):
        folder = parent
    return folder
