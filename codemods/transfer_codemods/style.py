"""How a project writes its source, as far as new code has to follow it."""

from __future__ import annotations

import re
from dataclasses import dataclass

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
    """The columns of the longest line without a text or a comment."""
    return max((len(line) for line in code.splitlines() if not _FREE.search(line)), default=0)
