"""What the lint says: plain frozen data that every other part may import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from transfer_codemods.actions import Action, Anchor


class Severity(Enum):
    """error: a bug. warning: proved or near-certain waste. hint: could be waste, cannot be shown."""

    HINT = "hint"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for a hint, 1 for a warning, 2 for an error: what `--fail-on` compares."""
        return ("hint", "warning", "error").index(self.value)


class Safety(Enum):
    """safe: never changes what the program computes. unsafe: cannot be shown to keep that; applied on request."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Heat(Enum):
    """How often a site runs: once a process, once a call, once a sampling step, once a layer of every step."""

    ONCE = "once"
    CALL = "call"
    STEP = "step"
    LAYER = "layer"

    @property
    def rank(self) -> int:
        """0 for once up to 3 for layer."""
        return ("once", "call", "step", "layer").index(self.value)


UNUSED_SUPPRESSION = ("TL901", "unused-suppression")
"""Code and name of the rule about ignore comments that hide nothing. A comment hides it only where it names it."""


@dataclass(frozen=True)
class Evidence:
    """One fact of a proof. line and column are 1-based, column in characters."""

    path: str
    line: int
    column: int
    text: str


@dataclass(frozen=True)
class EditComment:
    """What stands from the anchor up to end_column of its line becomes `text`; a line that is blank then goes.

    end_column: 1-based, in characters.
    """

    end_column: int
    text: str = ""


Change: TypeAlias = Action | EditComment
"""A rewrite of code, which the codemods carry out, or of a comment, which they never see."""

Changes: TypeAlias = Mapping[Anchor, Change]
"""What to do in a file: to its code or to its comments, never both at once, for one moves the other."""


@dataclass(frozen=True)
class Edit:
    """Replace the text from (line, column) up to (end_line, end_column); 1-based, columns in characters."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True)
class Fix:
    """What would mend a finding: `action` is carried out at the finding's anchor."""

    safety: Safety
    title: str
    action: Change


@dataclass(frozen=True)
class Finding:
    """One report. (line, column) is the anchor, (end_line, end_column) just past the call's closing parenthesis.

    function: qualified name of the enclosing function (`ApplyInstantID.apply_instantid`), "" at module level.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    code: str
    name: str
    severity: Severity
    heat: Heat
    function: str
    message: str
    evidence: tuple[Evidence, ...] = field(default=())
    fix: Fix | None = None

    @property
    def about_lint(self) -> bool:
        """Of group 9: about the file as such, not about a place that runs, so its heat says nothing."""
        return self.code.startswith("TL9")

    @property
    def anchor(self) -> Anchor:
        """Where the fix is carried out."""
        return Anchor(self.line, self.column)
