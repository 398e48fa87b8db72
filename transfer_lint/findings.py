"""Findings and their parts: plain frozen data that every other part may import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from transfer_codemods.actions import Action, Anchor


class Severity(Enum):
    """error: a bug. warning: proved or near-certain waste. hint: possible waste that cannot be proved."""

    HINT = "hint"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for a hint, 1 for a warning, 2 for an error. `--fail-on` compares these."""
        return ("hint", "warning", "error").index(self.value)


class Safety(Enum):
    """safe: the fix never changes what the program computes. unsafe: that cannot be proved; applied only on request."""

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
"""Code and name of the rule about suppression comments that suppress nothing.

A bare `ignore` or `ALL` does not suppress it."""


@dataclass(frozen=True)
class Evidence:
    """One evidence line: a fact of a proof. line and column are 1-based, column in characters."""

    path: str
    line: int
    column: int
    text: str


@dataclass(frozen=True)
class EditComment:
    """Replace the text from the anchor up to `end_column` of the same line with `text`. A line left blank is deleted.

    end_column: 1-based, in characters.
    """

    end_column: int
    text: str = ""


Change: TypeAlias = Action | EditComment
"""A rewrite of code, carried out by the codemods, or an edit of a comment, carried out without them."""

Changes: TypeAlias = Mapping[Anchor, Change]
"""Anchor -> change, for one file. Either all in code or all in comments: a change in one may move the other."""


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
    """How to fix a finding: carry out `action` at the finding's anchor."""

    safety: Safety
    title: str
    action: Change


@dataclass(frozen=True)
class Finding:
    """One finding. (line, column) is the anchor, (end_line, end_column) is just past the call's closing parenthesis.

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
        """Whether it is of group 9: about the file itself, not about code that runs, so its heat means nothing."""
        return self.code.startswith("TL9")

    @property
    def anchor(self) -> Anchor:
        """Where the fix is carried out."""
        return Anchor(self.line, self.column)
