"""Hunts with many random programs, without Hypothesis: faster, but what it finds has to be made smaller by hand.

`python -m tests.programs.hunt COUNT [FIRST]`: modules number FIRST to FIRST + COUNT, each with its number as the seed.
A module holds several programs, `run`, `run1` ..., that share classes and helpers: so one program costs a third of what
it costs alone, where most of the time goes into reading and writing what all programs have in common. Each program runs
on some of the placements, drawn with the seed.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import cast

from hypothesis import strategies as st

from tests.programs.world import PLACEMENTS, compare, fix
from tests.programs.writer import Writer, write

_ENTRIES = 4  # programs of a module
_WITH_ASSUMPTIONS = 5  # one module in so many is analysed with assumptions, too
_PLACEMENTS = 2  # that each of them runs on


class RandomWriter(Writer):
    """Draws with a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(cast(st.DrawFn, None))
        self._random = random.Random(seed)

    def pick(self, *options: str) -> str:
        return self._random.choice(options)

    def number(self, most: int) -> int:
        return self._random.randint(0, most)


def wrong(seed: int, counts: Counter[str]) -> list[str]:
    """What safe fixes of the module of a seed change. A program in which nothing is fixed is not run."""
    before = write(RandomWriter(seed), _ENTRIES)
    trust = None if seed % _WITH_ASSUMPTIONS == 0 else ()  # no safe fix rests on one, and looking for them takes time
    settled = fix(before, trust=trust)
    if settled.problems:
        return [f"problem: {problem}" for problem in settled.problems]
    codes = [finding.code for findings in settled.applied.values() for finding in findings]
    if not codes:
        return []
    counts.update(codes)
    counts["modules with fixes"] += 1
    if seed % 10 == 0 and fix(settled.texts, trust=trust).texts != settled.texts:
        return ["fixed again, it changes again"]
    told: list[str] = []
    for number in range(_ENTRIES):
        entry = f"run{number or ''}"
        chosen = random.Random(seed * _ENTRIES + number).sample(PLACEMENTS, _PLACEMENTS)
        verdict = compare(before, settled.texts, chosen, entry=entry)
        counts["runs"] += verdict.ran
        told += [f"{entry}: {text}" for text in verdict.texts]
    return told


def main(count: int, first: int) -> int:
    """The number of modules that a safe fix changes."""
    counts: Counter[str] = Counter()
    failures = 0
    for seed in range(first, first + count):
        texts = wrong(seed, counts)
        counts["programs"] += _ENTRIES
        if texts:
            failures += 1
            print(seed, *texts, sep="\n    ", flush=True)
        if seed % 100 == 99:
            print(dict(counts), flush=True)
    print(dict(counts))
    return failures


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0) > 0)
