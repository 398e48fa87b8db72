"""A baseline: a file of known findings, so that only new ones are reported.

An entry holds the rule, the file, the enclosing function, the expression as `ast.unparse` writes it, and how many
findings share these. So a baseline is stable under line shifts and reformatting. It may name its terms: until when it
holds, who answers for it, and a reason.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from transfer_lint.files import disk
from transfer_lint.files.paths import shown_path
from transfer_lint.files.temporary import remove_leftovers
from transfer_lint.findings import Finding, Heat
from transfer_lint.lint import about_lint
from transfer_lint.lint.fingerprints import expressions
from transfer_lint.lint.outcome import Outcome
from transfer_lint.lint.selection import rule_names, selected
from transfer_lint.lint.terms import NO_TERMS, Terms, today
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
    """Known findings, with how many of each. path: the baseline file; the entries' paths are relative to its folder.

    terms, reasons: of each entry; of entries that are alike, those of the first.
    """

    path: str
    known: Mapping[Entry, int]
    terms: Mapping[Entry, Terms] = field(default_factory=dict)
    reasons: Mapping[Entry, str] = field(default_factory=dict)

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
        terms: dict[Entry, Terms] = {}
        reasons: dict[Entry, str] = {}
        for item in value["findings"]:
            entry = Entry(*(_text(item[name]) for name in ("path", "code", "function", "expression")))
            known[entry] += int(item["count"])
            until, owner, reason = (_text(item.get(name, "")) for name in ("until", "owner", "reason"))
            terms.setdefault(entry, Terms(until, owner))
            reasons.setdefault(entry, reason)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise no_baseline from None
    return Baseline(path, known, terms, reasons)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def apply(outcome: Outcome, baseline: Baseline, settings: Settings) -> Outcome:
    """The outcome without the known findings, which count as suppressed.

    If an entry counts N findings, the first N that match it are known. Where an entry has ended, its findings stay, and
    another one beside each says why.
    """
    there = known(outcome, baseline)
    day = today()
    new: list[Finding] = []
    why: list[Finding] = []
    for finding in outcome.findings:
        entry = there.get(finding)
        if entry is None:
            new.append(finding)
        elif baseline.terms[entry].ended(day):
            new.append(finding)
            on = selected(finding.path, settings.of(finding.path))
            back = about_lint.back(finding, shown_path(baseline.path), baseline.terms[entry])
            why += [each for each in back if on.allows(each.code, each.name)]
    in_baseline = outcome.in_baseline + len(outcome.findings) - len(new)
    return replace(outcome.left_with(tuple(new)).with_findings(why), in_baseline=in_baseline)


def known(outcome: Outcome, baseline: Baseline) -> dict[Finding, Entry]:
    """The findings of an outcome that are in a baseline, also where it has ended, with their entries."""
    left = Counter(baseline.known)
    there: dict[Finding, Entry] = {}
    for finding, entry in entries(outcome, baseline.folder):
        if left[entry] > 0:
            left[entry] -= 1
            there[finding] = entry
    return there


def stale(outcome: Outcome, baseline: Baseline, checked: Collection[str], settings: Settings) -> Mapping[Entry, int]:
    """The entries that no finding matches any more, and how many of each.

    Only entries that this run could have found, and entries of files that no longer exist.

    outcome: the outcome before `apply`. checked: the paths that were checked without a problem.
    """
    counts = Counter(entry for _, entry in entries(outcome, baseline.folder))
    judged = _judged(baseline, checked, settings)
    return {entry: baseline.known[entry] - counts[entry] for entry in judged if baseline.known[entry] > counts[entry]}


def write(
    path: str,
    outcome: Outcome,
    old: Baseline | None,
    checked: Collection[str],
    settings: Settings,
    terms: Terms = NO_TERMS,
    reason: str = "",
    was: Mapping[Entry, Entry] | None = None,
) -> tuple[Mapping[Entry, int], int]:
    """Write a baseline with all findings of the outcome, and the entries of `old` that this run could not have found.

    was: entry -> the entry of `old` that it takes the place of.
    terms, reason: of new entries, and of those that have ended if there is a new end. Others keep theirs.

    Raises:
        Problem: the file cannot be written.

    Returns:
        The entries of the new baseline, and how many of each; and how many of them have ended.
    """
    folder = os.path.dirname(os.path.abspath(path))
    held = Counter(entry for _, entry in entries(outcome, folder))
    if old is not None:
        judged = _judged(old, checked, settings)
        held.update({entry: count for entry, count in old.known.items() if entry not in judged})
    day, ended = today(), 0
    lines = []
    for entry, count in sorted(held.items()):
        own, why = terms, reason
        before = (was or {}).get(entry, entry)
        if old is not None and before in old.known:
            own, why = old.terms[before], old.reasons[before]
            if own.ended(day) and terms.until:
                own, why = Terms(terms.until, terms.owner or own.owner), reason or why
        ended += own.ended(day)
        lines.append(_written(entry, count, own, why))
    listed = ",\n".join(f"  {line}" for line in lines)
    text = (
        f'{{"version": {VERSION}, "findings": [\n{listed}\n]}}\n'
        if lines
        else f'{{"version": {VERSION}, "findings": []}}\n'
    )
    remove_leftovers([path])
    disk.write(path, text.encode("utf-8", "surrogateescape"), 0o644)
    return held, ended


def _written(entry: Entry, count: int, terms: Terms, reason: str) -> str:
    item = {
        "path": entry.path,
        "code": entry.code,
        "function": entry.function,
        "expression": entry.expression,
        "count": count,
    }
    named = {"until": terms.until, "owner": terms.owner, "reason": reason}
    return json.dumps({**item, **{name: text for name, text in named.items() if text}}, ensure_ascii=False)


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
