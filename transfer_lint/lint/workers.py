"""Worker processes: each runs one job at a time, and ends when its parent does, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from transfer_lint.lint.deep_stack import TICK, deep

Job = TypeVar("Job")
Result = TypeVar("Result")

_STOPPING = (signal.SIGINT, signal.SIGTERM)


class Crew(Generic[Job, Result]):
    """Up to `most` processes that run `work(context, job)`, with a context that each makes once.

    To be used in a `with` statement: at its end all processes are ended at once, whatever they do. An interrupt of the
    parent therefore leaves none of them, and if the parent itself is killed they notice and end.
    """

    def __init__(self, make: Callable[[], Any], work: Callable[[Any, Job], Result], most: int) -> None:
        self._make = make
        self._work = work
        self._most = most
        self._started = 0
        self._idle: list[_Worker[Job, Result]] = []
        self._busy: list[_Worker[Job, Result]] = []  # first the one that has been at its job the longest

    def __enter__(self) -> Crew[Job, Result]:
        return self

    def __exit__(self, *raised: object) -> None:
        for worker in (*self._idle, *self._busy):
            worker.kill()

    def run(
        self,
        groups: Sequence[Iterable[tuple[int, Job]]],
        done: Callable[[int, Result], None],
        died: Callable[[int, int], None],
        waiting: Callable[[int], None],
    ) -> list[int]:
        """Run the jobs. They are told apart by their numbers.

        Each process takes those of one group in their order, and then the next of the group with the most jobs left.

        done: called with the result of each job. died: called with the exit code of the process that a job ended.
        waiting: called now and then with the job that has been running the longest.

        Returns:
            The jobs that were not run because no process can be started.
        """
        queues = [deque(group) for group in groups]
        while True:
            while any(queues) and (worker := self._free()) is not None:
                number, job = (queues[worker.turn % len(queues)] or max(queues, key=len)).popleft()
                if worker.give(number, job):
                    self._busy.append(worker)
                else:
                    died(number, worker.exit_code())
            if not self._busy:
                return [number for queue in queues for number, _ in queue]
            ready = wait([worker.pipe for worker in self._busy], TICK)
            for worker in [worker for worker in self._busy if worker.pipe in ready]:
                self._busy.remove(worker)
                try:
                    result = worker.take()
                except (EOFError, OSError):
                    died(worker.number, worker.exit_code())
                else:
                    self._idle.append(worker)
                    done(worker.number, result)
            if self._busy:
                waiting(self._busy[0].number)

    def _free(self) -> _Worker[Job, Result] | None:
        """An idle worker, or a new one if there may be one more."""
        if self._idle:
            return self._idle.pop()
        if len(self._busy) < self._most and not multiprocessing.current_process().daemon:
            with suppress(OSError, MemoryError):  # the system gives no more
                self._started += 1
                return _Worker(self._make, self._work, self._started)
            self._most = len(self._busy)
        return None


class _Worker(Generic[Job, Result]):
    """One process.

    turn: the how manieth of its crew. number: of the job that it was given last. pipe: becomes ready when there is a
    result, or none.
    """

    def __init__(self, make: Callable[[], Any], work: Callable[[Any, Job], Result], turn: int) -> None:
        self.turn = turn
        self.number = -1
        self.pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_serve, args=(theirs, make, work), daemon=True)
        with _signals_held(), importing_nothing_here():
            self._process.start()
        theirs.close()  # now only the process has it, so its end is the end of the pipe

    def give(self, number: int, job: Job) -> bool:
        """Begin a job; False if the process has ended."""
        self.number = number
        try:
            self.pipe.send(job)
        except OSError:
            return False
        return True

    def take(self) -> Result:
        """The result. Raises EOFError or OSError if the process has ended."""
        result: Result = self.pipe.recv()
        return result

    def exit_code(self) -> int:
        """The exit code of a process that has ended; minus its number if a signal ended it."""
        self.kill()
        return self._process.exitcode or 0

    def kill(self) -> None:
        """End the process, whatever it does."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


@contextmanager
def importing_nothing_here() -> Iterator[None]:
    """Let a Python that is started meanwhile import nothing from the current folder, which may be anybody's.

    One that is started for a new worker, where the system does not fork, would look there first. It takes the folder
    and the path of its parent before it does anything else.
    """
    before = os.environ.get("PYTHONSAFEPATH")
    folder = os.getcwd()
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        if sys.version_info < (3, 11):  # which knows nothing of PYTHONSAFEPATH
            os.chdir(os.path.dirname(os.__file__))
        yield
    finally:
        os.chdir(folder)
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold back signals, so that none reaches a new process that still has the handlers of its parent."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, make: Callable[[], Any], work: Callable[[Any, Job], object]) -> None:
    """What a worker process does until it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        context = make()
        while True:
            pipe.send(deep(work, context, pipe.recv()))
    except (EOFError, OSError, MemoryError):  # the parent has ended, or notices that this process has
        os._exit(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
