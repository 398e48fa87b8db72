"""The git repository over a folder: its root, where git keeps its files, and what git's configuration says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache

from transfer_lint.files import disk
from transfer_lint.problems import Problem

_SECTION = re.compile(r"\s*\[\s*([\w.-]+)\s*\]")
_VALUE = re.compile(r"\s*([A-Za-z][\w-]*)\s*=\s*(.*)")


def root_over(folder: str) -> str | None:
    """The root of the repository: the folder with `.git` in it, `folder` itself or one above it."""
    here = os.path.abspath(folder)
    while not os.path.exists(os.path.join(here, ".git")):
        parent = os.path.dirname(here)
        if parent == here:
            return None
        here = parent
    return here


def git_folder(root: str) -> str:
    """The folder that `.git` is; in a work tree or a submodule `.git` is a file that names it. Raises Problem."""
    git = os.path.join(root, ".git")
    if os.path.isdir(git):
        return git
    return os.path.join(root, _text(git).removeprefix("gitdir:").strip())


def shared_folder(root: str) -> str:
    """The same, but what all work trees of a repository share. Raises Problem."""
    own = git_folder(root)
    try:
        return os.path.normpath(os.path.join(own, _text(os.path.join(own, "commondir")).strip()))
    except Problem:
        return own


def excludes_file(root: str) -> str:
    """`core.excludesFile`: the user's own file of ignore patterns; "" if git's configuration leaves it empty.

    Files that the configuration includes are not read.
    """
    home = os.path.expanduser("~")
    user = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    chosen = os.path.join(user, "git", "ignore")
    own = (os.environ["GIT_CONFIG_GLOBAL"],) if "GIT_CONFIG_GLOBAL" in os.environ else (
        os.path.join(user, "git", "config"), os.path.join(home, ".gitconfig"),
    )  # fmt: skip
    system = () if os.environ.get("GIT_CONFIG_NOSYSTEM") else (os.environ.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig"),)
    try:
        shared: tuple[str, ...] = (os.path.join(shared_folder(root), "config"),)
    except Problem:
        shared = ()
    for path in (*system, *own, *shared):
        for value in _values(path, "core", "excludesfile"):
            chosen = os.path.join(root, os.path.expanduser(value)) if value else ""
    return chosen


@lru_cache(maxsize=64)
def _values(path: str, section: str, name: str) -> tuple[str, ...]:
    """What a file in the form of git's configuration says of one key, in order; nothing if it cannot be read."""
    try:
        return tuple(_found(_text(path), section, name))
    except Problem:
        return ()


def _text(path: str) -> str:
    return disk.read(path).decode("utf-8", "surrogateescape")


def _found(text: str, section: str, name: str) -> Iterator[str]:
    inside = False
    for line in text.split("\n"):
        if head := _SECTION.match(line):
            inside = head[1].lower() == section
            line = line[head.end() :]
        elif line.lstrip().startswith("["):  # a subsection
            inside = False
        if inside and (entry := _VALUE.match(line)) and entry[1].lower() == name:
            yield _unquoted(entry[2])


def _unquoted(value: str) -> str:
    """A value without quotes, escapes and the comment behind it."""
    if not value.startswith('"'):
        return re.split("[#;]", value, maxsplit=1)[0].strip()
    quoted = re.match(r'"((?:[^"\\]|\\.)*)', value)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else ""
