"""The same function over many jobs, on as many processes as are worth their start."""

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
    """Runs `work(context, job)`.

    make: makes the context, once per process. work: raises nothing. lost: the result of a job that brought its
    process down. All three are module-level functions (or partials of them): they cross process borders.
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
        """The results, in the order of the jobs. weigh: bytes of source of a job. done: called as each is finished."""
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
        for index in heaviest_first:  # those that were under way when a process died: one process for each
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
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a worker without a word
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    rare_collections()
    _context = make()


def rare_collections() -> None:
    """Syntax trees and what is known of them live to the end: looking for garbage among them finds next to none."""
    gc.set_threshold(100_000, 20, 100)


def _call(work: Callable[[Any, Job], Result], job: Job) -> Result:
    return deep(work, _context, job)


def usable_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
