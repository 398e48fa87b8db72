"""Runs the tool on the source of an example, as the only file of a tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from transfer_codemods.actions import GuardForm
from transfer_lint.findings import Finding, FixHints
from transfer_lint.fixing.fix import fix_source
from transfer_lint.flow.knowledge import default_knowledge
from transfer_lint.flow.program.project import Project
from transfer_lint.lint.check_text import examine
from transfer_lint.rules.pages import Example
from transfer_lint.settings import ANALYSIS_BUDGET, Settings

PATH = "example.py"


@dataclass
class OneFile:
    """A source tree of one file."""

    text: str

    def read(self, path: str) -> str | None:
        return self.text if path == PATH else None

    def python_files(self, near: str) -> Sequence[str]:
        return (PATH,)


def find(example: Example, text: str) -> tuple[Finding, ...]:
    """What `transfer-lint check` finds in `text`, under the example's options."""
    return examine(PATH, text, _project(text), _settings(example)).findings


def fix(example: Example, text: str, *, unsafe: bool) -> str:
    """What `transfer-lint fix --hints` makes of `text`, under the example's options."""
    return fix_source(PATH, text, _project(text), replace(_settings(example), unsafe_fixes=unsafe)).text


def _settings(example: Example) -> Settings:
    guard = GuardForm(example.options.get("module-guard", GuardForm.EXACT.value))
    budget = int(example.options.get("analysis-budget", ANALYSIS_BUDGET))
    return Settings(root="/", fix_hints=FixHints.ALWAYS, module_guard=guard, analysis_budget=budget)


def _project(text: str) -> Project:
    return Project(OneFile(text), default_knowledge())
