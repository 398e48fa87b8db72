"""How a project writes its source, as far as new code has to follow it."""

from __future__ import annotations

import re
from dataclasses import dataclass

NARROWEST = 88  # columns that every project allows
_FEW = 32  # of so many lines, one may be longer
_FREE = re.compile("[#'\"]")


@dataclass(frozen=True)
class Style:
    """The settings of a project's formatter and import sorter. The names are those of ruff's settings, and of isort's.

    line_length: columns of a line; None: as the file's own lines are.
    no_sections: imports are not divided into those of the standard library and others.
    lines_between_types: blank lines between `import a` and `from a import b`.
    """

    line_length: int | None = None
    no_sections: bool = False
    from_first: bool = False
    force_single_line: bool = False
    force_sort_within_sections: bool = False
    combine_as_imports: bool = False
    lines_between_types: int = 0


def longest_line(code: str) -> int:
    """The columns of the longest line without a text or a comment.

    Not of the few that a formatter has found no place to part: at most `NARROWEST` if nearly all lines are no longer.
    """
    columns = [len(line) for line in code.splitlines() if line and not _FREE.search(line)]
    longer = [number for number in columns if number > NARROWEST]
    kept = longer if len(longer) * _FEW > len(columns) else []
    return max(kept, default=min(max(columns, default=0), NARROWEST))
