"""From one text to its findings: all rules run, then settings and suppression comments filter the findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transfer_lint.files.scan import may_have_site
from transfer_lint.files.sources import Sources
from transfer_lint.files.text import is_notebook
from transfer_lint.findings import Finding
from transfer_lint.lint.selection import selected, with_fix_as_set
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

if TYPE_CHECKING:  # imported when there is a text to check
    from transfer_lint.flow.program.project import Project
    from transfer_lint.flow.program.text_facts import TextFacts


@dataclass(frozen=True)
class Examined:
    """One file's findings after rule selection and suppression comments, in source order.

    sites: how many transfers and host reads the file has. suppressed: how many findings comments suppress.
    """

    findings: tuple[Finding, ...] = ()
    sites: int = 0
    suppressed: int = 0


def examine(path: str, text: str, project: Project, settings: Settings) -> Examined:
    """Check one text.

    Raises:
        Problem: the text nests too deep.
    """
    from transfer_lint.lint import about_lint
    from transfer_lint.lint.suppression import read_comments

    settings = settings.of(path)
    comments = read_comments(text)
    if comments.skip_file:
        return Examined()
    found, sites = _sites_of(path, text, project, settings)
    if is_notebook(path):
        found = (*found, *about_lint.unparsable_cells(path, text))
    if not any(finding.about_lint for finding in found):
        found = (*found, *about_lint.unused(path, comments, found))
    found = sorted(found, key=lambda f: (f.line, f.column, f.code))
    selection = selected(path, settings)
    kept = [
        with_fix_as_set(finding, settings)
        for finding in found
        if selection.allows(finding.code, finding.name)
        and (finding.about_lint or finding.heat.rank >= settings.min_heat.rank)
    ]
    shown = tuple(finding for finding in kept if not comments.hide(finding))
    return Examined(shown, sites, len(kept) - len(shown))


def _sites_of(path: str, text: str, project: Project, settings: Settings) -> tuple[Sequence[Finding], int]:
    """The findings of all rules about sites, and the number of sites.

    For a text that does not parse: the finding that says so, and 0. A text that cannot hold a site is not parsed.
    """
    if not may_have_site(text.encode(errors="replace")):
        return (), 0
    from transfer_lint.lint import about_lint, judge
    from transfer_lint.rules.options import RuleOptions

    try:
        with nesting(path):
            result = judge.check(path, text, project, RuleOptions.of(settings))
    except SyntaxError as error:
        return (about_lint.unparsable(path, text, error),), 0
    return (*result.findings, *about_lint.given_up(path, result.given_up)), result.sites


def prepare(path: str, text: str, project: Project, settings: Settings) -> None:
    """Find out what is needed to check a text and many others like it. Raises what `ast.parse` raises."""
    if may_have_site(text.encode(errors="replace")):
        from transfer_lint.lint import judge
        from transfer_lint.rules.options import RuleOptions

        judge.prepare(path, text, project, RuleOptions.of(settings))


@contextmanager
def nesting(path: str) -> Iterator[None]:
    """Turn the RecursionError or MemoryError of a text that nests too deep into a Problem.

    Python's parser raises a MemoryError for what nests too deep, too.
    """
    try:
        yield
    except RecursionError:
        raise Problem(path, "nests too deep to be followed", "exclude it") from None
    except MemoryError:
        raise Problem(path, "nests too deep, or needs more memory than there is", "exclude it, or give more") from None


def project_over(sources: Sources, settings: Settings, facts: TextFacts | None = None) -> Project:
    """The project over `sources`, with the default knowledge and what the user configured in addition.

    facts: as in `Project`.

    The plugins are loaded, also where this is another process than the one that read the configuration.
    """
    from transfer_lint.flow.knowledge import default_knowledge
    from transfer_lint.flow.program.project import Project

    knowledge = default_knowledge()
    for each in (settings, *settings.nested):
        if each.plugins:
            from transfer_lint.rules import plugins

            for name in each.plugins:
                plugins.load(name)
        knowledge = knowledge.extended(each.knowledge) if each.knowledge else knowledge
    return Project(sources, knowledge, facts)
