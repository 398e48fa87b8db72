"""A copy of the program to try fixes in: the program's own files are never written while fixes are tried."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from transfer_lint.settings import DEFAULT_EXCLUDE

SOURCES = (".py", ".pyi", ".ipynb")


class Stage:
    """A copy of a file or folder under its own name.

    Source files are copied; other files, such as weights, and folders that are never fixed, such as environments, are
    linked. path: of the copy.
    """

    def __init__(self, program: str, folder: str) -> None:
        self._program = os.path.abspath(program)
        self.path = os.path.join(folder, os.path.basename(self._program))
        self._written: dict[str, bytes] = {}  # what differs from the program: path in the copy -> the original's bytes
        self._changes = 0
        if os.path.isdir(self._program):
            self._copy_folder(self._program, self.path)
        else:
            shutil.copy(self._program, self.path)

    def _copy_folder(self, origin: str, target: str) -> None:
        os.mkdir(target)
        with os.scandir(origin) as entries:
            for entry in entries:
                copy = os.path.join(target, entry.name)
                if entry.name == "__pycache__":
                    continue
                if entry.is_dir() and not entry.is_symlink() and entry.name not in DEFAULT_EXCLUDE:
                    self._copy_folder(entry.path, copy)
                elif entry.name.endswith(SOURCES) and entry.is_file():
                    shutil.copy(entry.path, copy)
                else:
                    _link(entry.path, copy)

    def within(self, path: str) -> str:
        """The place in the copy of a path of the program; the path itself if it lies elsewhere."""
        real = os.path.abspath(path)
        if real == self._program or real.startswith(os.path.join(self._program, "")):
            return self.path + real[len(self._program) :]
        return path

    def hold(self, contents: Mapping[str, bytes]) -> None:
        """Make the copy differ from the program in these files only. contents: path in the program -> its bytes.

        Every change gets a time of its own, or Python would take compiled code of an earlier content for the new one's.
        """
        new = {self.within(path): data for path, data in contents.items()}
        for path in {*self._written, *new}:
            if path not in self._written:
                with open(path, "rb") as stream:
                    self._written[path] = stream.read()
            with open(path, "wb") as stream:
                stream.write(new.get(path, self._written[path]))
            self._changes += 1
            stamp = os.stat(self._program).st_mtime + 10 * self._changes
            os.utime(path, (stamp, stamp))


def _link(origin: str, target: str) -> None:
    try:
        os.symlink(origin, target)
    except OSError:  # where links take a privilege
        (shutil.copytree if os.path.isdir(origin) else shutil.copy)(origin, target)
