"""Processes that answer questions about documents, so that the server itself is never busy.

A question that nobody wants any more is cancelled by ending its process, unless that may soon be done: then it knows
the files that it has read, and answers the next question in much less time. Where the system can fork, the next process
is there in milliseconds, with everything imported.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from transfer_lint.lint.deep_stack import deep
from transfer_lint.lint.workers import importing_nothing_here
from transfer_lint.problems import Problem, failure
from transfer_lint.server import answers

SPARE = 2
"""How many idle processes are kept. They know the files that they have read."""

LEARNING = 10.0
"""Seconds that one process may go on with a question that nobody wants any more, for what it learns of the files."""

Answer = TypeVar("Answer")


class Workers:
    """Answers questions, each in a process that does nothing else meanwhile."""

    def __init__(self) -> None:
        os.environ["PYTHONSAFEPATH"] = "1"  # a new Python imports nothing from the folder that it starts in
        forks = "forkserver" in multiprocessing.get_all_start_methods()
        self._context: Any = multiprocessing.get_context("forkserver" if forks else "spawn")
        if forks:
            self._context.set_forkserver_preload(["transfer_lint.server.preloaded"])
            _start_fork_server()
        self._idle: list[_Worker] = []
        self._learning: _Worker | None = None

    async def ask(self, answer: Callable[..., Answer], *arguments: object) -> Answer:
        """What `answer` returns for the arguments. If this is cancelled, it is no longer worked on, or for nobody.

        Raises:
            Problem: the answer raises it, or its process ended before it was done.
        """
        worker = self._idle.pop() if self._idle else _Worker(self._context)
        replied = worker.ask((answer, arguments))
        try:
            reply: Any = await asyncio.shield(replied)
        except asyncio.CancelledError:
            self._let_finish(worker, replied)
            raise
        self._free(worker, reply)
        if reply is None:
            raise Problem("transfer-lint", "the process that looked at a document ended", "report this as a bug")
        (result,) = reply
        if isinstance(result, Problem):
            raise result
        found: Answer = result
        return found

    def _free(self, worker: _Worker, reply: object) -> None:
        if reply is None or len(self._idle) >= SPARE:
            worker.end()
        else:
            self._idle.append(worker)

    def _let_finish(self, worker: _Worker, replied: asyncio.Future[object]) -> None:
        """Nobody waits for the worker's reply any more."""
        if self._learning is not None:
            worker.end()
            return
        self._learning = worker
        limit = asyncio.get_running_loop().call_later(LEARNING, worker.end)

        def finished(replied: asyncio.Future[object]) -> None:
            limit.cancel()
            if self._learning is worker:
                self._learning = None
                self._free(worker, None if replied.cancelled() else replied.result())

        replied.add_done_callback(finished)

    def end(self) -> None:
        """End the idle processes, and the one that learns. Others that are at work end with their questions."""
        if self._learning is not None:
            self._learning.end()
            self._learning = None
        while self._idle:
            self._idle.pop().end()


def _start_fork_server() -> None:
    from multiprocessing import forkserver

    with importing_nothing_here():
        forkserver.ensure_running()


class _Worker:
    """One process, started with its first question."""

    def __init__(self, context: Any) -> None:
        self._ours, self._theirs = context.Pipe()
        self._process = context.Process(target=work, args=(self._theirs,), daemon=True)
        self._started = self._ended = False

    def ask(self, message: object) -> asyncio.Future[object]:
        """The reply; None if the process ended. Starting, sending and receiving may take time, so a thread does it."""
        loop = asyncio.get_running_loop()
        replied: asyncio.Future[object] = loop.create_future()

        def deliver(reply: object) -> None:
            if not replied.done():
                replied.set_result(reply)

        def talk() -> None:
            reply: object = None
            try:
                if not self._started:
                    self._process.start()
                    self._theirs.close()
                    self._started = True
                if self._ended:  # meanwhile
                    self._process.kill()
                self._ours.send(message)
                reply = self._ours.recv()
            except (EOFError, OSError):
                pass
            if not loop.is_closed():
                loop.call_soon_threadsafe(deliver, reply)

        threading.Thread(target=talk, daemon=True).start()
        return replied

    def end(self) -> None:
        """End the process, whatever it does."""
        self._ended = True
        if self._started:
            self._process.kill()


def work(connection: Connection) -> None:
    """Answer what comes in, until the server is gone: then this process ends at once, whatever it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), 1)  # standard output belongs to the server
    gc.set_threshold(100_000, 20, 100)  # rare: syntax trees live until the answer is given
    gc.freeze()
    questions: queue.SimpleQueue[tuple[Callable[..., object], tuple[object, ...]]] = queue.SimpleQueue()

    def listen() -> None:
        while True:
            try:
                questions.put(connection.recv())
            except (EOFError, OSError):
                os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    library = answers.Library()
    while True:
        connection.send((_answer(library, *questions.get()),))
        library.tidy()


def _answer(library: answers.Library, answer: Callable[..., object], arguments: tuple[object, ...]) -> object:
    asked = arguments[0] if arguments else None
    path = asked.document.path if isinstance(asked, answers.Asked) else "transfer-lint"
    try:
        return deep(answer, library.reading(asked) if isinstance(asked, answers.Asked) else None, *arguments)
    except Problem as problem:
        return problem
    except Exception as error:  # a bug in this tool; the next question may not meet it
        return failure(path, error)
