"""What git ignores: by .gitignore files, .git/info/exclude and core.excludesFile."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from transfer_lint.files import disk
from transfer_lint.files.ownership import trusted
from transfer_lint.files.patterns import Patterns
from transfer_lint.files.repository import excludes_file, root_over, shared_folder
from transfer_lint.problems import Problem


def ignored(path: str, is_folder: bool, ignores: Sequence[Patterns]) -> bool:
    """Whether git ignores the path, if it does not ignore a folder over it: the last patterns that match decide.

    ignores: from the outermost to the innermost.
    """
    verdicts = (patterns.verdict(path, is_folder) for patterns in reversed(ignores))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def ignores_over(folder: str) -> list[Patterns]:
    """The patterns above `folder`, outermost first, from the root of its repository on; none without a repository."""
    root = root_over(folder)
    found: list[Patterns] = []
    here = os.path.abspath(folder)
    while root is not None and here != root:
        here = os.path.dirname(here)
        found[:0] = ignores_in(here, folder)
    return found


def ignores_in(folder: str, about: str | None = None) -> list[Patterns]:
    """The patterns that a folder brings: of its own .gitignore, before them those of the repository that it is.

    about: the folder that they are for, if it is another; files of other owners are passed over.
    """
    about = about or folder
    found: list[Patterns] = []
    git, own = os.path.join(folder, ".git"), os.path.join(folder, ".gitignore")
    if os.path.exists(git) and trusted(git, about):
        found += _patterns(excludes_file(folder), folder)
        with suppress(Problem):  # `.git` may be nothing of git's
            found += _patterns(os.path.join(shared_folder(folder), "info", "exclude"), folder)
    return found + (_patterns(own, folder) if trusted(own, about) else [])


def _patterns(path: str, base: str) -> list[Patterns]:
    """The patterns in one file; none if there is no such file or it cannot be read."""
    if not path or not os.path.isfile(path):
        return []
    try:
        text = disk.read(path).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    except Problem:
        return []
    return [Patterns(base, (line.removesuffix("\r") for line in text.split("\n")))]
