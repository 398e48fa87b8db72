"""`check`: from files to an `Outcome`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transfer_lint.files import disk
from transfer_lint.files.decoding import decode
from transfer_lint.files.scan import may_concern
from transfer_lint.files.text import Source, is_notebook
from transfer_lint.lint.check_text import Examined
from transfer_lint.lint.outcome import Outcome, Summary
from transfer_lint.lint.runner import Progress, Runner
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

if TYPE_CHECKING:  # imported when there is a text to check
    from transfer_lint.flow.program.project import Project
    from transfer_lint.flow.program.text_facts import TextFacts


@dataclass(frozen=True)
class Inputs:
    """The files of a run that may hold something to report.

    data: path -> bytes. sources: path -> decoded file. problems: what could not be read or decoded.
    given: path -> text, for files whose bytes the caller supplied.
    """

    data: dict[str, bytes]
    sources: dict[str, Source]
    problems: list[Problem]
    given: dict[str, str]

    @property
    def texts(self) -> dict[str, str]:
        """Path -> text of each file."""
        return {path: file.text for path, file in self.sources.items()}


def read_inputs(paths: Iterable[str], given: Mapping[str, bytes]) -> Inputs:
    """Read the files. given: path -> bytes that replace the file on disk (standard input)."""
    read = Inputs({}, {}, [], {})
    for path in paths:
        try:
            data = given[path] if path in given else disk.read(path)
            if may_concern(data):
                read.sources[path] = decode(path, data)
                read.data[path] = data
                if path in given:
                    read.given[path] = read.sources[path].text
        except Problem as problem:
            read.problems.append(problem)
    return read


def check_paths(
    paths: Sequence[str],
    settings: Settings,
    *,
    given: Mapping[str, bytes] | None = None,
    progress: Progress | None = None,
    finished: Callable[[Outcome], None] | None = None,
    facts: TextFacts | None = None,
    watched: list[Project] | None = None,
) -> Outcome:
    """Check files.

    given: path -> bytes that replace the file on disk. progress: called with how many of the files are done.
    finished: called with the outcome of each file while others are looked at, in the order of the paths. An outcome
        waits no longer than PATIENCE for a file before it.
    facts: what is known of texts from earlier checks in this process; more is added.
    watched: as in `Runner`.
    """
    started = time.perf_counter()
    read = read_inputs(paths, given or {})
    texts = read.texts

    def one(path: str, result: Examined | Problem) -> None:
        if finished and isinstance(result, Examined):
            finished(outcome_of(read, {path: result}, (), 1, started, texts))

    order = _InOrder(texts, one)

    def tick(done: int, total: int, waiting: str) -> None:
        if progress:
            progress(done, total, waiting)
        order.release()

    results = Runner(settings, tick, read.given, order.add, facts, watched).examine(texts, {})
    examined = {path: result for path, result in results.items() if isinstance(result, Examined)}
    problems = [*read.problems, *(result for result in results.values() if isinstance(result, Problem))]
    return outcome_of(read, examined, problems, len(paths), started, texts)


PATIENCE = 2.0
"""Seconds that what is finished waits for what should be printed before it."""


class _InOrder:
    """Hands results on in the order of their paths, unless one has to wait for too long."""

    def __init__(self, paths: Iterable[str], tell: Callable[[str, Examined | Problem], None]) -> None:
        self._left = sorted(paths, reverse=True)
        self._tell = tell
        self._ready: dict[str, Examined | Problem] = {}
        self._last = time.monotonic()

    def add(self, path: str, result: Examined | Problem) -> None:
        """Take a result."""
        self._ready[path] = result
        self.release()

    def release(self) -> None:
        """Hand on what need not wait any longer."""
        while self._left and self._left[-1] in self._ready:
            self._hand_on(self._left.pop())
        if self._ready and time.monotonic() - self._last > PATIENCE:
            for path in sorted(self._ready):
                self._left.remove(path)
                self._hand_on(path)

    def _hand_on(self, path: str) -> None:
        self._last = time.monotonic()
        self._tell(path, self._ready.pop(path))


def outcome_of(
    read: Inputs,
    examined: Mapping[str, Examined],
    problems: Iterable[Problem],
    count: int,
    started: float,
    texts: Mapping[str, str],
) -> Outcome:
    """The outcome of a run.

    count: how many files were looked at. started: the start of the run, by `time.perf_counter`.
    texts: path -> examined text.
    """
    findings = tuple(finding for path in sorted(examined) for finding in examined[path].findings)
    sites = sum(result.sites for result in examined.values())
    suppressed = sum(result.suppressed for result in examined.values())
    summary = Summary.of(findings, count, sites, suppressed, time.perf_counter() - started)
    sorted_problems = tuple(sorted(problems, key=lambda problem: problem.path))
    return Outcome(findings, sorted_problems, summary, texts, documents=_documents(read.sources, texts, examined))


def _documents(sources: Mapping[str, Source], texts: Mapping[str, str], paths: Iterable[str]) -> dict[str, str]:
    """Path -> JSON of each notebook, holding its text of `texts`; without notebooks that cannot hold it."""
    found: dict[str, str] = {}
    for path in paths:
        if is_notebook(path):
            with suppress(Problem):
                found[path] = sources[path].on_disk(texts[path])
    return found
