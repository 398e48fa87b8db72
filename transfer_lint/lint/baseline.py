"""A baseline: a file of known findings, so that only new ones are reported.

An entry holds the rule, the file, the enclosing function, the expression as `ast.unparse` writes it, and how many
findings share these. So a baseline is stable under line shifts and reformatting.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from transfer_lint.files import disk
from transfer_lint.files.paths import shown_path
from transfer_lint.files.temporary import remove_leftovers
from transfer_lint.findings import Finding, Heat
from transfer_lint.lint.fingerprints import expressions
from transfer_lint.lint.outcome import Outcome
from transfer_lint.lint.selection import rule_names, selected
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

VERSION = 1


@dataclass(frozen=True, order=True)
class Entry:
    """The key of known findings. path: relative to the baseline's folder, with `/`."""

    path: str
    code: str
    function: str
    expression: str


@dataclass(frozen=True)
class Baseline:
    """Known findings, with how many of each. path: the baseline file; the entries' paths are relative to its folder."""

    path: str
    known: Mapping[Entry, int]

    @property
    def folder(self) -> str:
        """The absolute path of the baseline's folder."""
        return os.path.dirname(os.path.abspath(self.path))


def read(path: str) -> Baseline:
    """The baseline in a file.

    Raises:
        Problem: the file cannot be read, or is not a baseline.
    """
    shown = shown_path(path)
    no_baseline = Problem(
        shown, "is not a baseline that this version writes", "name another; paths to check stand before the option"
    )
    if not os.path.lexists(path):
        raise Problem(shown, "there is no such baseline", "write it: transfer-lint check --write-baseline")
    try:
        value = json.loads(disk.read(path))
        if value["version"] != VERSION:
            raise no_baseline
        known: Counter[Entry] = Counter()
        for item in value["findings"]:
            entry = Entry(*(_text(item[name]) for name in ("path", "code", "function", "expression")))
            known[entry] += int(item["count"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise no_baseline from None
    return Baseline(path, known)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def apply(outcome: Outcome, baseline: Baseline) -> Outcome:
    """The outcome without the known findings, which count as suppressed."""
    there = known(outcome, baseline)
    new = tuple(finding for finding in outcome.findings if finding not in there)
    return replace(outcome.left_with(new), in_baseline=outcome.in_baseline + len(there))


def known(outcome: Outcome, baseline: Baseline) -> frozenset[Finding]:
    """The findings of an outcome that are known: of an entry that counts N findings, the first N that match it."""
    left = Counter(baseline.known)
    there: set[Finding] = set()
    for finding, entry in entries(outcome, baseline.folder):
        if left[entry] > 0:
            left[entry] -= 1
            there.add(finding)
    return frozenset(there)


def stale(outcome: Outcome, baseline: Baseline, checked: Collection[str], settings: Settings) -> Mapping[Entry, int]:
    """The entries that no finding matches any more, and how many of each.

    Only entries that this run could have found, and entries of files that no longer exist.

    outcome: the outcome before `apply`. checked: the paths that were checked without a problem.
    """
    counts = Counter(entry for _, entry in entries(outcome, baseline.folder))
    judged = _judged(baseline, checked, settings)
    return {entry: baseline.known[entry] - counts[entry] for entry in judged if baseline.known[entry] > counts[entry]}


def write(
    path: str, outcome: Outcome, old: Baseline | None, checked: Collection[str], settings: Settings
) -> Mapping[Entry, int]:
    """Write a baseline with all findings of the outcome, and the entries of `old` that this run could not have found.

    Raises:
        Problem: the file cannot be written.

    Returns:
        The entries of the new baseline, and how many of each.
    """
    folder = os.path.dirname(os.path.abspath(path))
    held = Counter(entry for _, entry in entries(outcome, folder))
    if old is not None:
        judged = _judged(old, checked, settings)
        held.update({entry: count for entry, count in old.known.items() if entry not in judged})
    lines = [
        json.dumps(
            {
                "path": entry.path,
                "code": entry.code,
                "function": entry.function,
                "expression": entry.expression,
                "count": count,
            },
            ensure_ascii=False,
        )
        for entry, count in sorted(held.items())
    ]
    listed = ",\n".join(f"  {line}" for line in lines)
    text = (
        f'{{"version": {VERSION}, "findings": [\n{listed}\n]}}\n'
        if lines
        else f'{{"version": {VERSION}, "findings": []}}\n'
    )
    remove_leftovers([path])
    disk.write(path, text.encode("utf-8", "surrogateescape"), 0o644)
    return held


def _judged(baseline: Baseline, checked: Collection[str], settings: Settings) -> list[Entry]:
    """The entries that this run could have found, and the entries of files that no longer exist."""
    places = {path: _relative(path, baseline.folder) for path in checked}
    on = {place: selected(path, settings.of(path)) for path, place in places.items()}
    names = rule_names()
    return [
        entry
        for entry in baseline.known
        if not os.path.lexists(os.path.join(baseline.folder, entry.path))
        or (
            entry.path in on
            and settings.min_heat is Heat.ONCE
            and on[entry.path].allows(entry.code, names.get(entry.code, ""))
        )
    ]


def entries(outcome: Outcome, folder: str) -> list[tuple[Finding, Entry]]:
    """Each finding with its entry in a baseline that lies in `folder`."""
    by_path: dict[str, list[Finding]] = {}
    for finding in outcome.findings:
        by_path.setdefault(finding.path, []).append(finding)
    return [
        (finding, Entry(_relative(path, folder), finding.code, finding.function, expression))
        for path, found in by_path.items()
        for finding, expression in zip(found, expressions(outcome.texts[path], found), strict=True)
    ]


def _relative(path: str, folder: str) -> str:
    try:
        return os.path.relpath(path, folder).replace(os.sep, "/")
    except ValueError:  # another drive
        return os.path.abspath(path).replace(os.sep, "/")
