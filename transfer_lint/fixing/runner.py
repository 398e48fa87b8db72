"""Check and rewrite many texts, for the rounds of `fix`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from transfer_lint.files.sources import Overlaid
from transfer_lint.findings import Changes
from transfer_lint.fixing import rewriting
from transfer_lint.fixing.rewriting import Rewrite
from transfer_lint.lint.check_text import Examined
from transfer_lint.lint.deep_stack import deep
from transfer_lint.lint.pool import Pool
from transfer_lint.lint.runner import Runner, examine_job, lost
from transfer_lint.problems import Problem, failure
from transfer_lint.settings import Settings

if TYPE_CHECKING:  # imported when there is a text to check
    from transfer_lint.flow.program.project import Project


class FixRunner(Runner):
    """A runner that also rewrites texts."""

    def rewrite(self, jobs: Sequence[tuple[str, str, Changes]]) -> list[Rewrite | Problem]:
        """Carry out plans. jobs: (path, text, changes). The results are in the order of the jobs."""
        pool = Pool(partial(_same, self.settings), _rewrite_job, lost)
        return self.run(pool, jobs, 8)  # libcst takes longer than ast


class InProcess(FixRunner):
    """A runner that checks in this process, with a project of the caller."""

    def __init__(self, settings: Settings, project: Project) -> None:
        super().__init__(settings)
        self._project = project

    def examine(self, texts: Mapping[str, str], overlay: Mapping[str, str]) -> dict[str, Examined | Problem]:
        """Check texts by path. With an overlay it uses a new project: the old one has analysed the old texts."""
        from transfer_lint.flow.program.project import Project

        project = self._project
        if overlay:
            project = Project(Overlaid(project.sources, overlay), project.knowledge)
        return {path: deep(examine_job, (project, self.settings), (path, text)) for path, text in texts.items()}


def _rewrite_job(settings: Settings, job: tuple[str, str, Changes]) -> Rewrite | Problem:
    path, text, plan = job
    try:
        return rewriting.rewrite(path, text, plan, settings.of(path).target_version)
    except Problem as problem:
        return problem
    except Exception as error:
        return failure(path, error)


def _same(settings: Settings) -> Settings:
    return settings
