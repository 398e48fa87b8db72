"""The reports: one module for each output format, with a function from an outcome to lines.

May import `graph`, `evidence`, `pages` and what is below them.
Hands out `report(name)`, and the `View` that says how to print.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from transfer_lint.findings import Finding, Safety, Severity
from transfer_lint.lint.outcome import Outcome


@dataclass(frozen=True)
class View:
    """How to print.

    colour: whether to use colours. fancy: whether the stream can encode characters other than ASCII.
    links: whether the terminal shows links. width: columns of the terminal.
    unsafe_fixes: whether unsafe fixes count as fixes. fail_on: the lowest severity that makes the run fail.
    """

    colour: bool = False
    fancy: bool = True
    links: bool = False
    width: int = 100
    unsafe_fixes: bool = False
    fail_on: Severity = Severity.WARNING

    @property
    def gap(self) -> str:
        """Stands for what is left out."""
        return "…" if self.fancy else "..."

    def style(self, text: str, **how: object) -> str:
        """`text` in a style, for a line that `terminal.printed` prints; or plain."""
        if not self.colour:
            return text
        from transfer_lint.report.terminal import styled

        return styled(text, **how)

    def link(self, text: str, address: Callable[[], str]) -> str:
        """`text` as a link, for a line that `terminal.printed` prints; or plain."""
        if not self.links:
            return text
        from transfer_lint.report.terminal import linked

        return linked(text, address())

    def fixable(self, finding: Finding) -> bool:
        """Whether `fix`, run with the same settings, would fix the finding."""
        return finding.fix is not None and finding.fix.applies(self.unsafe_fixes)

    def missing(self, finding: Finding) -> str:
        """The options without which `fix` does not fix the finding; "" if it needs none, or there is no fix."""
        if finding.fix is None:
            return ""
        unsafe = finding.fix.safety is Safety.UNSAFE and not self.unsafe_fixes
        return " ".join(["--hints"] * finding.fix.on_request + ["--unsafe-fixes"] * unsafe)


WITH_EDITS = frozenset({"sarif", "html"})
"""Reports that show the edits that fix each finding."""

DOCUMENTS = frozenset({"json", "sarif", "gitlab", "junit", "html", "markdown", "mermaid", "dot", "svg"})
"""Formats that are one complete document, so that nothing can be added to them or left out."""

LINES = frozenset({"concise", "github"})
"""Reports that are the lines of all findings and problems, one after the other, so that they can be printed file by
file."""

Report = Callable[[Outcome, View], Iterator[str]]


def report(name: str) -> Report:
    """The report with that name, one of `lint.forms.OUTPUT_FORMATS`."""
    found: Report = import_module(f"{__name__}.{name}").report
    return found
