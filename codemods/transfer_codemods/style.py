"""How a project writes its source, as far as new code has to follow it."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

NARROWEST = 88  # columns that every project allows, unless its code shows that it keeps to fewer
PEP_8 = 79
_FEW = 32  # of so many lines, one may be longer
_FREE = re.compile("[#'\"]")
_PARTIBLE = re.compile(r"[(\[{][^()\[\]{}]*,")


@dataclass(frozen=True)
class Style:
    """The settings of a project's formatter and import sorter. The names are those of ruff's settings, and of isort's.

    line_length: columns of a line; None: as the file's own lines are.
    no_sections: imports are not divided into those of the standard library and others.
    lines_between_types: blank lines between `import a` and `from a import b`.
    lines_after_imports: blank lines below all imports; 0: as many as a formatter leaves there.
    """

    line_length: int | None = None
    no_sections: bool = False
    from_first: bool = False
    force_single_line: bool = False
    force_sort_within_sections: bool = False
    combine_as_imports: bool = False
    lines_between_types: int = 0
    lines_after_imports: int = 0


def longest_line(code: str) -> int:
    """The columns of the longest line without a text or a comment.

    Not of the few that a formatter has found no place to part: at most `NARROWEST` if nearly all lines are no longer,
    and those that are have no comma in brackets.
    """
    text = set(_lines_of_texts(code))
    lines = enumerate(io.StringIO(code), 1)
    kept = [line.rstrip("\r\n") for n, line in lines if line.strip() and n not in text and not _FREE.search(line)]
    longer = [line for line in kept if len(line) > NARROWEST]
    most = min(max(map(len, kept), default=0), NARROWEST)
    return max(map(len, longer if len(longer) * _FEW > len(kept) else filter(_PARTIBLE.search, longer)), default=most)


def _lines_of_texts(code: str) -> Iterator[int]:
    """The numbers of the lines that are in a text of several lines, such as a docstring."""
    starts = []
    with suppress(tokenize.TokenError, SyntaxError):  # what follows a line that is none of Python counts as code
        for token in tokenize.generate_tokens(io.StringIO(code, newline="").readline):
            kind = tokenize.tok_name[token.type]
            if kind.endswith("STRING_START"):
                starts.append(token.start[0])
            elif kind == "STRING" or kind.endswith("STRING_END"):
                first = starts.pop() if kind != "STRING" else token.start[0]
                yield from range(first, token.end[0] + 1)
