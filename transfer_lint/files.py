"""Which files: arguments to a sorted list, .gitignore and excludes; and the source tree that a file belongs to."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from transfer_lint import source
from transfer_lint.config import Settings, shown_path
from transfer_lint.outcome import Problem

LINTED = (".py", ".ipynb")
"""How files are called that are looked at where only their folder is named."""
MAX_TREE_FILES = 20_000
"""A source tree of more files (of any kind) is not followed from file to file; only the file's own package is."""


@dataclass(frozen=True)
class Found:
    """Files to look at, sorted, each once, as shown to the user; and what could not be taken."""

    files: tuple[str, ...]
    problems: tuple[Problem, ...]


def collect(
    arguments: Sequence[str],
    settings: Settings,
    *,
    given: Collection[str] = (),
    force_exclude: bool = False,
) -> Found:
    """Files that the arguments name. A named file is taken whatever it is called; in a folder those in LINTED.

    What a folder holds and the settings exclude, or git ignores, is left out, unless the pattern covers the named
    folder itself. Links to folders are followed only where they are named. What is no regular file is never opened.

    given: arguments that need not be on disk. force_exclude: the settings' excludes hold for named files too.
    """
    excludes = _Patterns(settings.root, (*settings.exclude, *settings.extend_exclude)) if force_exclude else None
    files: set[str] = set()
    problems: list[Problem] = []
    for argument in dict.fromkeys(arguments):
        if argument in given:
            files.add(argument)
            continue
        if excludes and excludes.match(argument, os.path.isdir(argument)):
            continue
        try:
            mode = os.stat(argument).st_mode
        except OSError as error:
            dangling = isinstance(error, FileNotFoundError) and os.path.islink(argument)
            what = "is a dangling link" if dangling else source.reason(error)
            problems.append(Problem(shown_path(argument), what, "check the path"))
            continue
        if stat.S_ISREG(mode):
            files.add(shown_path(argument))
        elif stat.S_ISDIR(mode):
            walk = Walk(argument, settings)
            files.update(shown_path(path) for path in walk.files() if path.endswith(LINTED))
            problems.extend(walk.problems)
        else:
            problems.append(Problem(shown_path(argument), f"is {source.kind_of(mode)}, not a file", "leave it out"))
    return Found(tuple(sorted(_one_name_each(files))), tuple(problems))


def _one_name_each(paths: Iterable[str]) -> Iterator[str]:
    """Drop links to files that are listed under their own name, and all but the first of links to the same file."""
    listed = set(paths)
    seen: set[str] = set()
    for path in sorted(listed):
        if os.path.islink(path):
            target = os.path.realpath(path)
            if target in seen or shown_path(target) in listed:
                continue
            seen.add(target)
        yield path


class Walk:
    """The regular files under a folder that settings do not exclude; after `files`, the `problems` met."""

    def __init__(self, folder: str, settings: Settings) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self._gitignore = settings.respect_gitignore
        self._excludes = _Patterns(settings.root, (*settings.exclude, *settings.extend_exclude)).but_for(folder)

    def files(self) -> Iterator[str]:
        """Paths below the folder, joined to it as it was given, in no order that matters."""
        over = [patterns.but_for(self.folder) for patterns in _gitignores_over(self.folder)] if self._gitignore else []
        pending = [(self.folder, over)]
        while pending:
            folder, ignores = pending.pop()
            try:
                with os.scandir(folder) as entries:
                    listing = list(entries)
            except OSError as error:
                self.problems.append(
                    Problem(shown_path(folder), f"cannot be listed: {source.reason(error)}", "exclude it")
                )
                continue
            if self._gitignore and any(entry.name == ".gitignore" for entry in listing):
                ignores = [*ignores, *_gitignore_in(folder)]
            for entry in listing:
                path = os.path.normpath(entry.path)
                is_folder = entry.is_dir(follow_symlinks=False)
                if self._excludes.match(path, is_folder) or _ignored(path, is_folder, ignores):
                    continue
                if is_folder:
                    pending.append((path, ignores))
                elif _is_regular(entry):
                    yield path


def _is_regular(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # links in a circle
        return False


class _Patterns:
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

    def but_for(self, folder: str) -> _Patterns:
        """The same without the patterns that leave out `folder` itself: who names it wants to see it."""
        if self.match(folder, is_folder=True):
            relative = os.path.relpath(folder, self._base).replace(os.sep, "/") + "/"
            kept = _Patterns(self._base, ())
            covering = [p for p in self._spec.patterns if p.include and p.match_file(relative)]
            kept._spec = type(self._spec)(p for p in self._spec.patterns if p not in covering)
            return kept
        return self


def _ignored(path: str, is_folder: bool, ignores: Sequence[_Patterns]) -> bool:
    """git's rule: the innermost .gitignore that speaks of the path decides."""
    verdicts = (patterns.verdict(path, is_folder) for patterns in reversed(ignores))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def _gitignore_in(folder: str) -> list[_Patterns]:
    try:
        text = source.read(os.path.join(folder, ".gitignore")).decode("utf-8", "surrogateescape")
        return [_Patterns(folder, text.splitlines())]
    except (Problem, ValueError):  # unreadable, or a pattern that git would not take either
        return []


def _gitignores_over(folder: str) -> list[_Patterns]:
    """Those of the folders over `folder`, outermost first, up to the top of its git repository."""
    found: list[_Patterns] = []
    here = os.path.abspath(folder)
    while not os.path.exists(os.path.join(here, ".git")):
        parent = os.path.dirname(here)
        if parent == here:
            return []  # no repository: nothing over the folder speaks of it
        here = parent
        found[:0] = _gitignore_in(here)
    return found


def ignored_rules(path: str, settings: Settings) -> tuple[str, ...]:
    """The selectors that per-file-ignores turns off for a file."""
    return tuple(
        selector
        for pattern, selectors in settings.per_file_ignores
        if _compiled(settings.root, pattern).match(os.path.abspath(path), is_folder=False)
        for selector in selectors
    )


@lru_cache(maxsize=256)
def _compiled(root: str, pattern: str) -> _Patterns:
    return _Patterns(root, (pattern,))


class DiskSources:
    """Source text for the analysis, from disk, each file read once.

    overlay: path as shown -> text that stands for the file's.
    """

    def __init__(self, overlay: Mapping[str, str] | None = None) -> None:
        self._texts: dict[str, str | None] = dict(overlay or {})
        self._trees: dict[str, tuple[str, ...]] = {}

    def read(self, path: str) -> str | None:
        """The text of a Python file; None where there is none or it cannot be read as Python text."""
        if path not in self._texts:
            try:
                self._texts[path] = source.decode(path, source.read(path)).text
            except Problem:
                self._texts[path] = None
        return self._texts[path]

    def python_files(self, near: str) -> tuple[str, ...]:
        """Every Python file of the source tree of `near`: of its repository or project, else of its package."""
        folder = os.path.dirname(os.path.abspath(near))
        files = self._tree(_project_root(folder) or _package_root(folder))
        if near not in files:  # too large a tree, or one that leaves the file out
            files = self._tree(_package_root(folder))
        return files if near in files else (*files, near)

    def _tree(self, root: str) -> tuple[str, ...]:
        if root not in self._trees:
            found = list(islice(Walk(root, Settings(root=root)).files(), MAX_TREE_FILES + 1))
            if len(found) > MAX_TREE_FILES:
                found = []
            self._trees[root] = tuple(sorted(shown_path(path) for path in found if path.endswith(".py")))
        return self._trees[root]


def _project_root(folder: str) -> str | None:
    """The nearest folder at or over `folder` that holds .git or pyproject.toml."""
    while True:
        if any(os.path.exists(os.path.join(folder, mark)) for mark in (".git", "pyproject.toml")):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _package_root(folder: str) -> str:
    """The outermost folder of the unbroken chain of packages over `folder`; itself where it is in none."""
    while (parent := os.path.dirname(folder)) != folder and all(
        os.path.isfile(os.path.join(package, "__init__.py")) for package in (folder, parent)
    ):
        folder = parent
    return folder
