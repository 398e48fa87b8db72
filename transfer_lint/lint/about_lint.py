"""Findings of group 9, about the lint itself: files that do not parse, suppressions that suppress nothing any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from transfer_lint.files import notebook
from transfer_lint.files.text import lines_of
from transfer_lint.findings import UNUSED_SUPPRESSION, Finding, Fix, Heat
from transfer_lint.lint.selection import is_foreign, matches
from transfer_lint.lint.suppression import Comments, Ignore
from transfer_lint.lint.terms import Terms, is_day
from transfer_lint.problems import merge_conflict, unparsable_as
from transfer_lint.rules import RULES
from transfer_lint.rules.notes import Ended, Note, OverBudget, Unparsable, Unused

if TYPE_CHECKING:  # the analysis is imported when there is a text to analyse
    from transfer_lint.lint.judge import GivenUp


def unparsable(path: str, text: str, error: SyntaxError) -> Finding:
    """The finding that a text does not parse, at the position that the parser reports."""
    lines = lines_of(text) or [""]
    what, at = unparsable_as(error, text)
    line = min(max(at, 1), len(lines))
    width = len(lines[line - 1].rstrip("\r\n"))
    if merge_conflict(text) is not None:
        column, end = 1, width + 1
    else:
        column = min(max(error.offset or 1, 1), width + 1)
        same_line = error.end_lineno == error.lineno and (error.end_offset or 0) > column
        end = min(error.end_offset or column, width + 1) if same_line else width + 1
    (finding,) = _judged(Unparsable(what), path, line, column, end)
    return finding


def given_up(path: str, functions: Iterable[GivenUp]) -> Iterator[Finding]:
    """A finding for each function that took too many steps to be followed."""
    for one in functions:
        yield from _judged(OverBudget(one.name), path, one.line, one.column, one.end_column)


def unparsable_cells(path: str, text: str) -> Iterator[Finding]:
    """A finding for each cell of a notebook that does not parse. The other cells are still checked."""
    for line, why in notebook.unparsable(text):
        width = len(lines_of(text)[line - 1].rstrip("\r\n"))
        yield from _judged(Unparsable(why, "cell"), path, line, 1, width + 1)


def unused(path: str, comments: Comments, findings: Iterable[Finding]) -> Iterator[Finding]:
    """A finding for each suppression comment of a text that suppresses nothing, as a whole or in part, or not any more.

    findings: all findings of the text, whether their rules are selected or not.
    """
    if not comments.ignores:
        return
    used = {use for finding in findings for use in comments.about(finding)}
    needed = {ignore for ignore, _ in used}
    for ignore in comments.ignores:
        if ignore.ended and ignore in needed:
            note: Note = _ended("this ignore comment", ignore.terms)
            yield from _judged(note, path, ignore.line, ignore.column, ignore.end_column)
            continue
        idle = tuple(selector for selector in ignore.selectors or ("",) if _idle(ignore, selector, used))
        if idle:
            unknown = tuple(filter(_is_unknown, idle))
            note = Unused(ignore.selectors, idle, ignore.reason, ignore.alone, ignore.end_column, unknown)
            yield from _judged(note, path, ignore.line, ignore.column, ignore.end_column)


def _idle(ignore: Ignore, selector: str, used: set[tuple[Ignore, str]]) -> bool:
    """Whether a selector suppresses nothing. Of rules of plugins that are not loaded nothing is known."""
    asked = is_foreign(selector) or selector in ignore.matches(*UNUSED_SUPPRESSION)
    return not asked and (ignore, selector) not in used


def _is_unknown(selector: str) -> bool:
    return selector not in ("", "ALL") and not any(matches(selector, rule.code, rule.name) for rule in RULES.values())


def back(finding: Finding, baseline: str, terms: Terms) -> Iterator[Finding]:
    """The finding that says why another one is back: its entry in a baseline has ended. baseline: its shown path."""
    note = _ended(f"the entry of {finding.code} in {baseline}", terms)
    yield from _judged(note, finding.path, finding.line, finding.column, finding.end_column)


def _ended(what: str, terms: Terms) -> Ended:
    return Ended(what, terms.spelled, is_day(terms.until))


def _judged(note: Note, path: str, line: int, column: int, end_column: int) -> Iterator[Finding]:
    for rule in RULES.values():
        verdict = rule.check(note) if type(note).__name__ in rule.wants else None
        if verdict is not None:
            yield Finding(
                path,
                line,
                column,
                line,
                end_column,
                rule.code,
                rule.name,
                verdict.severity,
                Heat.ONCE,
                "",
                verdict.message,
                (),
                Fix(verdict.safety, verdict.title, verdict.action) if verdict.action is not None else None,
            )
