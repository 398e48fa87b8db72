"""Check and rewrite many texts, for the rounds of `fix`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from transfer_codemods.style import Style
from transfer_lint.files.decoding import decode
from transfer_lint.files.sources import Overlaid
from transfer_lint.files.text import Source
from transfer_lint.findings import Changes, Edit
from transfer_lint.fixing import rewriting
from transfer_lint.fixing.rewriting import Rewrite
from transfer_lint.fixing.styles import nearest_style
from transfer_lint.lint.check_text import Examined
from transfer_lint.lint.deep_stack import deep
from transfer_lint.lint.pool import MIN_WEIGHT, Pool
from transfer_lint.lint.runner import Runner, examine_job, lost
from transfer_lint.problems import Problem, failure
from transfer_lint.settings import Settings

if TYPE_CHECKING:  # imported when there is a text to check
    from transfer_lint.flow.program.project import Project


EditsJob: TypeAlias = "tuple[str, str, tuple[str | None, list[Changes]]]"
"""Path, text, the JSON of a notebook, and plans."""

_WEIGHT = 4
"""How much longer a rewrite takes than a check of the same text."""


class FixRunner(Runner):
    """A runner that also rewrites texts."""

    def rewrite(self, jobs: Sequence[tuple[str, str, Changes]]) -> list[Rewrite | Problem]:
        """Carry out plans. jobs: (path, text, changes). The results are in the order of the jobs."""
        _import_once(jobs)
        return self.run(Pool(partial(_same, self.settings), _rewrite_job, lost), jobs, _WEIGHT)

    def edits(self, jobs: Sequence[EditsJob]) -> list[list[tuple[Edit, ...]]]:
        """For each plan of each job, the edits that carry it out, and it alone; none if that is not possible."""
        _import_once(jobs)
        return self.run(Pool(partial(_same, self.settings), _edits_job, _no_edits), jobs, _WEIGHT)


class InProcess(FixRunner):
    """A runner that checks in this process, with a project of the caller. project: the last one that was looked at."""

    def __init__(self, settings: Settings, project: Project) -> None:
        super().__init__(settings)
        self._first = self.project = project

    def examine(self, texts: Mapping[str, str], overlay: Mapping[str, str]) -> dict[str, Examined | Problem]:
        """Check texts by path. With an overlay it uses a new project: the old one has analysed the old texts."""
        from transfer_lint.flow.program.project import Project

        self.project = first = self._first
        if overlay:
            self.project = Project(Overlaid(first.sources, overlay), first.knowledge, first.facts)
            self.project.watched = first.watched
        return {path: deep(examine_job, (self.project, self.settings), (path, text)) for path, text in texts.items()}

    def rewrite(self, jobs: Sequence[tuple[str, str, Changes]]) -> list[Rewrite | Problem]:
        """Carry out plans, whatever project the paths may lie in."""
        return [deep(_rewritten, self.settings, job, None) for job in jobs]


def _import_once(jobs: Sequence[tuple[str, str, object]]) -> None:
    """Import libcst here if jobs will run in other processes: where the system forks these, they have it."""
    if sum(len(text) for _, text, _ in jobs) * _WEIGHT >= MIN_WEIGHT:
        import transfer_codemods.fix_transfers  # noqa: F401


def _rewrite_job(settings: Settings, job: tuple[str, str, Changes]) -> Rewrite | Problem:
    return _rewritten(settings, job, nearest_style(job[0]))


def _rewritten(settings: Settings, job: tuple[str, str, Changes], style: Style | None) -> Rewrite | Problem:
    path, text, plan = job
    try:
        return rewriting.rewrite(path, text, plan, settings.of(path).target_version, style)
    except Problem as problem:
        return problem
    except Exception as error:
        return failure(path, error)


def _edits_job(settings: Settings, job: EditsJob) -> list[tuple[Edit, ...]]:
    path, text, (document, plans) = job
    source = Source(path, text, "utf-8", False) if document is None else decode(path, document.encode())
    before = source.on_disk(text)
    rewriting_of = rewriting.rewriting_of(path, text, settings.of(path).target_version, nearest_style(path))
    found: list[tuple[Edit, ...]] = []
    for plan in plans:
        try:
            found.append(rewriting.edits(before, source.on_disk(rewriting_of.carry_out(plan).text)))
        except Exception:  # also a bug: a finding without edits is still reported
            found.append(())
    return found


def _no_edits(job: EditsJob, code: int) -> list[tuple[Edit, ...]]:
    return [() for _ in job[2][1]]


def _same(settings: Settings) -> Settings:
    return settings
