"""Patterns of paths, as in a .gitignore, and the .gitignore files of a tree."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from transfer_lint.files import disk
from transfer_lint.problems import Problem


class Patterns:
    """Patterns as in a .gitignore, relative to the folder `base`."""

    def __init__(self, base: str, lines: Iterable[str]) -> None:
        from pathspec import GitIgnoreSpec  # imported late: a run over named files needs no patterns

        self._base = os.path.abspath(base)
        self._spec = GitIgnoreSpec.from_lines(lines)

    def verdict(self, path: str, is_folder: bool) -> bool | None:
        """True: excluded. False: kept by a `!` pattern. None: no pattern matches."""
        relative = os.path.relpath(path, self._base).replace(os.sep, "/")
        if relative == "." or relative.startswith("../"):
            return None
        return self._spec.check_file(relative + "/" if is_folder else relative).include

    def match(self, path: str, is_folder: bool) -> bool:
        """Whether `path` is excluded."""
        return self.verdict(path, is_folder) is True

    def but_for(self, folder: str) -> Patterns:
        """The same without the patterns that exclude `folder` itself, because the user has named that folder."""
        if self.match(folder, is_folder=True):
            relative = os.path.relpath(folder, self._base).replace(os.sep, "/") + "/"
            kept = Patterns(self._base, ())
            covering = [p for p in self._spec.patterns if p.include and p.match_file(relative)]
            kept._spec = type(self._spec)(p for p in self._spec.patterns if p not in covering)
            return kept
        return self


def ignored(path: str, is_folder: bool, ignores: Sequence[Patterns]) -> bool:
    """Whether git ignores the path: the innermost .gitignore with a matching pattern decides.

    ignores: from the outermost .gitignore to the innermost.
    """
    verdicts = (patterns.verdict(path, is_folder) for patterns in reversed(ignores))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def gitignore_in(folder: str) -> list[Patterns]:
    """The patterns of a folder's own .gitignore; empty if there is none or it cannot be read."""
    try:
        text = disk.read(os.path.join(folder, ".gitignore")).decode("utf-8", "surrogateescape")
        return [Patterns(folder, text.splitlines())]
    except (Problem, ValueError):  # unreadable, or a pattern that git rejects too
        return []


def gitignores_over(folder: str) -> list[Patterns]:
    """The patterns of the .gitignore files above `folder`, outermost first, up to the root of its git repository."""
    found: list[Patterns] = []
    here = os.path.abspath(folder)
    while not os.path.exists(os.path.join(here, ".git")):
        parent = os.path.dirname(here)
        if parent == here:
            return []  # no repository: no .gitignore above the folder counts
        here = parent
        found[:0] = gitignore_in(here)
    return found
