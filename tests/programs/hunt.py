"""Hunts with many random programs, without Hypothesis: faster, but what it finds has to be made smaller by hand.

`python -m tests.programs.hunt COUNT [FIRST]`: programs number FIRST to FIRST + COUNT, each with its number as the seed.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import cast

from hypothesis import strategies as st

from tests.programs.world import compare, fix
from tests.programs.writer import Writer, write


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
    """What safe fixes of the program of a seed change. A program in which nothing is fixed is not run."""
    before = write(RandomWriter(seed))
    settled = fix(before)
    if settled.problems:
        return [f"problem: {problem}" for problem in settled.problems]
    codes = [finding.code for findings in settled.applied.values() for finding in findings]
    if not codes:
        return []
    counts.update(codes)
    counts["programs with fixes"] += 1
    if seed % 10 == 0 and fix(settled.texts).texts != settled.texts:
        return ["fixed again, it changes again"]
    verdict = compare(before, settled.texts)
    counts["runs"] += verdict.ran
    return verdict.texts


def main(count: int, first: int) -> int:
    """The number of programs that a safe fix changes."""
    counts: Counter[str] = Counter()
    failures = 0
    for seed in range(first, first + count):
        texts = wrong(seed, counts)
        counts["programs"] += 1
        if texts:
            failures += 1
            print(seed, *texts, sep="\n    ", flush=True)
        if seed % 100 == 99:
            print(dict(counts), flush=True)
    print(dict(counts))
    return failures


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0) > 0)
