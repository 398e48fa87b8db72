"""Patterns of paths, as in a .gitignore, and the .gitignore files of a tree."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from transfer_lint.files import disk
from transfer_lint.problems import Problem


class Patterns:
    """Patterns as in a .gitignore, relative to the folder `base`."""

    def __init__(self, base: str, lines: Iterable[str]) -> None:
        from pathspec import GitIgnoreSpec  # named files need no patterns

        self._base = os.path.abspath(base)
        self._spec = GitIgnoreSpec.from_lines(lines)

    def verdict(self, path: str, is_folder: bool) -> bool | None:
        """True: left out. False: kept by a `!` pattern. None: not spoken of."""
        relative = os.path.relpath(path, self._base).replace(os.sep, "/")
        if relative == "." or relative.startswith("../"):
            return None
        return self._spec.check_file(relative + "/" if is_folder else relative).include

    def match(self, path: str, is_folder: bool) -> bool:
        """Whether `path` is left out."""
        return self.verdict(path, is_folder) is True

    def but_for(self, folder: str) -> Patterns:
        """The same without the patterns that leave out `folder` itself: who names it wants to see it."""
        if self.match(folder, is_folder=True):
            relative = os.path.relpath(folder, self._base).replace(os.sep, "/") + "/"
            kept = Patterns(self._base, ())
            covering = [p for p in self._spec.patterns if p.include and p.match_file(relative)]
            kept._spec = type(self._spec)(p for p in self._spec.patterns if p not in covering)
            return kept
        return self


def ignored(path: str, is_folder: bool, ignores: Sequence[Patterns]) -> bool:
    """git's rule: the innermost .gitignore that speaks of the path decides."""
    verdicts = (patterns.verdict(path, is_folder) for patterns in reversed(ignores))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def gitignore_in(folder: str) -> list[Patterns]:
    """The patterns of a folder's own .gitignore; none where it has none that can be read."""
    try:
        text = disk.read(os.path.join(folder, ".gitignore")).decode("utf-8", "surrogateescape")
        return [Patterns(folder, text.splitlines())]
    except (Problem, ValueError):  # unreadable, or a pattern that git would not take either
        return []


def gitignores_over(folder: str) -> list[Patterns]:
    """Those of the folders over `folder`, outermost first, up to the top of its git repository."""
    found: list[Patterns] = []
    here = os.path.abspath(folder)
    while not os.path.exists(os.path.join(here, ".git")):
        parent = os.path.dirname(here)
        if parent == here:
            return []  # no repository: nothing over the folder speaks of it
        here = parent
        found[:0] = gitignore_in(here)
    return found
