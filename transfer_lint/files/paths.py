"""How paths are shown to the user, and which lies in which."""

from __future__ import annotations

import os


def shown_path(path: str) -> str:
    """A path as the user sees it: relative to the working directory, with `/`; absolute if outside; normalised."""
    absolute = os.path.abspath(path)
    try:
        relative = os.path.relpath(absolute)
    except ValueError:  # another drive
        relative = absolute
    chosen = absolute if relative.split(os.sep, 1)[0] == os.pardir else relative
    return chosen.replace(os.sep, "/")


def absolute(path: str) -> str:
    """A path from the root, with `/`; normalised."""
    return os.path.abspath(path).replace(os.sep, "/")


def is_absolute(path: str) -> bool:
    """Whether a path begins at the root."""
    return os.path.isabs(path)


def is_within(inner: str, outer: str) -> bool:
    """Whether a path is the path `outer` or lies in it. Both are absolute and without symbolic links."""
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)
