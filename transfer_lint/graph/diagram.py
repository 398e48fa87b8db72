"""Diagrams of the device flow: plain data that the formats draw."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from transfer_lint.findings import Evidence


class Judgement(Enum):
    """The judgement of an arrow. The value is its name in the formats."""

    NEEDLESS = "needless"
    PERHAPS = "perhaps needless"
    WAIT = "the host waits"
    GUARDED = "guarded"
    BOUNDARY = "boundary"
    MOVE = "transfer"
    FLOW = "flow"


class Side(Enum):
    """The kind of device that a value is on."""

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
    """A value. key: unique in its diagram. place: device and dtype in words, "" if unknown. line: 1-based.

    facts: the evidence lines of the placement. link: the title of the called function's diagram, "" without one.
    hidden: the labels of the values folded into it.
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
    """An arrow from box to box. label: the call. code, message, facts: of the finding at the call, if there is one."""

    source: str
    target: str
    label: str
    judgement: Judgement
    line: int
    code: str = ""
    message: str = ""
    facts: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Diagram:
    """One function. title: its qualified name."""

    title: str
    path: str
    line: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    def count(self, judgement: Judgement) -> int:
        """How many places in the source have arrows with this judgement."""
        return len({(arrow.line, arrow.label) for arrow in self.arrows if arrow.judgement is judgement})


@dataclass(frozen=True)
class BeforeAfter:
    """The same functions before and after the fixes. title: what was asked for."""

    title: str
    before: tuple[Diagram, ...]
    after: tuple[Diagram, ...]
