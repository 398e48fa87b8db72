"""Run one function over many jobs, on several processes where that is faster."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from transfer_lint.lint.deep_stack import deep

MIN_WEIGHT = 256 * 1024
"""Below this much work (bytes of source) it is done faster in this process. More is done in others, also where only
one runs at a time: then a job that crashes its process is known, and the rest is done."""


MOST_HELD = 8_000_000
"""Characters of source of which one process holds the syntax trees and what it has found out. Of more, it begins anew
now and then: that takes some time, and keeps the memory small. Files that stand side by side then follow one another,
as they ask about the same."""


Context = TypeVar("Context")
Job = TypeVar("Job")
Result = TypeVar("Result")


class Pool(Generic[Context, Job, Result]):
    """Runs `work(context, job)` for many jobs.

    make: makes the context, once per process. work: must not raise. lost: gives the result of a job that ended its
    process, from the job and the exit code (minus the number of the signal that killed it). `make` and `work` are
    module-level functions or partials of them, because they are sent to other processes.
    processes: how many at most; None: as many as there are usable processors.
    """

    def __init__(
        self,
        make: Callable[[], Context],
        work: Callable[[Context, Job], Result],
        lost: Callable[[Job, int], Result],
        processes: int | None = None,
    ) -> None:
        self._make = make
        self._work = work
        self._lost = lost
        self._processes = processes or usable_processors()

    def run(
        self,
        jobs: Sequence[Job],
        weigh: Callable[[Job], int],
        done: Callable[[Job, Result], None] = lambda job, result: None,
        waiting: Callable[[Job], None] = lambda job: None,
    ) -> list[Result]:
        """The results, in the order of the jobs.

        A job that ends its process, or whose process is killed, is run again when all others are done, alone in a
        process of its own. If that ends too, the job is lost.

        weigh: bytes of source of a job. done: called after each job. waiting: called again and again while jobs run,
        with the one that has been running the longest.
        """
        results: dict[int, Result] = {}

        def finished(number: int, result: Result) -> None:
            results[number] = result
            done(jobs[number], result)

        left: Sequence[int] = range(len(jobs))
        processes = min(self._processes, len(jobs))
        if sum(map(weigh, jobs)) >= MIN_WEIGHT:
            weights = [weigh(job) for job in jobs]
            groups = parts(weights, processes)
            if sum(weights) <= MOST_HELD:
                groups = [sorted(part, key=lambda number: -weights[number]) for part in groups]
            left = self._spread(groups, processes, jobs, finished, waiting)
        if left:
            context = _prepared(self._make)
            for number in left:
                job = jobs[number]
                finished(number, deep(self._work, context, job, meanwhile=partial(waiting, job)))
        return [results[number] for number in range(len(jobs))]

    def _spread(
        self,
        groups: Sequence[Sequence[int]],
        processes: int,
        jobs: Sequence[Job],
        finished: Callable[[int, Result], None],
        waiting: Callable[[Job], None],
    ) -> Sequence[int]:
        """Run jobs in other processes. Returns those that were not run because no process can be started."""
        from transfer_lint.lint.workers import Crew

        def run(groups: Sequence[Sequence[int]], processes: int, died: Callable[[int, int], None]) -> list[int]:
            with Crew[Job, Result](partial(_prepared, self._make), self._work, processes) as crew:
                given = [[(number, jobs[number]) for number in group] for group in groups]
                return crew.run(given, finished, died, lambda number: waiting(jobs[number]))

        again: list[int] = []
        left = run(groups, processes, lambda number, code: again.append(number))
        for number in again:
            left += run([[number]], 1, lambda number, code: finished(number, self._lost(jobs[number], code)))
        return left


def parts(weights: Sequence[int], count: int) -> list[list[int]]:
    """The numbers of jobs, in `count` parts that weigh about the same.

    Jobs that stand side by side stay together: files of one package ask about the same functions, and what is found out
    about these is known in one process.
    """
    found: list[list[int]] = [[] for _ in range(count)]
    total, before = sum(weights) or 1, 0
    for number, weight in enumerate(weights):
        found[min((2 * before + weight) * count // (2 * total), count - 1)].append(number)
        before += weight
    return found


def rare_collections() -> None:
    """Make garbage collection rare. It frees almost nothing: syntax trees and analysis results live until the end.

    What a collection costs is looking at each new object once, so only one that never comes costs nothing.
    """
    gc.set_threshold(5_000_000, 20, 100)


def _prepared(make: Callable[[], Context]) -> Context:
    """The context of a process that runs jobs."""
    rare_collections()
    return make()


def usable_processors() -> int:
    """How many processors this process may use: as TRANSFER_LINT_JOBS says, else as the system does."""
    given = os.environ.get("TRANSFER_LINT_JOBS", "")
    if given.isdecimal() and int(given):
        return int(given)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
