"""Findings and their parts: plain frozen data that every other part may import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from transfer_codemods.actions import Action, Anchor, Unread


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


class Saving(Enum):
    """What a fix saves when the program runs, where it comes by. Copies between host and device are waits, too."""

    WAITS = "copies and waits"
    BYTES = "bytes"
    CALLS = "calls with nothing to do"
    NOTHING = "nothing"


class FixHints(Enum):
    """Which hints `fix` mends. node-packs: those with a simpler fix, and guards in the functions of ComfyUI's nodes."""

    NODE_PACKS = "node-packs"
    ALWAYS = "always"
    NEVER = "never"


class Heat(Enum):
    """How often a site runs.

    Once a process, once a call, once a step (of sampling, training, decoding: a batch, a token), once a layer of every
    step, or once for every element of a tensor.
    """

    ONCE = "once"
    CALL = "call"
    STEP = "step"
    LAYER = "layer"
    ELEMENT = "element"

    @property
    def rank(self) -> int:
        """0 for once up to 4 for element."""
        return ("once", "call", "step", "layer", "element").index(self.value)

    @property
    def often(self) -> str:
        """How often that is, in words: "at every step"."""
        return {
            "once": "once",
            "call": "at every call",
            "step": "at every step",
            "layer": "in every layer of every step",
            "element": "for every element",
        }[self.value]


class Assumption(Enum):
    """What readers of code take for granted and source alone does not prove. Its page is docs/assumptions.md."""

    LIBRARY_MODEL = "library-model"
    SCHEDULER_KEEPS = "scheduler-keeps"
    WRAPPER_KEEPS = "wrapper-keeps"
    STAYS_WHERE_PUT = "stays-where-put"
    NO_HIDDEN_CHANGES = "no-hidden-changes"
    INPUTS_AGREE = "inputs-agree"
    DEVICE_ARGUMENT = "device-argument"
    MOVED_IS_TENSOR = "moved-is-tensor"
    RUNS_ON_ACCELERATOR = "runs-on-accelerator"


UNUSED_SUPPRESSION = ("TL901", "unused-suppression")
"""Code and name of the rule about suppression comments that suppress nothing.

A bare `ignore` or `ALL` does not suppress it."""


@dataclass(frozen=True)
class Evidence:
    """One evidence line: a fact of a proof.

    Attributes:
        path: As in a finding.
        line: From 1.
        column: From 1, in characters.
        text: The fact, without a full stop.
    """

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

Changes: TypeAlias = Mapping[Anchor, "Change | Unread"]
"""Anchor -> change, for one file. Either all in code or all in comments: a change in one may move the other."""


@dataclass(frozen=True)
class Edit:
    """Replace the text from (line, column) up to (end_line, end_column) of a file; of a notebook, of its JSON.

    Attributes:
        line: From 1.
        column: From 1, in characters.
        end_line: From 1.
        end_column: From 1, in characters; the character there stays.
        text: What stands there afterwards.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True)
class SpareImport:
    """An import that goes with a fix which leaves nothing that reads what it binds.

    Attributes:
        line: With `column` where its name begins: that of `a` in `import a as b`.
        column: See `line`.
        removal: Whether it is shown that without it the program does the same; None: something else may read the name.
            No fix leaves it without a reader that may not remove it.
    """

    line: int
    column: int
    removal: Safety | None


@dataclass(frozen=True)
class SpareLocal:
    """An assignment to a local that may go with a fix which leaves nothing that reads the local.

    Attributes:
        line: With `column` where the local's name begins.
        column: See `line`.
        idle: It is shown that the evaluation of what is assigned has no effect. No safe fix leaves another one unread.
    """

    line: int
    column: int
    idle: bool


@dataclass(frozen=True)
class Fix:
    """How to fix a finding.

    Attributes:
        safety: Whether the fix is shown to keep what the program computes.
        title: What it does, in a few words.
        action: What is carried out at the finding's anchor.
        on_request: It mends a hint that the settings leave as it is (`fix-hints`), or one of several moves that
            are written alike.
        imports: The imports that it may leave without a reader.
        locals: The assignments to locals that it may leave without a reader.
        saves: What it saves, where it comes by.
    """

    safety: Safety
    title: str
    action: Change
    on_request: bool = False
    imports: tuple[SpareImport, ...] = ()
    locals: tuple[SpareLocal, ...] = ()
    saves: Saving = Saving.NOTHING

    def applies(self, unsafe_fixes: bool) -> bool:
        """Whether `fix` applies it. unsafe_fixes: whether it applies unsafe fixes."""
        return not self.on_request and (unsafe_fixes or self.safety is Safety.SAFE)


@dataclass(frozen=True)
class Finding:
    """One place that a rule reports. Lines and columns are 1-based, columns in characters.

    Attributes:
        path: Relative to the working directory, with `/`; absolute outside of it.
        line: With `column` the anchor: where the name of the called method begins.
        column: See `line`.
        end_line: With `end_column` just past the call's closing parenthesis.
        end_column: See `end_line`.
        code: Of the rule, `TL101`: stable for ever.
        name: Of the rule, `redundant-transfer`.
        severity: How bad it is.
        heat: How often the place runs.
        function: Qualified name of the enclosing function (`ApplyInstantID.apply_instantid`); "" at module level.
        message: What is wrong, in one sentence.
        evidence: The facts that prove it, in order.
        fix: How to fix it; None if there is no fix.
        assumptions: Names of the assumptions that it rests on; empty if it is proved.
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
    assumptions: tuple[str, ...] = ()

    @property
    def about_lint(self) -> bool:
        """Whether it is of group 9: about the file itself, not about code that runs, so its heat means nothing."""
        return self.code.startswith("TL9")

    @property
    def anchor(self) -> Anchor:
        """Where the fix is carried out."""
        return Anchor(self.line, self.column)
