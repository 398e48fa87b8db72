"""`check` and `fix` for programs: the same settings, findings and fixes as the commands, as plain data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from transfer_lint.files.discovery import collect
from transfer_lint.files.paths import shown_path
from transfer_lint.files.text import encode_source
from transfer_lint.fixing.edits import with_edits
from transfer_lint.fixing.fix import Fixed, fix_paths, write_fixed
from transfer_lint.lint.check import check_paths
from transfer_lint.lint.lookup import Lookup
from transfer_lint.lint.outcome import Outcome
from transfer_lint.lint.selection import rule_names, unknown
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

Paths: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]"


def load_settings(paths: Paths = ".") -> Settings:
    """The settings of the configuration that is nearest to the folder that holds all of `paths`.

    Raises:
        Problem: the configuration cannot be read, or something in it is wrong.
    """
    return Lookup().over(_listed(paths))


def check(
    paths: Paths = ".",
    *,
    source: str | None = None,
    settings: Settings | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    edits: bool = False,
) -> Outcome:
    """Find needless transfers in files, or in one source text. The code is read, never imported or run.

    Args:
        paths: A file or folder, or several. With `source`, the one path that the text is taken to have: it decides
            which configuration holds and where imports lead, and need not exist.
        source: Python source to check in place of files.
        settings: How to run, on all files alike; by default as the configuration nearest to each file says.
        select: Codes, prefixes of codes, or names of the only rules to report; in place of the settings' selection.
        ignore: The same of rules to leave out besides.
        edits: Also compute what would mend each finding alone: `outcome.edits[finding]`.

    Returns:
        The findings, sorted by path and position; lines and columns count from 1, columns in characters. Files that
        could not be checked are in `outcome.problems`.

    Raises:
        Problem: the configuration is wrong.
        ValueError: `select` or `ignore` names no rule, or `source` is given with several paths.
    """
    found, given, settings, problems = _inputs(paths, source, settings, select, ignore)
    outcome = check_paths(found, settings, given=given)
    if edits:
        outcome = with_edits(outcome, settings)
    return outcome.with_problems(problems)


def fix(
    paths: Paths = ".",
    *,
    source: str | None = None,
    settings: Settings | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    unsafe_fixes: bool | None = None,
    write: bool = False,
) -> Fixed:
    """Work out the fixes of files, or of one source text, until none is left that may be applied.

    Args:
        paths: As for `check`.
        source: As for `check`.
        settings: As for `check`.
        select: As for `check`: the only rules whose fixes are applied.
        ignore: As for `check`.
        unsafe_fixes: Whether to apply fixes that cannot be shown to keep the meaning; None: as the settings say.
        write: Put the fixed files in the place of the old ones, each whole or not at all. A `source` is never written.

    Returns:
        The files that change, and the findings that are left. With `write`: the files that were written, and what is
        left on disk. The fixed text of a `source` is `fixed.outcome.texts[path]`.

    Raises:
        Problem: the configuration is wrong.
        ValueError: `select` or `ignore` names no rule, or `source` is given with several paths.
    """
    found, given, settings, problems = _inputs(paths, source, settings, select, ignore)
    if unsafe_fixes is not None:
        settings = replace(settings, unsafe_fixes=unsafe_fixes)
    writes = write and source is None
    fixed = fix_paths(found, settings, given=given, in_place=writes)
    if writes:
        fixed = write_fixed(fixed, found, settings)
    unchanged = {_name_of(_listed(paths)): source} if source is not None else {}
    texts = {**unchanged, **fixed.outcome.texts}
    return replace(fixed, outcome=replace(fixed.outcome.with_problems(problems), texts=texts))


def _inputs(
    paths: Paths, source: str | None, settings: Settings | None, select: Sequence[str], ignore: Sequence[str]
) -> tuple[Sequence[str], dict[str, bytes], Settings, tuple[Problem, ...]]:
    """Files to look at, bytes that stand for one of them, the settings, and what could not be taken."""
    listed = _listed(paths)
    lookup = Lookup(lambda own: _selecting(own, select, ignore), settings)
    settings = lookup.over(listed)
    if source is None:
        found = collect(listed, settings, nearest=lookup.nearest)
        return found.files, {}, found.settings, found.problems
    if len(listed) != 1:
        raise ValueError("a source has one path")
    name = _name_of(listed)
    try:
        data = encode_source(name, source)
    except Problem as problem:
        return (), {}, settings, (problem,)
    return (name,), {name: data}, settings, ()


def _name_of(listed: Sequence[str]) -> str:
    """The path that a source text is taken to have."""
    return "source.py" if os.path.isdir(listed[0]) else shown_path(listed[0])


def _listed(paths: Paths) -> list[str]:
    return [os.fspath(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]


def _selecting(settings: Settings, select: Sequence[str], ignore: Sequence[str]) -> Settings:
    if wrong := unknown((*select, *ignore), rule_names()):
        raise ValueError(wrong)
    if select:
        settings = replace(settings, select=tuple(select), extend_select=(), ignore=())
    return replace(settings, ignore=(*settings.ignore, *ignore))
