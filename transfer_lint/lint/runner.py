"""Check many texts, on several processes where that is faster. A failure in one text does not stop the others."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from transfer_lint.files.tree import DiskSources
from transfer_lint.lint.cache import Seen, cache_for
from transfer_lint.lint.check_text import Examined, examine, prepare, project_over
from transfer_lint.lint.deep_stack import deep
from transfer_lint.lint.pool import MIN_WEIGHT, MOST_HELD, Pool, rare_collections
from transfer_lint.problems import Problem, failure
from transfer_lint.settings import Settings

if TYPE_CHECKING:  # imported when there is a text to check
    from transfer_lint.flow.program.project import Project
    from transfer_lint.flow.program.text_facts import TextFacts

Progress = Callable[[int, int, str], None]
"""Called again and again with how many files of the current step are done, how many there are, and the one of those
that are not done that has been worked on the longest ("" for none)."""


Context = TypeVar("Context")
Job = TypeVar("Job", bound="tuple[str, str] | tuple[str, str, object]")
Result = TypeVar("Result")

# The functions that the pool runs: at module level, so that they can be sent to other processes.


class _Worker:
    """Checks texts in one process. It says once of all that it sees, with which result it was first of use.

    What it has found out about files is forgotten where these are more than MOST_HELD, and more than twice what the
    first files have asked about: that much is asked for again at once.
    """

    def __init__(
        self,
        settings: Settings,
        overlay: Mapping[str, str],
        trees: Mapping[str, tuple[str, ...]],
        facts: TextFacts | None,
        watched: list[Project] | None,
    ) -> None:
        from transfer_lint.flow.program.text_facts import TextFacts

        self._sources = DiskSources(overlay, trees)
        self._settings = settings
        self._facts = facts or TextFacts()
        self._watched = watched
        self._context = self._begin()
        self._checked = 0  # characters of source, since it began
        self._asked_first = 0  # characters of the files that the first of these have asked about
        self._told = 0, len(trees)  # how many of the contents, and of the trees, are known to whoever is told

    def _begin(self) -> tuple[Project, Settings]:
        project = project_over(self._sources, self._settings, self._facts)
        if self._watched is not None:
            project.watched = True
            self._watched[:] = [project]
        return project, self._settings

    def prepare(self, texts: Mapping[str, str]) -> None:
        """Find out what the processes that the system forks from this one would each have to find out. Raises nothing.

        texts: path -> text of the files that they will check.
        """
        for path, text in texts.items():
            with suppress(Exception):  # it is told by whoever checks the file
                prepare(path, text, *self._context)

    def itself(self) -> _Worker:
        """This worker; in a forked process, a copy of it."""
        return self

    def examine(self, job: tuple[str, str]) -> tuple[Examined | Problem, Seen]:
        """Check one text. job: (path, text). Raises nothing: a failure becomes a Problem."""
        if self._checked > MOST_HELD // 8:
            held = self._context[0].characters
            self._asked_first = self._asked_first or held
            if held > max(MOST_HELD, 2 * self._asked_first):
                del self._context
                gc.collect()
                self._context, self._checked, self._asked_first = self._begin(), 0, 0
        self._checked += len(job[1])
        result = examine_job(self._context, job)
        trees = self._context[0].trees
        contents, listed = self._sources.contents, self._sources.trees
        new = dict(islice(contents.items(), self._told[0], None)), dict(islice(listed.items(), self._told[1], None))
        self._told = len(contents), len(listed)
        seen = Seen(dict(trees.asked), *new)
        trees.asked.clear()
        return result, seen


def _forks() -> bool:
    """Whether the processes that work are copies of this one."""
    import multiprocessing  # imported where several are started

    return multiprocessing.get_start_method() == "fork"


def _lost(job: tuple[str, str], code: int) -> tuple[Examined | Problem, Seen]:
    return lost(job, code), Seen()


def examine_job(context: tuple[Project, Settings], job: tuple[str, str]) -> Examined | Problem:
    """Check one text. job: (path, text). Raises nothing: a failure becomes a Problem."""
    path, text = job
    try:
        return examine(path, text, *context)
    except Problem as problem:
        return problem
    except Exception as error:  # a bug in this tool must not stop the other files
        return failure(path, error)


def lost(job: tuple[str, object] | tuple[str, str, object], code: int) -> Problem:
    """The problem of a job that twice ended its process, with this exit code. The first item of a job is its path."""
    ending = {-each.value: each.name for each in signal.Signals}.get(code, f"exit code {code}")
    out_of_memory = ending in ("SIGKILL", "SIGABRT")  # by a system that runs out of it, by a library that is given none
    return Problem(
        job[0],
        f"brought down the process that looked at it, twice ({ending})",
        "give it more memory, or exclude it" if out_of_memory else "exclude it, and report this as a bug",
    )


class Runner:
    """Checks many texts, on several processes where that is faster.

    given: path -> text that replaces the file on disk when another file imports it. examined: called with the result of
    each file as soon as there is one. facts: what is known of texts from earlier runs in this process. watched: takes
    the project that this process has looked at, which is watched then (see `Project`).
    """

    def __init__(
        self,
        settings: Settings,
        progress: Progress | None = None,
        given: Mapping[str, str] | None = None,
        examined: Callable[[str, Examined | Problem], None] = lambda path, result: None,
        facts: TextFacts | None = None,
        watched: list[Project] | None = None,
    ) -> None:
        self.settings = settings
        self._progress = progress or (lambda done, total, waiting: None)
        self._given = given or {}
        self._examined = examined
        self._facts = facts
        self._watched = watched
        self._trees: Mapping[str, tuple[str, ...]] = {}

    def examine(self, texts: Mapping[str, str], overlay: Mapping[str, str]) -> dict[str, Examined | Problem]:
        """Check texts. texts: path -> text. overlay: like `given`, and takes precedence over it.

        Results of earlier runs are used where they are known to be the same, if the settings want that.
        """
        overlay = {**self._given, **overlay}
        if not self.settings.cache or not texts:
            return self._examine(texts, overlay, DiskSources(overlay), [])
        sources = DiskSources(overlay, self._trees)
        cache = cache_for(self.settings, sources)
        known = cache.look_up(texts)
        for path, result in known.items():
            self._examined(path, result)
        rest = {path: text for path, text in texts.items() if path not in known}
        seen: list[Seen] = []
        found = self._examine(rest, overlay, sources, seen) if rest else {}
        cache.keep(rest, {path: result for path, result in found.items() if isinstance(result, Examined)}, seen)
        self._trees = sources.trees
        results = {**known, **found}
        return {path: results[path] for path in texts}

    def _examine(
        self, texts: Mapping[str, str], overlay: Mapping[str, str], sources: DiskSources, seen: list[Seen]
    ) -> dict[str, Examined | Problem]:
        """Check texts, without a cache. What is seen of other files is added to `seen`."""

        def done(job: tuple[str, str], result: tuple[Examined | Problem, Seen]) -> None:
            seen.append(result[1])
            self._examined(job[0], result[0])

        make: Callable[[], _Worker] = partial(
            _Worker, self.settings, overlay, sources.trees, self._facts, self._watched
        )
        weight = sum(map(len, texts.values()))
        if weight >= MIN_WEIGHT:
            import transfer_lint.lint.judge  # noqa: F401  (once, where the system forks the processes that use it)

        if MIN_WEIGHT <= weight <= MOST_HELD and _forks():
            first = make()
            rare_collections()
            deep(first.prepare, texts, meanwhile=lambda: self._progress(0, len(texts), ""))
            make = first.itself
        pool = Pool(make, _Worker.examine, _lost)
        results = self.run(pool, list(texts.items()), 1, done)
        return {path: result for path, (result, _) in zip(texts, results, strict=True)}

    def run(
        self,
        pool: Pool[Context, Job, Result],
        jobs: Sequence[Job],
        weight: int,
        done: Callable[[Job, Result], None] = lambda job, result: None,
    ) -> list[Result]:
        """Run jobs, each a tuple of path, text and what else there is, and report the progress.

        weight: how much longer a job takes than to check a text of that length. done: called with each result.
        """
        count = 0

        def counted(job: Job, result: Result) -> None:
            nonlocal count
            count += 1
            self._progress(count, len(jobs), "")
            done(job, result)

        return pool.run(
            jobs, lambda job: weight * len(job[1]), counted, lambda job: self._progress(count, len(jobs), job[0])
        )
