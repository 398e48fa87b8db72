"""Rates: how often code runs, and how often of that nothing throttles it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from transfer_lint.findings import Heat

_COOLER = {Heat.ELEMENT: Heat.LAYER, Heat.LAYER: Heat.STEP, Heat.STEP: Heat.CALL}


class Change(Enum):
    """How a place in a function changes the rate of what stands there.

    STEP: a loop over batches, tokens or steps. QUIET_STEP: such a loop that is never worth a warning: it only
    evaluates, or only the functions that it calls say what it is.
    ROUND: any other loop that computes with tensors: never worth a warning, and what is beside it matters as much.
    LAYER: a loop over the layers of a model. RARELY: a branch that few iterations take (`if step % 100 == 0`).
    UNSURE: a call that may be one of another function of that name, or a branch that one of many processes takes:
    never worth a warning, either.
    BESIDE: what a function does before and after its loop over steps, in which it spends its time: as good as once.
    """

    STEP = "step"
    QUIET_STEP = "quiet step"
    ROUND = "round"
    LAYER = "layer"
    RARELY = "rarely"
    UNSURE = "unsure"
    BESIDE = "beside"


OVER_STEPS = frozenset({Change.STEP, Change.QUIET_STEP})


class Path:
    """How a place changes the rate of the code that it stands in, found out when it is asked for.

    outer: the way to the loop or branch around the place. more: what this one adds. loop: it is this loop, or
    comprehension.
    """

    def __init__(
        self,
        outer: Path | None = None,
        more: Callable[[], Sequence[Change]] = tuple,
        loop: ast.AST | None = None,
    ) -> None:
        self._outer = outer
        self._more = more
        self._loop = loop

    def then(self, loop: ast.AST, more: Callable[[], Sequence[Change]]) -> Path:
        """The way on, to what stands in a loop there."""
        return Path(self, more, loop)

    def into(self, change: Change | None) -> Path:
        """The way on, into a branch that changes the rate; None if it does not."""
        return Path(self, lambda: (change,)) if change is not None else self

    def out_of_loop(self) -> Path:
        """The same branches, as often as the innermost loop itself is run: what ends the loop runs no more often."""
        if self._outer is None:
            return self
        return Path(self._outer.out_of_loop(), self._more) if self._loop is None else self._outer

    @cached_property
    def changes(self) -> Sequence[Change]:
        """The changes on the way, outermost first."""
        return (*(self._outer.changes if self._outer is not None else ()), *self._more())

    @cached_property
    def loops(self) -> Sequence[ast.AST]:
        """The loops on the way, outermost first."""
        around = self._outer.loops if self._outer is not None else ()
        return (*around, self._loop) if self._loop is not None else around


HERE = Path()
"""The way to what no loop or branch surrounds."""


@dataclass(frozen=True)
class Rate:
    """How often code runs.

    heat: on all ways that lead there, a throttled one being cooler by one.
    steady: on the ways that nothing throttles; None if there are none.
    stepping: on all ways, not counting loops that are hot only because they compute.
    """

    heat: Heat
    steady: Heat | None
    stepping: Heat

    @property
    def loud(self) -> Heat:
        """The heat that a finding may be loud for: that of throttled code is at most `call`."""
        return hotter(self.steady or Heat.ONCE, self.heat if self.heat.rank < Heat.CALL.rank else Heat.CALL)

    @property
    def throttled(self) -> bool:
        """Whether only throttled ways lead from steps to the code."""
        return self.heat.rank >= Heat.STEP.rank > self.loud.rank

    def along(self, changes: Iterable[Change]) -> Rate:
        """The rate of a place in code of this rate."""
        heat, steady, stepping = self.heat, self.steady, self.stepping
        for change in changes:
            match change:
                case Change.STEP:
                    heat, stepping = hotter(heat, Heat.STEP), hotter(stepping, Heat.STEP)
                    steady = hotter(steady, Heat.STEP) if steady is not None else None
                case Change.QUIET_STEP:
                    heat, stepping = hotter(heat, Heat.STEP), hotter(stepping, Heat.STEP)
                case Change.ROUND:
                    heat = hotter(heat, Heat.STEP)
                case Change.LAYER:
                    heat, stepping = _deeper(heat), _deeper(stepping)
                    steady = _deeper(steady) if steady is not None else None
                case Change.RARELY:
                    heat, steady, stepping = _COOLER.get(heat, heat), None, _COOLER.get(stepping, stepping)
                case Change.UNSURE:
                    steady = None
                case Change.BESIDE:
                    steady = Heat.ONCE if steady is not None else None
        return Rate(heat, steady, stepping)

    def joined(self, other: Rate) -> Rate:
        """The rate of code that runs as often as either says."""
        steady = hotter(self.steady, other.steady) if self.steady and other.steady else self.steady or other.steady
        return Rate(hotter(self.heat, other.heat), steady, hotter(self.stepping, other.stepping))


@dataclass(frozen=True, eq=False)
class RateOf:
    """The rate of a place, found out when it is asked for: who calls a function may stand anywhere in the tree.

    find: gives the rate.
    """

    find: Callable[[], Rate]

    @cached_property
    def rate(self) -> Rate:
        """The rate itself."""
        return self.find()

    @property
    def loud(self) -> Heat:
        """The heat of the place; at most `call` in throttled code."""
        return self.rate.loud

    @property
    def is_rare(self) -> bool:
        """Whether nothing that leads to the place is worth a warning: throttles, tests, what is beside a loop."""
        return self.rate.steady in (None, Heat.ONCE)


def hotter(one: Heat, other: Heat) -> Heat:
    """The heat of the code that runs more often."""
    return one if one.rank >= other.rank else other


def _deeper(heat: Heat) -> Heat:
    return hotter(heat, Heat.LAYER) if heat.rank >= Heat.STEP.rank else heat


def steadily(heat: Heat) -> Rate:
    """The rate of code that nothing throttles."""
    return Rate(heat, heat, heat)
