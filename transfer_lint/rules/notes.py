"""What the rules of group 9 judge: notes on a file as such, where others judge transfers and host reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Unparsable:
    """A file, or a cell (`what`), does not parse. reason: with which Python it was tried, and what the parser says."""

    reason: str
    what: str = "file"


@dataclass(frozen=True)
class Unused:
    """An ignore comment hides nothing.

    selectors: what it ignores, as written; empty: all rules. idle: those of them that hide nothing; ("",) for a comment
    without any. reason: why it ignores them, as written. alone: nothing else stands on its line. end_column: just past
    the comment, 1-based, in characters.
    """

    selectors: tuple[str, ...]
    idle: tuple[str, ...]
    reason: str
    alone: bool
    end_column: int


Note: TypeAlias = Unparsable | Unused
