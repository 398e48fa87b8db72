"""Suppression comments: `# transfer-lint: ignore[TL102] reason`, a bare `ignore`, `# transfer-lint: skip-file`.

A reason may begin with terms: `# transfer-lint: ignore[TL102] until 2027-06-01 (infra): reason`.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from transfer_lint.findings import UNUSED_SUPPRESSION, Finding
from transfer_lint.lint.selection import matches
from transfer_lint.lint.terms import NO_TERMS, Terms, read_terms
from transfer_lint.lint.terms import today as this_day

_COMMENT = re.compile(
    r"#\s*transfer-lint:\s*(?:(?P<skip>skip-file)\b|ignore\b(?:\[(?P<list>[^\]#\n]*)\]|(?!\[)))"
    # Up to the next comment; `#12` does not begin one. Whether one follows is asked at the first of several blanks.
    r"(?P<reason>(?:\S|(?<=\s)[^\S\n]|(?!\s+#[\sA-Za-z])[^\S\n])*)"
)


@dataclass(frozen=True)
class Ignore:
    """One `ignore` comment.

    line, column: the position of its `#`. end_column: just past its reason. All 1-based, columns in characters.
    selectors: as written; empty: all rules. reason: as written, with the terms. alone: nothing else is on its line.
    ended: it no longer holds.
    """

    line: int
    column: int
    end_column: int
    selectors: tuple[str, ...]
    reason: str
    alone: bool
    terms: Terms = NO_TERMS
    ended: bool = False

    def matches(self, code: str, name: str) -> Iterator[str]:
        """The selectors of the comment that match the rule; "" for a comment without selectors.

        A bare `ignore` and `ALL` do not match `unused-suppression`: such a comment would suppress the finding that it
        is itself unused.
        """
        selectors = self.selectors or ("",)
        for selector in selectors:
            if selector in ("", "ALL"):
                if (code, name) != UNUSED_SUPPRESSION:
                    yield selector
            elif matches(selector, code, name):
                yield selector


@dataclass(frozen=True)
class Comments:
    """The suppression comments of a file.

    skip_file: a comment asks not to check the file.
    ignores: in source order.
    statements: line -> first and last line of the statement (or head of a compound statement) that it belongs to.
    """

    skip_file: bool = False
    ignores: tuple[Ignore, ...] = ()
    statements: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def about(self, finding: Finding) -> Iterator[tuple[Ignore, str]]:
        """The comments that are about the finding, each with the selector that matches; also those that have ended.

        A comment counts if it is on the first or last line of the call or of its statement.
        """
        if not self.ignores:
            return
        lines = {finding.line, finding.end_line, *self.statements.get(finding.line, ())}
        for ignore in self.ignores:
            if ignore.line in lines:
                for selector in ignore.matches(finding.code, finding.name):
                    yield ignore, selector

    def hide(self, finding: Finding) -> bool:
        """Whether a comment suppresses the finding."""
        return any(not ignore.ended for ignore, _ in self.about(finding))


def read_comments(text: str, *, always: bool = False, today: str | None = None) -> Comments:
    """The suppression comments of `text`; if it does not tokenize, those before the error.

    The text is tokenized, so that a string which looks like a comment does not count.

    always: collect `statements` even if the text has no suppression comment. today: the day that decides which have
    ended; None: this one.
    """
    if "transfer-lint:" not in text and not always:
        return Comments()
    skip_file = False
    today = today or this_day()
    ignores: list[Ignore] = []
    statements: dict[int, tuple[int, int]] = {}
    first = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            line = token.start[0]
            if token.type == tokenize.COMMENT:
                for asked in _COMMENT.finditer(token.string.rstrip()):
                    if asked["skip"]:
                        skip_file = True
                    else:
                        ignores.append(_ignore(asked, token, today))
            elif token.type == tokenize.NEWLINE:
                statements.update(dict.fromkeys(range(first, line + 1), (first, line)))
                first = 0
            elif not first and token.type not in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
                first = line
    except (tokenize.TokenError, SyntaxError):
        pass  # the file will not parse either; a `skip-file` before the error still counts
    return Comments(skip_file, tuple(ignores), statements)


def _ignore(asked: re.Match[str], token: tokenize.TokenInfo, today: str) -> Ignore:
    line, column = token.start
    selectors = tuple(selector.strip() for selector in (asked["list"] or "").split(",") if selector.strip())
    alone = not token.line[:column].strip() and asked.group() == token.string.rstrip()
    start, end = asked.span()
    reason = asked["reason"].strip()
    terms, _ = read_terms(reason)
    place = line, column + start + 1, column + end + 1
    return Ignore(*place, selectors, reason, alone, terms, terms.ended(today))
