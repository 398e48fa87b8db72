"""Baselines on the command line: which one is for which file, what it hides, and what it holds after a fix."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import click

from transfer_lint.cli import common
from transfer_lint.files.paths import shown_path
from transfer_lint.lint.outcome import Outcome
from transfer_lint.lint.terms import Terms, today
from transfer_lint.settings import Settings

if TYPE_CHECKING:  # imported where there is a baseline
    from transfer_lint.fixing.fix import Fixed
    from transfer_lint.lint.baseline import Baseline

option = click.option(
    "--baseline", "baseline_file", type=click.Path(), metavar="FILE", help="Leave out the findings known there."
)


def by_baseline(
    files: Collection[str], settings: Settings, named: str | None, default: str | None = None
) -> dict[str, set[str]]:
    """Baseline -> files that it is for. named: the one for all. default: the one for files that have none."""
    of_run = named or (settings.baseline and os.path.join(settings.root, settings.baseline))
    found: dict[str, set[str]] = {of_run: set()} if of_run else {}
    for path in files:
        if place := named or settings.baseline_of(path) or default:
            found.setdefault(place, set()).add(path)
    return found or ({default: set()} if default else {})


def write(path: str, outcome: Outcome, checked: Collection[str], settings: Settings, terms: Terms, reason: str) -> None:
    """Make the findings of an outcome known in a file, and say so."""
    from transfer_lint.lint import baseline

    old = baseline.read(path) if os.path.lexists(path) else None
    known, ended = baseline.write(path, outcome, old, checked, settings, terms, reason)
    common.say(f"{common.count(sum(known.values()), 'finding')} known in {shown_path(path)}")
    if ended:
        what = "1 entry has ended and hides" if ended == 1 else f"{ended} entries have ended and hide"
        common.say(f"{what} nothing: --until gives a later end")


def without_known(path: str, outcome: Outcome, checked: Collection[str], settings: Settings) -> Outcome:
    """The outcome without what is known in a file. What is known there and no longer found is said."""
    from transfer_lint.lint import baseline

    known = baseline.read(path)
    gone = baseline.stale(outcome, known, checked, settings)
    for entry, count in sorted(gone.items()):
        where = f" in {entry.function}" if entry.function else ""
        times = f" ({count} times)" if count > 1 else ""
        common.say(f"{entry.path}: {entry.code} `{entry.expression}`{where} is known and no longer found{times}")
    if gone:
        common.say(f"{shown_path(path)} is out of date; transfer-lint check --write-baseline")
    return baseline.apply(outcome, known, settings)


Held: TypeAlias = "list[tuple[Baseline, set[str]]]"
"""Baselines as they are before a fix, each with the files that it is for."""


def read(files: Collection[str], settings: Settings, named: str | None) -> Held:
    """The baselines for files. Raises Problem."""
    from transfer_lint.lint import baseline

    return [(baseline.read(path), its) for path, its in by_baseline(files, settings, named).items()]


def carried(fixed: Fixed, held: Held, settings: Settings, *, write: bool) -> Outcome:
    """What is left after fixes without what was known before them.

    A fix may change the expression of what it leaves, by which a baseline knows it; so it is followed. write: the
    baselines too are brought up to date, for the files that were fixed.
    """
    from transfer_lint.lint import baseline

    outcome = left = fixed.outcome
    changed = {file.path for file in fixed.files}
    for old, its in held:
        were = baseline.known(fixed.found, old)
        known = {f: were[was] for f in outcome.findings if f.path in its and (was := fixed.origins.get(f)) in were}
        hidden = {finding for finding, entry in known.items() if not old.terms[entry].ended(today())}
        left = left.left_with(tuple(finding for finding in left.findings if finding not in hidden))
        left = replace(left, in_baseline=left.in_baseline + len(hidden))
        if write and changed & its:
            still = outcome.left_with(tuple(f for f in outcome.findings if f in known and f.path in changed))
            was_entry = {entry: known[f] for f, entry in baseline.entries(still, old.folder)}
            baseline.write(old.path, still, old, changed & its, settings, was=was_entry)
    return left
