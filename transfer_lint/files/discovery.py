"""Which files a run checks: from arguments to a sorted list, without what is excluded or ignored by git."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from transfer_lint.files import disk
from transfer_lint.files.git_index import is_tracked
from transfer_lint.files.gitignore import ignored, ignores_in, ignores_over
from transfer_lint.files.paths import is_within, shown_path
from transfer_lint.files.patterns import Patterns
from transfer_lint.problems import Problem
from transfer_lint.settings import CONFIGURATIONS, Settings

LINTED = (".py", ".ipynb")
"""The name endings of the files that are checked when only their folder is named."""


@dataclass(frozen=True)
class Found:
    """Paths as shown to the user, sorted.

    files: what to check, each once. problems: what could not be used, and why. left_out: symbolic links in the named
    folders that lead out of all that is named. settings: those of the run, with those of deeper configurations.
    """

    files: tuple[str, ...]
    problems: tuple[Problem, ...]
    settings: Settings
    left_out: tuple[str, ...] = ()


Nearest = Callable[[str], Settings | None]
"""Gives the settings of the configuration that is nearest to a folder; None if there is none."""


def nowhere(folder: str) -> None:
    """There is no configuration but that of the run."""


def collect(
    arguments: Sequence[str],
    settings: Settings,
    *,
    given: Collection[str] = (),
    force_exclude: bool = False,
    nearest: Nearest = nowhere,
) -> Found:
    """The files that the arguments name: a named file whatever its name, and in a named folder those in LINTED.

    What is in a folder and is excluded by the settings or ignored by git is left out, unless the pattern also matches
    the named folder itself. Symbolic links to folders are followed only if they are arguments, those to files also if
    they lead to something that the arguments name or hold: what is named bounds what is read and written. Only regular
    files are ever opened.

    given: arguments that need not be on disk. force_exclude: the settings' excludes apply to the arguments too.
    nearest: asked about the folders that are named or walked through; what it gives holds there, not `settings`.
    """
    files: set[str] = set()
    nested: list[Settings] = []
    problems: list[Problem] = []
    left_out: set[str] = set()
    for argument in dict.fromkeys(arguments):
        is_folder = os.path.isdir(argument)
        own = nearest(argument if is_folder else os.path.dirname(os.path.abspath(argument))) or settings
        nested.append(own)
        if force_exclude and _excludes(own, argument).match(argument, is_folder):
            continue
        if argument in given:
            files.add(argument)
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
            walk = Walk(argument, own, arguments, nearest)
            files.update(shown_path(path) for path in walk.files() if path.endswith(LINTED))
            problems.extend(walk.problems)
            nested.extend(walk.nested)
            left_out.update(shown_path(path) for path in walk.left_out if path.endswith(LINTED) or os.path.isdir(path))
        else:
            problems.append(Problem(shown_path(argument), f"is {disk.kind_of(mode)}, not a file", "leave it out"))
    found = tuple(sorted(_one_name_each(files)))
    return Found(found, tuple(problems), settings.with_nested(nested), tuple(sorted(left_out)))


def _excludes(settings: Settings, named: str = "") -> Patterns:
    """What the settings exclude. named: a file or folder that they are to be held against, and not its content.

    Where no configuration says what patterns are relative to, they are held against its whole path here.
    """
    here = os.getcwd()
    is_here = os.path.commonpath([os.path.abspath(named), here]) == here if named and not settings.source else False
    return Patterns(here if is_here else settings.root, (*settings.exclude, *settings.extend_exclude))


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


@dataclass(frozen=True)
class _Rules:
    """What decides about the entries of a folder. hidden: git ignores the folder, but tracks something in it."""

    settings: Settings
    excludes: Patterns
    ignores: list[Patterns]
    hidden: bool


class Walk:
    """Finds the regular files under a folder that the settings do not exclude.

    given: files and folders; symbolic links that lead out of all of them, and of the folder, are left out.
    nearest: see `collect`.
    problems: folders that cannot be listed. left_out: the links that lead out. nested: the settings that hold deeper in
    the folder. All three are complete after `files`.
    """

    def __init__(self, folder: str, settings: Settings, given: Iterable[str] = (), nearest: Nearest = nowhere) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.left_out: list[str] = []
        self.nested: list[Settings] = []
        self._settings = settings
        self._nearest = nearest
        self._given = frozenset(os.path.realpath(path) for path in (folder, *given))

    def files(self) -> Iterator[str]:
        """The paths of the files, joined to the folder as it was given, in no particular order."""
        pending = [(self.folder, self._first_rules())]
        while pending:
            folder, rules = pending.pop()
            try:
                with os.scandir(folder) as entries:
                    listing = list(entries)
            except OSError as error:
                self.problems.append(
                    Problem(shown_path(folder), f"cannot be listed: {disk.reason(error)}", "exclude it")
                )
                continue
            rules = self._rules_in(folder, {entry.name for entry in listing}, rules)
            for entry in listing:
                path = os.path.normpath(entry.path)
                is_folder = entry.is_dir(follow_symlinks=False)
                below = _below(path, is_folder, rules)
                if below is None:
                    continue
                if entry.is_symlink() and self._leads_out(path):
                    self.left_out.append(path)
                elif is_folder:
                    pending.append((path, below))
                elif _is_regular(entry):
                    yield path

    def finds(self, path: str) -> bool:
        """Whether `files` finds the file that is at a path below the folder, or that might be there."""
        rules = self._first_rules()
        here = self.folder
        parts = os.path.relpath(path, self.folder).split(os.sep)
        for depth, part in enumerate(parts, start=1):
            names = {name for name in _RULES if os.path.exists(os.path.join(here, name))}
            here = os.path.normpath(os.path.join(here, part))
            below = _below(here, depth < len(parts), self._rules_in(os.path.dirname(here), names, rules))
            if below is None or (os.path.islink(here) and self._leads_out(here)):
                return False
            rules = below
        return True

    def _first_rules(self) -> _Rules:
        over = [patterns.but_for(self.folder) for patterns in ignores_over(self.folder)]
        return _Rules(self._settings, _excludes(self._settings).but_for(self.folder), over, False)

    def _rules_in(self, folder: str, names: set[str], rules: _Rules) -> _Rules:
        """The rules for what lies in a folder: those of the folder over it, and what the folder brings itself."""
        if not names.isdisjoint((".gitignore", ".git")):
            rules = replace(rules, ignores=[*rules.ignores, *ignores_in(folder)])
        if not names.isdisjoint(CONFIGURATIONS):
            own = self._nearest(folder)
            if own is not None and own.root != rules.settings.root:
                self.nested.append(own)
                rules = replace(rules, settings=own, excludes=_excludes(own).but_for(self.folder))
        return rules

    def _leads_out(self, link: str) -> bool:
        """Whether a link leads to a file or folder outside of what was given."""
        target = os.path.realpath(link)
        return os.path.exists(target) and not any(is_within(target, given) for given in self._given)


_RULES = (".gitignore", ".git", *CONFIGURATIONS)
"""What in a folder says something about what lies in it."""


def _below(path: str, is_folder: bool, rules: _Rules) -> _Rules | None:
    """The rules for what lies in an entry of a folder; None if they leave it out."""
    if rules.excludes.verdict(path, is_folder):
        return None
    unwanted = rules.hidden or (rules.settings.respect_gitignore and ignored(path, is_folder, rules.ignores))
    if unwanted and not is_tracked(path, is_folder):
        return None
    return rules if unwanted == rules.hidden else replace(rules, hidden=unwanted)


def _is_regular(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a cycle of symbolic links
        return False
