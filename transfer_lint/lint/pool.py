"""Run one function over many jobs, on several processes where that is faster."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from transfer_lint.lint.deep_stack import deep

if TYPE_CHECKING:
    from concurrent.futures import Future

MIN_WEIGHT = 256 * 1024
"""Below this much work (bytes of source) one process is faster than several."""


Context = TypeVar("Context")
Job = TypeVar("Job")
Result = TypeVar("Result")


class Pool(Generic[Context, Job, Result]):
    """Runs `work(context, job)` for many jobs.

    make: makes the context, once per process. work: must not raise. lost: gives the result of a job that crashed its
    process. All three are module-level functions or partials of them, because they are sent to other processes.
    processes: how many at most; None: as many as there are usable processors.
    """

    def __init__(
        self,
        make: Callable[[], Context],
        work: Callable[[Context, Job], Result],
        lost: Callable[[Job], Result],
        processes: int | None = None,
    ) -> None:
        self._make = make
        self._work = work
        self._lost = lost
        self._processes = processes or usable_processors()

    def run(
        self, jobs: Sequence[Job], weigh: Callable[[Job], int], done: Callable[[Job], None] = lambda job: None
    ) -> list[Result]:
        """The results, in the order of the jobs. weigh: bytes of source of a job. done: called after each job."""
        if not jobs:
            return []
        processes = min(self._processes, len(jobs))
        if processes < 2 or sum(map(weigh, jobs)) < MIN_WEIGHT:
            rare_collections()
            context = self._make()
            results = []
            for job in jobs:
                results.append(deep(self._work, context, job))
                done(job)
            return results
        found: dict[int, Result] = {}
        heaviest_first = sorted(range(len(jobs)), key=lambda index: -weigh(jobs[index]))
        self._spread(heaviest_first, jobs, processes, found, done)
        for index in heaviest_first:  # no result because a process died: run each such job in its own process
            if index not in found:
                self._spread([index], jobs, 1, found, done)
        return [found[index] if index in found else self._lost(job) for index, job in enumerate(jobs)]

    def _spread(
        self,
        indices: Sequence[int],
        jobs: Sequence[Job],
        processes: int,
        found: dict[int, Result],
        done: Callable[[Job], None],
    ) -> None:
        from concurrent.futures import ProcessPoolExecutor, as_completed
        from concurrent.futures.process import BrokenProcessPool

        with ProcessPoolExecutor(processes, initializer=_start, initargs=(self._make,)) as executor:
            futures: dict[Future[Result], int] = {}
            try:
                for index in indices:
                    futures[executor.submit(_call, self._work, jobs[index])] = index
                for future in as_completed(futures):
                    found[futures[future]] = future.result()
                    done(jobs[futures[future]])
            except BrokenProcessPool:
                return
            except BaseException:
                executor.shutdown(wait=False, cancel_futures=True)
                raise


_context: Any = None


def _start(make: Callable[[], object]) -> None:
    global _context
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a worker without a traceback
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    rare_collections()
    _context = make()


def rare_collections() -> None:
    """Make garbage collection rare. It frees almost nothing: syntax trees and analysis results live until the end."""
    gc.set_threshold(100_000, 20, 100)


def _call(work: Callable[[Any, Job], Result], job: Job) -> Result:
    return deep(work, _context, job)


def usable_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
