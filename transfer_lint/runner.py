"""Checking and rewriting many texts, in one process or in several; one text's trouble never stops the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from transfer_lint import files, rewriting
from transfer_lint.config import Settings
from transfer_lint.findings import Changes, Finding
from transfer_lint.outcome import Problem, failure, unparsable_as
from transfer_lint.pool import Pool, deep
from transfer_lint.rewriting import Rewrite
from transfer_lint.scan import may_have_site
from transfer_lint.selection import Selection
from transfer_lint.source import is_notebook
from transfer_lint.suppress import read_comments

if TYPE_CHECKING:  # imported when there is a text to check
    from transfer_lint.flow.project import Project, Sources

Progress = Callable[[int, int], None]
"""Called with the number of files done and of all files of the step under way."""


@dataclass(frozen=True)
class Examined:
    """One file's findings after selection and comments, in order; and how many sites and hidden findings it has."""

    findings: tuple[Finding, ...] = ()
    sites: int = 0
    suppressed: int = 0


def examine(path: str, text: str, project: Project, settings: Settings) -> Examined:
    """Check one text.

    Raises:
        Problem: it nests too deep.
    """
    from transfer_lint import about_lint

    comments = read_comments(text)
    if comments.skip_file:
        return Examined()
    found, sites = _sites_of(path, text, project, settings)
    if is_notebook(path):
        found = (*found, *about_lint.unparsable_cells(path, text))
    if not any(finding.about_lint for finding in found):
        found = (*found, *about_lint.unused(path, comments, found))
    found = sorted(found, key=lambda f: (f.line, f.column, f.code))
    selected = Selection(settings.selection.on, (*settings.ignore, *files.ignored_rules(path, settings)))
    kept = [
        finding
        for finding in found
        if selected.allows(finding.code, finding.name)
        and (finding.about_lint or finding.heat.rank >= settings.min_heat.rank)
    ]
    shown = tuple(finding for finding in kept if not comments.hide(finding))
    return Examined(shown, sites, len(kept) - len(shown))


def _sites_of(path: str, text: str, project: Project, settings: Settings) -> tuple[Sequence[Finding], int]:
    """The findings of all rules about sites, and how many sites there are; that it does not parse, where it does not.

    What has no site is not parsed.
    """
    if not may_have_site(text.encode(errors="replace")):
        return (), 0
    from transfer_lint import about_lint, checker
    from transfer_lint.rules.options import RuleOptions

    try:
        with nesting(path):
            result = checker.check(path, text, project, RuleOptions(module_guard=settings.module_guard))
    except SyntaxError as error:
        return (about_lint.unparsable(path, text, error),), 0
    return result.findings, result.sites


def explain(path: str, text: str, line: int, column: int | None, project: Project, settings: Settings) -> str:
    """Where the values of a line live and why, in words; line and column 1-based, column in characters.

    Raises:
        Problem: the text does not parse, or nests too deep.
    """
    from transfer_lint import explain as explaining
    from transfer_lint.rules.options import RuleOptions

    try:
        with nesting(path):
            options = RuleOptions(module_guard=settings.module_guard)
            return explaining.explain(path, text, line, column, project, options)
    except SyntaxError as error:
        raise Problem(path, f"{unparsable_as(error)} (line {error.lineno})", "mend it, or exclude it") from None


@contextmanager
def nesting(path: str) -> Iterator[None]:
    """Turn what is raised about a text that nests too deep into a Problem."""
    try:
        yield
    except (RecursionError, MemoryError):
        raise Problem(path, "nests too deep to be followed", "exclude it") from None


def project_over(sources: Sources, settings: Settings) -> Project:
    """The linted tree, with what the user says about it."""
    from transfer_lint.flow.knowledge import default_knowledge
    from transfer_lint.flow.project import Project

    knowledge = default_knowledge()
    return Project(sources, knowledge.extended(settings.knowledge) if settings.knowledge else knowledge)


# The jobs of the pool: module-level, raising nothing.


def _make_project(settings: Settings, overlay: Mapping[str, str]) -> tuple[Project, Settings]:
    return project_over(files.DiskSources(overlay), settings), settings


def _examine_job(context: tuple[Project, Settings], job: tuple[str, str]) -> Examined | Problem:
    path, text = job
    try:
        return examine(path, text, *context)
    except Problem as problem:
        return problem
    except Exception as error:  # a bug of ours must not stop the other files
        return failure(path, error)


def _rewrite_job(settings: Settings, job: tuple[str, str, Changes]) -> Rewrite | Problem:
    path, text, plan = job
    try:
        return rewriting.rewrite(path, text, plan, settings.target_version)
    except Problem as problem:
        return problem
    except Exception as error:
        return failure(path, error)


def _lost(job: tuple[str, str] | tuple[str, str, Changes]) -> Problem:
    return Problem(job[0], "brought down the process that looked at it", "exclude it, and report this as a bug")


def _same(settings: Settings) -> Settings:
    return settings


class Runner:
    """Checks and rewrites many texts, on several processes where that is faster.

    given: path -> text that stands for the file's on disk when files look at each other.
    """

    def __init__(
        self, settings: Settings, progress: Progress | None = None, given: Mapping[str, str] | None = None
    ) -> None:
        self._settings = settings
        self._progress = progress or (lambda done, total: None)
        self._given = given or {}

    def examine(self, texts: Mapping[str, str], overlay: Mapping[str, str]) -> dict[str, Examined | Problem]:
        """Check texts by path. overlay: like `given`, and before it."""
        pool = Pool(partial(_make_project, self._settings, {**self._given, **overlay}), _examine_job, _lost)
        jobs = list(texts.items())
        return dict(zip(texts, pool.run(jobs, lambda job: len(job[1]), self._counter(len(jobs))), strict=True))

    def rewrite(self, jobs: Sequence[tuple[str, str, Changes]]) -> list[Rewrite | Problem]:
        """Carry out plans: (path, text, plan) to what becomes of the text, in the order of the jobs."""
        pool = Pool(partial(_same, self._settings), _rewrite_job, _lost)
        return pool.run(jobs, lambda job: 8 * len(job[1]), self._counter(len(jobs)))  # libcst takes longer than ast

    def _counter(self, total: int) -> Callable[[object], None]:
        done = 0

        def count(job: object) -> None:
            nonlocal done
            done += 1
            self._progress(done, total)

        return count


class Overlaid:
    """Sources of which some are replaced."""

    def __init__(self, sources: Sources, overlay: Mapping[str, str]) -> None:
        self._sources = sources
        self._overlay = overlay

    def read(self, path: str) -> str | None:
        """The text of a file, replaced or not."""
        return self._overlay[path] if path in self._overlay else self._sources.read(path)

    def python_files(self, near: str) -> Sequence[str]:
        """As the sources say."""
        return self._sources.python_files(near)


class InProcess(Runner):
    """Checks with a project that the caller has."""

    def __init__(self, settings: Settings, project: Project) -> None:
        super().__init__(settings)
        self._project = project

    def examine(self, texts: Mapping[str, str], overlay: Mapping[str, str]) -> dict[str, Examined | Problem]:
        """Check texts by path; what a project has learnt of a text does not outlive that text."""
        from transfer_lint.flow.project import Project

        project = self._project
        if overlay:
            project = Project(Overlaid(project.sources, overlay), project.knowledge)
        return {path: deep(_examine_job, (project, self._settings), (path, text)) for path, text in texts.items()}
