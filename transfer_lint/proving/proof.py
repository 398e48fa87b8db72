"""The data of a proof: fixes that were kept and dropped, why, and what each saved."""

from __future__ import annotations

from dataclasses import dataclass

from transfer_lint.evidence.runs import Comparison, Run
from transfer_lint.findings import Finding, Safety
from transfer_lint.fixing.choice import Candidate, FixKey
from transfer_lint.fixing.fix import Fixed


@dataclass(frozen=True)
class Figures:
    """What one call of the scenario moves and waits for, or the difference of two such; means over the calls."""

    transfers: float
    nbytes: float
    waits: float

    def __sub__(self, other: Figures) -> Figures:
        return Figures(self.transfers - other.transfers, self.nbytes - other.nbytes, self.waits - other.waits)

    def __add__(self, other: Figures) -> Figures:
        return Figures(self.transfers + other.transfers, self.nbytes + other.nbytes, self.waits + other.waits)

    def __bool__(self) -> bool:
        return bool(self.transfers or self.nbytes or self.waits)

    @property
    def costs(self) -> bool:
        """Whether one of the figures, taken as savings, is a loss."""
        return min(self.transfers, self.nbytes, self.waits) < 0


NOTHING = Figures(0, 0, 0)


def figures_of(run: Run) -> Figures:
    """The figures of a run."""
    return Figures(*(run.per_call(name) or 0.0 for name in ("transfers", "nbytes", "waits")))


@dataclass(frozen=True)
class Trial:
    """The program with a choice of fixes, after its run.

    fixed: its files, and what is left to find in it. applied: the fixes in it, in the order in which they were applied.
    comparison: with the original.
    """

    fixed: Fixed
    applied: tuple[Candidate, ...]
    comparison: Comparison

    @property
    def keys(self) -> tuple[FixKey, ...]:
        """The fixes in it, in their order."""
        return tuple(each.key for each in self.applied)

    @property
    def figures(self) -> Figures:
        """What it moves and waits for."""
        return figures_of(self.comparison.fixed)

    @property
    def why_not(self) -> tuple[str, ...]:
        """What is not the same, or worse, in words; () if it is as good as the original."""
        bad = [f"{row.name}: {row.verdict}" for row in self.comparison.rows if row.good is False]
        return (*bad, *self.comparison.differences)


@dataclass(frozen=True)
class Judged:
    """A fix, and what the runs showed of it.

    line: of the original, from 1. reached: whether the scenario runs its lines; None if that is not known. saved: what
    the program moves and waits for less than with the fixes before it alone. group: fixes that save something together
    alone have the same number, and `saved` is that of all. why: what speaks against it, most important first; () for a
    fix that is kept.
    """

    key: FixKey
    finding: Finding
    line: int
    reached: bool | None
    saved: Figures = NOTHING
    group: int = 0
    why: tuple[str, ...] = ()

    @property
    def safety(self) -> Safety:
        """Whether the fix is safe."""
        return self.finding.fix.safety if self.finding.fix is not None else Safety.SAFE


@dataclass(frozen=True)
class Proof:
    """The result of proving.

    fixed: what may be written. kept: the fixes in it, in the order in which they were applied. dropped: the others.
    comparison: of the program with the fixes that are kept, and the original; None if there was nothing to fix. runs:
    how many programs were run.
    """

    fixed: Fixed
    kept: tuple[Judged, ...]
    dropped: tuple[Judged, ...]
    comparison: Comparison | None
    runs: int
