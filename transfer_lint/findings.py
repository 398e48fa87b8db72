"""What the lint says: plain frozen data that every other part may import."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

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


@dataclass(frozen=True)
class Evidence:
    """One fact of a proof. line and column are 1-based, column in characters."""

    path: str
    line: int
    column: int
    text: str


@dataclass(frozen=True)
class Fix:
    """What would mend a finding: `action` is carried out at the finding's anchor."""

    safety: Safety
    title: str
    action: Action


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
    def anchor(self) -> Anchor:
        """Where the fix is carried out."""
        return Anchor(self.line, self.column)
