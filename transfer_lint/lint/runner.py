"""Many texts to their findings, on several processes where that is faster. No text's trouble stops the others."""

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
"""Called with the number of files done and of all files of the step under way."""


# The jobs of the pool: module-level, raising nothing.


def _make_project(settings: Settings, overlay: Mapping[str, str]) -> tuple[Project, Settings]:
    return project_over(DiskSources(overlay), settings), settings


def examine_job(context: tuple[Project, Settings], job: tuple[str, str]) -> Examined | Problem:
    """Check one text, (path, text). Raises nothing."""
    path, text = job
    try:
        return examine(path, text, *context)
    except Problem as problem:
        return problem
    except Exception as error:  # a bug of ours must not stop the other files
        return failure(path, error)


def lost(job: tuple[str, object] | tuple[str, str, object]) -> Problem:
    """What a job that brought its process down has met. A job begins with its path."""
    return Problem(job[0], "brought down the process that looked at it", "exclude it, and report this as a bug")


class Runner:
    """Checks many texts, on several processes where that is faster.

    given: path -> text that stands for the file's on disk when files look at each other.
    """

    def __init__(
        self, settings: Settings, progress: Progress | None = None, given: Mapping[str, str] | None = None
    ) -> None:
        self.settings = settings
        self._progress = progress or (lambda done, total: None)
        self._given = given or {}

    def examine(self, texts: Mapping[str, str], overlay: Mapping[str, str]) -> dict[str, Examined | Problem]:
        """Check texts by path. overlay: like `given`, and before it."""
        pool = Pool(partial(_make_project, self.settings, {**self._given, **overlay}), examine_job, lost)
        jobs = list(texts.items())
        return dict(zip(texts, pool.run(jobs, lambda job: len(job[1]), self.counter(len(jobs))), strict=True))

    def counter(self, total: int) -> Callable[[object], None]:
        """Tells the progress, called once per finished job."""
        done = 0

        def count(job: object) -> None:
            nonlocal done
            done += 1
            self._progress(done, total)

        return count
