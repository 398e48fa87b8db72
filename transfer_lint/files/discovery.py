"""Which files a run checks: from arguments to a sorted list, without what is excluded or ignored by git."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from transfer_lint.files import disk
from transfer_lint.files.git_index import is_tracked
from transfer_lint.files.paths import shown_path
from transfer_lint.files.patterns import Patterns, gitignore_in, gitignores_over, ignored
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

LINTED = (".py", ".ipynb")
"""The name endings of the files that are checked when only their folder is named."""


@dataclass(frozen=True)
class Found:
    """files: the paths to check, as shown to the user, sorted, each once. problems: what could not be used, and why."""

    files: tuple[str, ...]
    problems: tuple[Problem, ...]


def collect(
    arguments: Sequence[str],
    settings: Settings,
    *,
    given: Collection[str] = (),
    force_exclude: bool = False,
) -> Found:
    """The files that the arguments name: a named file whatever its name, and in a named folder those in LINTED.

    What is in a folder and is excluded by the settings or ignored by git is left out, unless the pattern also matches
    the named folder itself. Symbolic links to folders are followed only if they are arguments. Only regular files are
    ever opened.

    given: arguments that need not be on disk. force_exclude: the settings' excludes apply to the arguments too.
    """
    excludes = Patterns(settings.root, (*settings.exclude, *settings.extend_exclude)) if force_exclude else None
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
            what = "is a dangling link" if dangling else disk.reason(error)
            problems.append(Problem(shown_path(argument), what, "check the path"))
            continue
        if stat.S_ISREG(mode):
            files.add(shown_path(argument))
        elif stat.S_ISDIR(mode):
            walk = Walk(argument, settings)
            files.update(shown_path(path) for path in walk.files() if path.endswith(LINTED))
            problems.extend(walk.problems)
        else:
            problems.append(Problem(shown_path(argument), f"is {disk.kind_of(mode)}, not a file", "leave it out"))
    return Found(tuple(sorted(_one_name_each(files))), tuple(problems))


def _one_name_each(paths: Iterable[str]) -> Iterator[str]:
    """Drop symbolic links to files that are listed themselves, and all but the first of several links to one file."""
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
    """Finds the regular files under a folder that the settings do not exclude. problems: complete after `files`."""

    def __init__(self, folder: str, settings: Settings) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self._gitignore = settings.respect_gitignore
        self._excludes = Patterns(settings.root, (*settings.exclude, *settings.extend_exclude)).but_for(folder)

    def files(self) -> Iterator[str]:
        """The paths of the files, joined to the folder as it was given, in no particular order."""
        pending = [(self.folder, self._ignores_over())]
        while pending:
            folder, ignores = pending.pop()
            try:
                with os.scandir(folder) as entries:
                    listing = list(entries)
            except OSError as error:
                self.problems.append(
                    Problem(shown_path(folder), f"cannot be listed: {disk.reason(error)}", "exclude it")
                )
                continue
            if self._gitignore and any(entry.name == ".gitignore" for entry in listing):
                ignores = [*ignores, *gitignore_in(folder)]
            for entry in listing:
                path = os.path.normpath(entry.path)
                is_folder = entry.is_dir(follow_symlinks=False)
                if self._is_left_out(path, is_folder, ignores):
                    continue
                if is_folder:
                    pending.append((path, ignores))
                elif _is_regular(entry):
                    yield path

    def finds(self, path: str) -> bool:
        """Whether nothing excludes a path below the folder, so that `files` finds the file that is there, if one is."""
        ignores = self._ignores_over()
        here = self.folder
        parts = os.path.relpath(path, self.folder).split(os.sep)
        for depth, part in enumerate(parts, start=1):
            if self._gitignore:
                ignores = [*ignores, *gitignore_in(here)]
            here = os.path.join(here, part)
            if self._is_left_out(here, depth < len(parts), ignores):
                return False
        return True

    def _ignores_over(self) -> list[Patterns]:
        return [patterns.but_for(self.folder) for patterns in gitignores_over(self.folder)] if self._gitignore else []

    def _is_left_out(self, path: str, is_folder: bool, ignores: Sequence[Patterns]) -> bool:
        if self._excludes.match(path, is_folder):
            return True
        return ignored(path, is_folder, ignores) and not is_tracked(path, is_folder)


def _is_regular(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a cycle of symbolic links
        return False
