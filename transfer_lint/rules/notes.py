"""What the rules of group 9 judge: notes on a file itself. All other rules judge transfers and host reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Unparsable:
    """A file, or a cell (`what`), does not parse. reason: the Python version that was used and the parser's message."""

    reason: str
    what: str = "file"


@dataclass(frozen=True)
class Unused:
    """A suppression comment, or a selector of it, suppresses nothing.

    selectors: as written; empty: all rules. idle: the selectors that suppress nothing; ("",) for a comment without
    selectors. unknown: those of them that no rule is called. reason: as written. alone: nothing else is on its line.
    end_column: just past the comment, 1-based, in characters.
    """

    selectors: tuple[str, ...]
    idle: tuple[str, ...]
    reason: str
    alone: bool
    end_column: int
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ended:
    """A suppression has ended while there is still something that it would hide.

    what: "this ignore comment", or "the entry of TL101 in FILE". until: the last day on which it held, as written, with
    its owner. is_day: whether that is a day at all.
    """

    what: str
    until: str
    is_day: bool


@dataclass(frozen=True)
class OverBudget:
    """A function took too many steps to be followed. function: its name; empty for the top level of a file."""

    function: str


Note: TypeAlias = Unparsable | Unused | Ended | OverBudget
