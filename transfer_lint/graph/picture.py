"""What a picture of the device flow shows: plain data, which the formats draw."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from transfer_lint.findings import Evidence


class Judgement(Enum):
    """What is said of an arrow. The value is how it is called."""

    NEEDLESS = "needless"
    PERHAPS = "perhaps needless"
    WAIT = "the host waits"
    GUARDED = "guarded"
    BOUNDARY = "boundary"
    MOVE = "transfer"
    FLOW = "flow"


class Side(Enum):
    """Where a value is, as far as the kind of device goes."""

    ACCELERATOR = "accelerator"
    HOST = "host"
    UNKNOWN = "unknown"


class Shape(Enum):
    """What a box stands for."""

    INPUT = "input"
    VALUE = "value"
    MODULE = "module"
    CALL = "call"
    OUTPUT = "output"
    HOST = "host"
    FOLD = "fold"


@dataclass(frozen=True)
class Box:
    """A value. key: unique in its drawing. place: device and dtype in words, "" where not known. line: 1-based.

    facts: what proves the place. link: the title of the drawing that shows what it calls. hidden: what is folded in it.
    """

    key: str
    shape: Shape
    label: str
    line: int
    place: str = ""
    side: Side = Side.UNKNOWN
    facts: tuple[Evidence, ...] = ()
    link: str = ""
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrow:
    """From box to box. label: the call. code, message, facts: of the finding there, if there is one."""

    source: str
    target: str
    label: str
    judgement: Judgement
    line: int
    code: str = ""
    message: str = ""
    facts: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """One function. title: its qualified name."""

    title: str
    path: str
    line: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    def count(self, judgement: Judgement) -> int:
        """How many of its arrows are judged so: each place in the source once."""
        return len({(arrow.line, arrow.label) for arrow in self.arrows if arrow.judgement is judgement})


@dataclass(frozen=True)
class Picture:
    """The same functions as they are, and as the fixes make them. title: what was asked for."""

    title: str
    before: tuple[Drawing, ...]
    after: tuple[Drawing, ...]
