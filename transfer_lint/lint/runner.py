"""Check many texts, on several processes where that is faster. A failure in one text does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from transfer_lint.files.tree import DiskSources
from transfer_lint.lint.check_text import Examined, examine, project_over
from transfer_lint.lint.pool import Pool
from transfer_lint.problems import Problem, failure
from transfer_lint.settings import Settings

if TYPE_CHECKING:  # imported when there is a text to check
    from transfer_lint.flow.program.project import Project

Progress = Callable[[int, int], None]
"""Called with two numbers: how many files of the current step are done, and how many there are."""


# The functions that the pool runs: at module level, so that they can be sent to other processes.


def _make_project(settings: Settings, overlay: Mapping[str, str]) -> tuple[Project, Settings]:
    return project_over(DiskSources(overlay), settings), settings


def examine_job(context: tuple[Project, Settings], job: tuple[str, str]) -> Examined | Problem:
    """Check one text. job: (path, text). Raises nothing: a failure becomes a Problem."""
    path, text = job
    try:
        return examine(path, text, *context)
    except Problem as problem:
        return problem
    except Exception as error:  # a bug in this tool must not stop the other files
        return failure(path, error)


def lost(job: tuple[str, object] | tuple[str, str, object]) -> Problem:
    """The problem of a job that crashed its process. The first item of a job is its path."""
    return Problem(job[0], "brought down the process that looked at it", "exclude it, and report this as a bug")


class Runner:
    """Checks many texts, on several processes where that is faster.

    given: path -> text that replaces the file on disk when another file imports it.
    """

    def __init__(
        self, settings: Settings, progress: Progress | None = None, given: Mapping[str, str] | None = None
    ) -> None:
        self.settings = settings
        self._progress = progress or (lambda done, total: None)
        self._given = given or {}

    def examine(self, texts: Mapping[str, str], overlay: Mapping[str, str]) -> dict[str, Examined | Problem]:
        """Check texts. texts: path -> text. overlay: like `given`, and takes precedence over it."""
        pool = Pool(partial(_make_project, self.settings, {**self._given, **overlay}), examine_job, lost)
        jobs = list(texts.items())
        return dict(zip(texts, pool.run(jobs, lambda job: len(job[1]), self.counter(len(jobs))), strict=True))

    def counter(self, total: int) -> Callable[[object], None]:
        """A function that reports the progress; to be called once per finished job. total: the number of jobs."""
        done = 0

        def count(job: object) -> None:
            nonlocal done
            done += 1
            self._progress(done, total)

        return count
