"""The examples of rules' pages: whether the tool finds in them, and makes of them, what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        """The text of the file."""
        return self.text if path == PATH else None

    def python_files(self, near: str) -> Sequence[str]:
        """The file."""
        return (PATH,)


def find(example: Example, text: str, plugins: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    """What `transfer-lint check` finds in `text`, under the example's options."""
    return examine(PATH, text, _project(text), _settings(example, plugins)).findings


def fix(example: Example, text: str, *, unsafe: bool, plugins: tuple[str, ...] = ()) -> str:
    """What `transfer-lint fix --hints` makes of `text`, under the example's options."""
    settings = replace(_settings(example, plugins), unsafe_fixes=unsafe)
    return fix_source(PATH, text, _project(text), settings).text


def mistakes(code: str, example: Example, plugins: tuple[str, ...] = ()) -> Iterator[str]:
    """What is not as the example says. code: of the rule on whose page it stands."""
    findings = find(example, example.before, plugins)
    found = tuple((finding.line, finding.code) for finding in findings)
    if found != example.marks:
        yield f"found {_listed(found)}, marked {_listed(example.marks)}"
    for finding in findings:
        said = example.severities.get((finding.line, finding.code), finding.severity.value)
        if said != finding.severity.value:
            yield f"{finding.code} in line {finding.line} is a {finding.severity.value}, marked as a {said}"
    if not example.silent and code not in {marked for _, marked in example.marks}:
        yield f"marks no {code}: what is left alone is `silent:`"
    wanted = example.before if example.after is None else example.after
    unsafe = example.unsafe or example.silent
    fixed = fix(example, example.before, unsafe=unsafe, plugins=plugins)
    if fixed != wanted:
        yield f"becomes\n{fixed}"
    elif fix(example, fixed, unsafe=unsafe, plugins=plugins) != fixed:
        yield "changes again when it is fixed again"
    if example.unsafe and fix(example, example.before, unsafe=False, plugins=plugins) == example.after:
        yield "is fixed without --unsafe-fixes, although it says that it is unsafe"


def _listed(marks: Sequence[tuple[int, str]]) -> str:
    return ", ".join(f"{code} in line {line}" for line, code in marks) or "nothing"


def _settings(example: Example, plugins: tuple[str, ...]) -> Settings:
    guard = GuardForm(example.options.get("module-guard", GuardForm.EXACT.value))
    budget = int(example.options.get("analysis-budget", ANALYSIS_BUDGET))
    return Settings(root="/", plugins=plugins, fix_hints=FixHints.ALWAYS, module_guard=guard, analysis_budget=budget)


def _project(text: str) -> Project:
    return Project(OneFile(text), default_knowledge())
