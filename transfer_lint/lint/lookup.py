"""Which configuration holds for which path: the nearest, in its folder or over it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from transfer_lint.files.ownership import trusted
from transfer_lint.files.paths import shown_path
from transfer_lint.lint import forms
from transfer_lint.lint.configuration import read_file
from transfer_lint.settings import CONFIGURATIONS, Settings


class Lookup:
    """Finds configurations and reads each once.

    adjust: applied to all settings, as the options of the command line are. fixed: settings that hold everywhere.
    read: the files that were taken. passed_over: files that were not, because they belong to somebody else.
    """

    def __init__(
        self, adjust: Callable[[Settings], Settings] = lambda settings: settings, fixed: Settings | None = None
    ) -> None:
        self.read: list[str] = []
        self.passed_over: list[str] = []
        self._adjust = adjust
        self._plugins = plugins_of_environment()
        self._fixed = self._adjusted(fixed) if fixed is not None else None
        self._known: dict[str, Settings | None] = {}

    def over(self, paths: Sequence[str]) -> Settings:
        """The settings for a run over `paths`: of the configuration that is nearest to the folder that holds them all.

        Without a configuration: the defaults, with that folder as `root`.

        Raises:
            Problem: the configuration cannot be read, or something in it is wrong.
        """
        folder = _common_folder(paths)
        return self.nearest(folder) or self._adjusted(Settings(root=folder))

    def nearest(self, folder: str) -> Settings | None:
        """The settings for what lies in a folder; None if there is no configuration. Raises what `over` raises."""
        if self._fixed is not None:
            return self._fixed
        folder = os.path.abspath(folder)
        if folder not in self._known:
            found = (self._of(os.path.join(over, name), folder) for over in upwards(folder) for name in CONFIGURATIONS)
            self._known[folder] = next((settings for settings in found if settings is not None), None)
        return self._known[folder]

    def _of(self, path: str, folder: str) -> Settings | None:
        """The settings in a file, if there is one that has any and may speak about the folder."""
        if not os.path.isfile(path):
            return None
        shown = shown_path(path)
        if not trusted(path, folder):
            if shown not in self.passed_over:
                self.passed_over.append(shown)
            return None
        found = read_file(path)
        if found is None:
            return None
        if shown not in self.read:
            self.read.append(shown)
        return self._adjusted(found)

    def _adjusted(self, settings: Settings) -> Settings:
        return self._adjust(replace(settings, plugins=(*settings.plugins, *self._plugins)))


def plugins_of_environment() -> tuple[str, ...]:
    """The plugins that TRANSFER_LINT_PLUGINS names, which are loaded. Raises Problem if one cannot be."""
    given = os.environ.get("TRANSFER_LINT_PLUGINS", "")
    named = tuple(name.strip() for name in given.split(",") if name.strip())
    return forms.named_plugins(named) if named else ()


def load(paths: Sequence[str]) -> Settings:
    """The settings for a run over `paths`, without options. Raises what `Lookup.over` raises."""
    return Lookup().over(paths)


def upwards(folder: str) -> Iterator[str]:
    """A folder and those over it, up to the root of its repository or the user's home, whichever comes first."""
    home = os.path.expanduser("~")
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if folder in (home, parent) or os.path.exists(os.path.join(folder, ".git")):
            return
        folder = parent


def _common_folder(paths: Sequence[str]) -> str:
    absolute = [os.path.abspath(path) for path in paths] or [os.getcwd()]
    try:
        common = os.path.commonpath(absolute)
    except ValueError:  # paths on two drives
        return os.getcwd()
    return common if os.path.isdir(common) else os.path.dirname(common)
