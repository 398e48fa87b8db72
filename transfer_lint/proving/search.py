"""Finds the fixes that are to blame when all of them together fail: by bisection, one after another.

Bisection follows the order in which fixes were applied, as later fixes rest on earlier ones. The original is good and
the whole is bad, so some fix turns good into bad: it is dropped, and the rest is tried again. Rows of fixes are parted
between functions where that can be: half of what belongs together fails, and would be blamed for another's fault. Delta
debugging (Zeller, Yesterday, my program worked. Today, it does not. Why?, 1999) with a single line of ancestors.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from transfer_lint.fixing.choice import Candidate, FixKey, Wanted
from transfer_lint.proving.proof import NOTHING, Figures, Trial

Try = Callable[[Wanted], Trial]
"""Applies the fixes that are wanted, runs the program, and compares it with the original."""

Why = tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """The largest choice found that is as good as the original, and the fixes that it leaves out, each with why."""

    whole: Trial
    dropped: Mapping[Candidate, Why]


def search(attempt: Try, objections: Callable[[Candidate], Why]) -> Found:
    """Find the fixes to drop.

    Fixes that change results are looked for first, and costs are judged without them: two fixes may have to go together
    to save anything, and a third one between them must not hide that. A fix that was dropped beside others is given a
    second chance at the end, for it may only have failed with one of these.

    objections: what speaks against a fix, whatever its run gives; () for nothing.
    """
    refused: dict[FixKey, tuple[Candidate, Why]] = {}
    blamed: dict[FixKey, tuple[Candidate, Why]] = {}

    def without(left_out: Container[FixKey]) -> Trial:
        while True:
            whole = attempt(lambda fix: fix.key not in refused and fix.key not in left_out)
            new = {each.key: (each, why) for each in whole.applied if (why := objections(each))}
            if not new:
                return whole
            refused.update(new)

    whole = without(())
    for passes in (_same, _good):
        while not passes(whole):
            culprit, why = _culprit(attempt, whole, passes)
            blamed[culprit.key] = culprit, why
            whole = without(blamed)
    for key in list(blamed) if len(blamed) > 1 else ():
        again = without(blamed.keys() - {key})
        if _good(again):
            whole = again
            del blamed[key]
    return Found(whole, dict([*refused.values(), *blamed.values()]))


def _same(trial: Trial) -> bool:
    return trial.comparison.same


def _good(trial: Trial) -> bool:
    return trial.comparison.good


def _culprit(attempt: Try, whole: Trial, passes: Callable[[Trial], bool]) -> tuple[Candidate, Why]:
    """The fix that turns good into bad, and what is bad then. whole: a trial that does not pass."""
    keys, bad = whole.keys, whole
    low, high = 0, len(keys)  # the first `low` fixes pass, the first `high` do not
    while high - low > 1:
        middle = _middle(keys, low, high)
        trial = attempt(_first(keys, middle))
        if passes(trial):
            low = middle
        else:
            high, bad = middle, trial
    return whole.applied[high - 1], bad.why_not


def savings(attempt: Try, whole: Trial, original: Figures) -> list[tuple[Figures, int]]:
    """What each fix of a trial saves, beyond the fixes before it, and the number of its group.

    A row of fixes that saves nothing as a whole is not taken apart. Fixes that cost something without later ones, or
    give other results, are a group with these, and each has what the group saves.
    """
    keys = whole.keys

    def parts(low: int, high: int, before: Figures, after: Figures) -> Iterator[tuple[int, Figures]]:
        if not before - after:
            yield from [(1, NOTHING)] * (high - low)
            return
        if high - low > 1:
            middle = _middle(keys, low, high)
            trial = attempt(_first(keys, middle))
            if _same(trial):  # what fails half-way has moved less
                yield from parts(low, middle, before, trial.figures)
                yield from parts(middle, high, trial.figures, after)
                return
        yield high - low, before - after

    return list(_grouped(list(parts(0, len(keys), original, whole.figures))))


def _grouped(parts: Sequence[tuple[int, Figures]]) -> Iterator[tuple[Figures, int]]:
    """For each fix what its group saves, and the group's number. parts: number of fixes, and what these save."""
    number, size, total = 0, 0, NOTHING
    for position, (fixes, figures) in enumerate(parts, start=1):
        size, total = size + fixes, total + figures
        if not total.costs or position == len(parts):
            yield from [(total, number)] * size
            number, size, total = number + 1, 0, NOTHING


def _middle(keys: Sequence[FixKey], low: int, high: int) -> int:
    """Where to part a row of fixes: between two functions, if there are two, as fixes in one may need each other."""
    cuts = range(low + 1, high)
    between = [cut for cut in cuts if _place(keys[cut - 1]) != _place(keys[cut])]
    return min(between or cuts, key=lambda cut: abs(2 * cut - low - high))


def _place(key: FixKey) -> tuple[str, str]:
    return key.path, key.function


def _first(keys: Sequence[FixKey], number: int) -> Wanted:
    chosen = frozenset(keys[:number])
    return lambda fix: fix.key in chosen
