"""What the rules of group 9 judge: notes on a file as such, where others judge transfers and host reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from transfer_lint.suppress import Ignore


@dataclass(frozen=True)
class Unparsable:
    """A file, or a cell (`what`), does not parse. reason: with which Python it was tried, and what the parser says."""

    reason: str
    what: str = "file"


@dataclass(frozen=True)
class Unused:
    """An ignore comment hides nothing. idle: those of its selectors that do not; ("",) for a comment without any."""

    ignore: Ignore
    idle: tuple[str, ...]


Note: TypeAlias = Unparsable | Unused
