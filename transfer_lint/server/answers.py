"""What a worker process answers: questions about one open document, with the other open documents as they are."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from transfer_lint.files.notebook import Notebook
from transfer_lint.files.sources import Sources
from transfer_lint.files.text import Source
from transfer_lint.files.tree import DiskSources
from transfer_lint.findings import Edit, Finding
from transfer_lint.fixing import rewriting
from transfer_lint.fixing.fix import fix_source
from transfer_lint.fixing.ignores import with_ignores
from transfer_lint.fixing.planning import changes_of
from transfer_lint.fixing.styles import nearest_style
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.text_facts import TextFacts
from transfer_lint.flow.program.trees import Question, Trees
from transfer_lint.lint.assigned_placements import Placement, placements
from transfer_lint.lint.check_text import examine, nesting, project_over
from transfer_lint.lint.explain import explain
from transfer_lint.problems import Problem
from transfer_lint.rules.options import RuleOptions
from transfer_lint.server.document import Document
from transfer_lint.settings import Settings

Answer = TypeVar("Answer")

WRITTEN_IN = 2
"""How many files may be parsed for a question because the user writes in them."""

Edits: TypeAlias = Mapping[int, tuple[Edit, ...]]
"""Index of a document's cell -> the edits in it."""


@dataclass(frozen=True)
class Asked:
    """A question's document, the state of the editor around it, and its settings.

    texts: path -> text of the open files. listing: another number after files may have been added or removed.
    """

    document: Document
    texts: Mapping[str, str]
    settings: Settings
    listing: int


@dataclass(frozen=True)
class Checked:
    """The findings in a document.

    text: of `Document.source`. read: the paths of all files that the findings may depend on.
    answers: what was asked about these files -> a digest of the answer. settings: with which the text was examined.
    """

    document: Document
    text: str = ""
    findings: tuple[Finding, ...] = ()
    read: frozenset[str] = frozenset()
    answers: Mapping[Question, str] = field(default_factory=dict)
    settings: Settings | None = None

    def holds(self, source: Source, settings: Settings, sources: Reading) -> bool:
        """Whether an examination would find the same: all that was asked has the same answers now."""
        if (self.text, self.settings) != (source.text, settings):
            return False
        trees = Trees(sources, sources.facts)
        for question, answer in self.answers.items():
            trees.ask(question)
            if trees.asked[question] != answer:
                return False
        return True


class Reading:
    """Sources that the open documents replace, and that remember what was read. facts: as in `Project`."""

    def __init__(self, sources: Sources, texts: Mapping[str, str], facts: TextFacts) -> None:
        self.facts = facts
        self._sources = sources
        self._texts = texts
        self.paths: set[str] = set()

    def read(self, path: str) -> str | None:
        """The text of a file."""
        self.paths.add(path)
        return self._texts[path] if path in self._texts else self._sources.read(path)

    def python_files(self, near: str) -> Sequence[str]:
        """The Python files of the tree around a file."""
        return self._sources.python_files(near)


class Library:
    """The files on disk, each read again only when it has changed, and what is known of their texts."""

    def __init__(self) -> None:
        self._disk = DiskSources()
        self._facts = TextFacts()
        self._kept = 0
        self._listing = 0

    def reading(self, asked: Asked) -> Reading:
        """The sources for one question."""
        self._disk.refresh(listing=asked.listing != self._listing)
        self._listing = asked.listing
        return Reading(self._disk, asked.texts, self._facts)

    def tidy(self) -> None:
        """Free what only one answer needed.

        To look through all that is kept takes longer than many an answer. So it is done when there is much new in it,
        more than the documents that the user is writing in; until then it is set apart.
        """
        much = self._facts.kept > self._kept + WRITTEN_IN
        self._kept = self._facts.kept
        if much:
            gc.unfreeze()
        gc.collect()
        if much:
            gc.freeze()


# The answers. Each is asked for by its function, which is sent to the worker by name.


def ready(sources: None) -> None:
    """Nothing: the process that answers has started."""


def check(sources: Reading, asked: Asked, before: Checked | None = None) -> Checked:
    """The findings in the document. before: what was found earlier. Raises Problem if it cannot be followed."""
    source, settings = asked.document.source(), asked.settings
    if before is not None and before.holds(source, settings, sources):
        return replace(before, document=asked.document)
    project = project_over(sources, settings, sources.facts)
    found = examine(source.path, source.text, project, settings)
    read = frozenset(sources.paths)
    return Checked(asked.document, source.text, found.findings, read, project.trees.asked, settings)


def edits(sources: Reading, asked: Asked, wanted: Sequence[tuple[str, Finding | None]]) -> list[Edits | Problem]:
    """The edits of actions, each on its own, or why there are none. What a fix rests on is proved anew.

    wanted: what to do ("fix", "ignore" or "all"), and about which finding.
    """
    source = asked.document.source()
    found = check(sources, asked).findings if any(do == "fix" for do, _ in wanted) else ()
    results: list[Edits | Problem] = []
    for do, finding in wanted:
        try:
            if finding is None:
                text = _all_fixed(source, sources, asked.settings)
            elif do == "fix":
                text = _fixed(source, found, finding, asked.settings)
            else:
                text = _with_ignore(source, finding)
            results.append(_edits(asked.document, source, text))
        except Problem as problem:
            results.append(problem)
    return results


def _fixed(source: Source, found: Sequence[Finding], wanted: Finding, settings: Settings) -> str:
    for finding in found:
        if (finding.anchor, finding.code, finding.fix) == (wanted.anchor, wanted.code, wanted.fix) and finding.fix:
            changes = changes_of(finding, unsafe=settings.unsafe_fixes)
            rewritten = rewriting.rewrite(
                source.path, source.text, changes, settings.target_version, nearest_style(source.path)
            )
            if finding.anchor in rewritten.refused:
                raise Problem(source.path, f"cannot be fixed: {rewritten.refused[finding.anchor]}")
            return rewritten.text
    raise Problem(source.path, f"{wanted.code} is no longer found there: what it rested on has changed")


def _all_fixed(source: Source, sources: Reading, settings: Settings) -> str:
    safe = replace(settings, unsafe_fixes=False)
    return fix_source(source.path, source.text, project_over(sources, safe, sources.facts), safe).text


def _with_ignore(source: Source, finding: Finding) -> str:
    text, refused = with_ignores(source.text, [finding], "")
    if refused:
        raise Problem(source.path, f"cannot be ignored: {refused[finding]}")
    return text


def explained(sources: Reading, asked: Asked, place: tuple[int, int], column: int) -> str:
    """Where the values of the expressions around a column live, and why; "" if the text does not parse.

    place: the index of a cell and a line in it, from 1.
    """

    def ask(source: Source, project: Project) -> str:
        line = asked.document.line(source.text, *place)
        options = RuleOptions.of(asked.settings.of(source.path))
        return "\n".join(explain(source.path, source.text, line, column, project, options))

    return _guarded(ask, "", sources, asked)


def placed(sources: Reading, asked: Asked, cell: int, lines: range) -> list[Placement]:
    """Where the values live that are bound on some lines of the cell with that index; [] if it does not parse."""

    def ask(source: Source, project: Project) -> list[Placement]:
        before = asked.document.line(source.text, cell, 0)
        inside = range(lines.start + before, lines.stop + before)
        found = placements(source.path, source.text, inside, project)
        return [replace(placement, line=placement.line - before) for placement in found]

    return _guarded(ask, [], sources, asked)


def _guarded(ask: Callable[[Source, Project], Answer], otherwise: Answer, sources: Reading, asked: Asked) -> Answer:
    try:
        source = asked.document.source()
        with nesting(source.path):
            return ask(source, project_over(sources, asked.settings, sources.facts))
    except (SyntaxError, ValueError, Problem):
        return otherwise


def _edits(document: Document, source: Source, text: str) -> Edits:
    if isinstance(source, Notebook):
        return {cell.number - 1: rewriting.edits(cell.source, new) for cell, new in source.changed(text)}
    return {0: rewriting.edits(source.text, text)}
