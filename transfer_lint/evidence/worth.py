"""Which fixes a run showed to be worth applying."""

from __future__ import annotations

import os

from transfer_lint.evidence.join import at, stake_of
from transfer_lint.evidence.model import Entry, Trace
from transfer_lint.files.text import lines_of
from transfer_lint.fixing.choice import Candidate, Wanted


def worth(trace: Trace) -> Wanted:
    """Whether a fix can save waits or bytes that the run showed at its call.

    A finding that earlier fixes have brought up is looked for at the lines that it had in the program that was run.
    """
    by_file: dict[str, list[Entry]] = {}
    for entry in trace.entries:
        by_file.setdefault(os.path.realpath(entry.where.file), []).append(entry)
    originals: dict[str, str] = {}

    def matters(fix: Candidate) -> bool:
        original = originals.setdefault(fix.key.path, fix.text)
        entries = by_file.get(os.path.realpath(fix.key.path), [])
        if fix.text == original:
            found = at(fix.finding, entries, lines_of(original))
        else:
            lines = fix.lines_in(original)
            found = [entry for entry in entries if entry.where.line in lines]
        return stake_of(fix.key.code, found).matters

    return matters
