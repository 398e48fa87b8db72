"""Ignore comments: `# transfer-lint: ignore[TL102] reason`, a bare `ignore`, and `# transfer-lint: skip-file`."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass, field

from transfer_lint.findings import Finding
from transfer_lint.selection import matches

_COMMENT = re.compile(r"#\s*transfer-lint:\s*(?:(skip-file)\b|ignore\b(?:\[([^\]]*)\]|(?!\[)))")


@dataclass(frozen=True)
class Comments:
    """The ignore comments of a file.

    skip_file: it asks to be left alone altogether.
    ignored: line -> the selectors that its comment ignores; empty: all rules.
    statements: line -> first and last line of the statement (or the head of a compound one) that it belongs to.
    """

    skip_file: bool = False
    ignored: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    statements: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def hide(self, finding: Finding) -> bool:
        """Whether a comment on the first or last line of the call, or of its statement, ignores the finding."""
        if not self.ignored:
            return False
        for line in (finding.line, finding.end_line, *self.statements.get(finding.line, ())):
            selectors = self.ignored.get(line)
            if selectors is not None and (
                not selectors or any(matches(selector, finding.code, finding.name) for selector in selectors)
            ):
                return True
        return False


def read_comments(text: str) -> Comments:
    """The ignore comments of `text`; none where it does not tokenize, for then it is not looked at either.

    Tokenized, so that a string which looks like a comment is none.
    """
    if "transfer-lint:" not in text:
        return Comments()
    skip_file = False
    ignored: dict[int, tuple[str, ...]] = {}
    statements: dict[int, tuple[int, int]] = {}
    first = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            line = token.start[0]
            if token.type == tokenize.COMMENT:
                for asked in _COMMENT.finditer(token.string):
                    if asked[1]:
                        skip_file = True
                    else:
                        listed = (asked[2] or "").split(",")
                        ignored[line] = tuple(selector.strip() for selector in listed if selector.strip())
            elif token.type == tokenize.NEWLINE:
                statements.update(dict.fromkeys(range(first, line + 1), (first, line)))
                first = 0
            elif not first and token.type not in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
                first = line
    except (tokenize.TokenError, SyntaxError):
        return Comments()
    return Comments(skip_file, ignored, statements)
