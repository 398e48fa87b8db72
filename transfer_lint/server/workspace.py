"""The lint's answers about the open documents; these replace the files on disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from transfer_lint.files.paths import shown_path
from transfer_lint.files.sources import Overlaid
from transfer_lint.files.tree import DiskSources
from transfer_lint.findings import Edit, Finding
from transfer_lint.fixing import rewriting
from transfer_lint.fixing.fix import fix_source
from transfer_lint.fixing.ignores import with_ignores
from transfer_lint.lint.assigned_placements import Placement, placements
from transfer_lint.lint.check_text import examine, nesting, project_over
from transfer_lint.lint.deep_stack import deep
from transfer_lint.lint.explain import explain
from transfer_lint.lint.lookup import load
from transfer_lint.problems import Problem
from transfer_lint.rules.options import RuleOptions
from transfer_lint.settings import Settings

if TYPE_CHECKING:
    from transfer_lint.flow.program.project import Project

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Checked:
    """A document's text, its settings, and the findings in it."""

    path: str
    text: str
    settings: Settings
    findings: tuple[Finding, ...]


class Lint:
    """Answers about documents, from their open text. Other files are read from disk once and kept until `forget`."""

    def __init__(self) -> None:
        self._open: dict[str, str] = {}
        self._disk = DiskSources()
        self._settings: dict[str, Settings] = {}

    def set(self, path: str, text: str) -> None:
        """Set the text of an open document."""
        self._open[shown_path(path)] = text

    def close(self, path: str) -> None:
        """Use the file on disk again instead of the document."""
        self._open.pop(shown_path(path), None)
        self.forget()

    def forget(self) -> None:
        """Forget what was read from disk, because files or the configuration may have changed."""
        self._disk = DiskSources()
        self._settings.clear()

    def check(self, path: str) -> Checked:
        """The findings in an open document.

        Raises:
            Problem: the configuration is wrong, or the text nests too deep.
        """
        shown, text, settings = self._document(path)
        found = deep(examine, shown, text, self._project(settings), settings)
        return Checked(shown, text, settings, found.findings)

    def fix_one(self, checked: Checked, finding: Finding) -> tuple[Edit, ...]:
        """The edits that apply a finding's fix. Raises Problem if it cannot be applied."""
        assert finding.fix is not None
        changes = {finding.anchor: finding.fix.action}
        rewritten = rewriting.rewrite(checked.path, checked.text, changes, checked.settings.target_version)
        return rewriting.edits(checked.text, rewritten.text)

    def fix_all(self, checked: Checked) -> tuple[Edit, ...]:
        """The edits that apply all safe fixes. Raises Problem if the fixes do not settle."""
        settings = replace(checked.settings, unsafe_fixes=False)
        fixed = fix_source(checked.path, checked.text, self._project(settings), settings)
        return rewriting.edits(checked.text, fixed.text)

    def ignore(self, checked: Checked, finding: Finding) -> tuple[Edit, ...]:
        """The edits that add an ignore comment for a finding; none if no comment is possible there."""
        text, refused = with_ignores(checked.text, [finding], "")
        return () if refused else rewriting.edits(checked.text, text)

    def explain(self, path: str, line: int, column: int) -> str:
        """Where the values of the expressions around a column live, and why; "" if the text does not parse."""
        shown, text, settings = self._document(path)
        options = RuleOptions.of(settings)
        none: list[str] = []
        return "\n".join(self._guarded(explain, none, shown, text, line, column, self._project(settings), options))

    def placements(self, path: str) -> list[Placement]:
        """Where the document's values live; [] if the text does not parse."""
        shown, text, settings = self._document(path)
        none: list[Placement] = []
        return self._guarded(placements, none, shown, text, self._project(settings))

    @staticmethod
    def _guarded(ask: Callable[..., Answer], otherwise: Answer, path: str, *arguments: object) -> Answer:
        try:
            with nesting(path):
                return deep(ask, path, *arguments)
        except (SyntaxError, Problem):
            return otherwise

    def _document(self, path: str) -> tuple[str, str, Settings]:
        shown = shown_path(path)
        folder = os.path.dirname(os.path.abspath(path))
        if folder not in self._settings:
            self._settings[folder] = load([path])
        return shown, self._open[shown], self._settings[folder]

    def _project(self, settings: Settings) -> Project:
        return project_over(Overlaid(self._disk, dict(self._open)), settings)
