"""Which files a run looks at: arguments to a sorted list, without what is excluded or ignored by git."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from transfer_lint.files import disk
from transfer_lint.files.paths import shown_path
from transfer_lint.files.patterns import Patterns, gitignore_in, gitignores_over, ignored
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

LINTED = (".py", ".ipynb")
"""How files are called that are looked at where only their folder is named."""


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
        self._excludes = Patterns(settings.root, (*settings.exclude, *settings.extend_exclude)).but_for(folder)

    def files(self) -> Iterator[str]:
        """Paths below the folder, joined to it as it was given, in no order that matters."""
        over = [patterns.but_for(self.folder) for patterns in gitignores_over(self.folder)] if self._gitignore else []
        pending = [(self.folder, over)]
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
                if self._excludes.match(path, is_folder) or ignored(path, is_folder, ignores):
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
