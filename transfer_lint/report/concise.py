"""One line for each finding: `path:line:column: CODE severity message [*]`, where `[*]` means that `fix` can fix it."""

from __future__ import annotations

from collections.abc import Iterator

from transfer_lint.findings import Finding, Severity
from transfer_lint.lint.outcome import Outcome
from transfer_lint.report import View, colours
from transfer_lint.report.places import Places

COLOURS = {Severity.ERROR: colours.ERROR, Severity.WARNING: colours.WARNING, Severity.HINT: colours.HINT}


def report(outcome: Outcome, view: View) -> Iterator[str]:
    """The lines of the report."""
    places = Places(outcome)
    return (line(finding, places, view) for finding in outcome.findings)


def line(finding: Finding, places: Places, view: View, most: int | None = None) -> str:
    """One finding in one line. most: columns for its place."""
    at = places.at(finding.path, finding.line)
    text = f"{at}:{finding.column}"
    if most is not None:
        from transfer_lint.report.lines import shortened

        text = shortened(text, most, view.gap)
    dim = view.style(":", dim=True)
    file, *numbers = text.rsplit(":", 2)
    place = view.link(dim.join((view.style(file, bold=True), *numbers)), places.address(finding.path, finding.line))
    code = view.style(finding.code, fg=COLOURS[finding.severity], bold=finding.severity is not Severity.HINT)
    mark = " " + view.style("[*]", fg=colours.GOOD) if view.fixable(finding) else ""
    message = " ".join(finding.message.split())
    return f"{place}{dim} {rule_of(finding, code, view)} {finding.severity.value} {message}{mark}"


def rule_of(finding: Finding, text: str, view: View) -> str:
    """`text` as a link to the page of the finding's rule."""
    if not view.links:
        return text
    from transfer_lint.rules import RULES

    rule = RULES.get(finding.code)
    return text if rule is None else view.link(text, rule.page.absolute().as_uri)
