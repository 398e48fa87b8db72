"""The answer to most runs of hooks and editors, over named files with nothing to report, before anything is imported.

Importing click alone takes three times as long as starting Python.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence

_QUIET = frozenset({"-q", "--quiet"})
_CONFIGURATIONS = ("transfer-lint.toml", "pyproject.toml")
_MOST_BYTES = 1024 * 1024  # a larger file takes so long that it does not matter


def answers(arguments: Sequence[str]) -> bool:
    """Whether all is said about a run: `check` of files that hold nothing to report, without configuration.

    If so, what `check` says of them is printed. Whatever is out of the ordinary is not answered here.
    """
    if arguments[:1] != ["check"] or sys.stderr is None or sys.stderr.isatty():
        return False
    paths = [argument for argument in arguments[1:] if argument not in _QUIET]
    if not paths or any(path.startswith("-") for path in paths) or not _hold_nothing(paths):
        return False
    if len(paths) == len(arguments) - 1:
        files = f"{len(paths)} file" + ("s" if len(paths) > 1 else "")
        try:
            print(f"nothing found ({files}, 0 transfers, 0.0 s)", file=sys.stderr)
        except OSError:  # which the command line knows how to handle
            return False
    return True


def _hold_nothing(paths: Sequence[str]) -> bool:
    from transfer_lint.files.scan import may_concern

    try:
        absolute = {os.path.abspath(path) for path in paths}
        if len(absolute) < len(paths) or any(map(_is_configured, set(_folders_over(absolute)))):
            return False
        for path in paths:
            status = os.lstat(path)
            if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
                return False
            with open(path, "rb") as stream:
                if may_concern(stream.read()):
                    return False
    except (OSError, ValueError):
        return False
    return True


def _folders_over(paths: set[str]) -> Iterator[str]:
    """The folders of the paths, and all folders above them."""
    for path in paths:
        folder = os.path.dirname(path)
        while True:
            yield folder
            if folder == os.path.dirname(folder):
                break
            folder = os.path.dirname(folder)


def _is_configured(folder: str) -> bool:
    """Whether a folder may hold a configuration of this tool."""
    for name in _CONFIGURATIONS:
        path = os.path.join(folder, name)
        if os.path.lexists(path):
            if name != "pyproject.toml" or not os.path.isfile(path):
                return True
            with open(path, "rb") as stream:
                if b"transfer" in stream.read():  # also where it is misspelled, which is said
                    return True
    return False
