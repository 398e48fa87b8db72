"""Hunts with many random programs, without Hypothesis: faster, but what it finds has to be made smaller by hand.

`python -m tests.programs.hunt COUNT [FIRST] [--jobs N]`: modules number FIRST to FIRST + COUNT, each with its number as
the seed. A module holds several programs, `run`, `run1` ..., that share classes and helpers. A program that a fix has
changed, or that it may have changed because what all share is other than it was, runs as it was and as it is, on
placements in an order that is drawn with the seed, until it has gone through to its end on some of them. Others need
not run: they are what they were.
"""

from __future__ import annotations

import argparse
import gc
import random
import re
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import cast

from hypothesis import strategies as st

from tests.programs.world import MAIN, PLACEMENTS, compare, fix
from tests.programs.writer import Writer, write

_ENTRIES = 12  # programs of a module
_WITH_ASSUMPTIONS = 5  # one module in so many is analysed with assumptions, too
_ALL_ROUNDS = 4  # one module in so many is fixed until nothing is left, others in one round
_FIXED_TWICE = 12  # one module in so many is then fixed again, and must not change
_PLACEMENTS = 2  # that each of them runs through, if there are so many
_CHUNK = 8  # modules that a process takes at a time; garbage is collected after them


class RandomWriter(Writer):
    """Draws with a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(cast(st.DrawFn, None))
        self._random = random.Random(seed)
        self.replaces = self.swaps = self.chance()
        self.unpacks = True

    def pick(self, *options: str) -> str:
        return self._random.choice(options)

    def number(self, most: int) -> int:
        return self._random.randint(0, most)


def wrong(seed: int, counts: Counter[str]) -> list[str]:
    """What safe fixes of the module of a seed change. A program that no fix changes is not run."""
    before = write(RandomWriter(seed), _ENTRIES)
    counts["programs"] += _ENTRIES
    trust = None if seed % _WITH_ASSUMPTIONS == 0 else ()  # no safe fix rests on one, and looking for them takes time
    settled = fix(before, trust=trust, once=seed % _ALL_ROUNDS != 0)
    if settled.problems:
        return [f"problem: {problem}" for problem in settled.problems]
    codes = [finding.code for findings in settled.applied.values() for finding in findings]
    if not codes:
        return []
    counts["fixes"] += len(codes)
    counts.update(codes)
    if seed % _FIXED_TWICE == 0 and fix(settled.texts, trust=trust).texts != settled.texts:
        return ["fixed again, it changes again"]
    told: list[str] = []
    for number in range(_ENTRIES):
        entry = f"run{number or ''}"
        if _part(before, entry) == _part(settled.texts, entry):
            continue
        placements = random.Random(seed * _ENTRIES + number).sample(PLACEMENTS, len(PLACEMENTS))
        verdict = compare(before, settled.texts, placements, entry=entry, enough=_PLACEMENTS)
        counts["programs changed"] += 1
        counts["programs compared"] += verdict.ran > 0
        counts["placements compared"] += verdict.ran
        told += [f"{entry}: {text}" for text in verdict.texts]
    return told


def _part(texts: Mapping[str, str], entry: str) -> tuple[dict[str, str], str]:
    """What a program of a module consists of: what all have in common, and its own function."""
    common, *functions = re.split(r"^(?=def run\d*\()", texts[MAIN], flags=re.MULTILINE)
    return {**texts, MAIN: common}, next(text for text in functions if text.startswith(f"def {entry}("))


def _hunt(first: int, count: int) -> tuple[Counter[str], dict[int, list[str]]]:
    """What some modules show: how many of what there was, and by seed what is wrong."""
    gc.disable()  # trees of syntax are large, and there is memory
    counts: Counter[str] = Counter()
    found = {seed: texts for seed in range(first, first + count) if (texts := wrong(seed, counts))}
    gc.collect()
    return counts, found


def main(count: int, first: int, jobs: int) -> int:
    """The number of modules that a safe fix changes."""
    counts: Counter[str] = Counter()
    failures = 0
    starts = range(first, first + count, _CHUNK)
    sizes = [min(_CHUNK, first + count - start) for start in starts]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for some, found in (pool.map if jobs > 1 else map)(_hunt, starts, sizes):
            counts += some
            failures += len(found)
            for seed, texts in found.items():
                print(seed, *texts, sep="\n    ", flush=True)
            if counts["programs"] % (12 * _CHUNK * _ENTRIES) == 0:
                print(dict(counts), flush=True)
    print(dict(counts))
    return failures


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    number = partial(parser.add_argument, type=int)
    number("count")
    number("first", nargs="?", default=0)
    number("--jobs", default=1)
    given = parser.parse_args()
    sys.exit(main(given.count, given.first, given.jobs) > 0)
