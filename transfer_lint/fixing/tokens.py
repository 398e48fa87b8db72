"""The statements of a text, as tokens."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache

from transfer_codemods.style import longest_line

_SKIPPED = (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def statements(text: str) -> Iterator[Sequence[tokenize.TokenInfo]]:
    """The simple statements, and the heads of compound ones, as tokens."""
    tokens: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        if token.type in _SKIPPED or (token.type == tokenize.COMMENT and not tokens):
            continue
        tokens.append(token)
        if token.type == tokenize.NEWLINE:
            yield tokens
            tokens = []


def spans(statement: Sequence[tokenize.TokenInfo]) -> bool:
    """Whether a statement has several lines."""
    return statement[0].start[0] != statement[-1].end[0]


def spelling(statement: Sequence[tokenize.TokenInfo]) -> str:
    """What two statements have in common that are written alike, in lines of the same form."""
    return " ".join(token.string for token in statement) + str([token.start[1] for token in statement])


@lru_cache(maxsize=1)  # of one text, one fix after another is laid out
def spelled(text: str) -> Set[str]:
    """The spellings of all statements of a text."""
    return frozenset(map(spelling, statements(text)))


@lru_cache(maxsize=1)
def longest(text: str) -> int:
    """See `longest_line`."""
    return longest_line(text)
