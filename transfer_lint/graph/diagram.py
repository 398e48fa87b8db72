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
    USE = "use"
    FOLD = "fold"


@dataclass(frozen=True)
class Box:
    """A value. key: unique in its diagram. label: a line for each name. line: 1-based.

    place, dtype: in words, "" if unknown. note: what the story says of it: `already there`.
    facts: the evidence lines of the placement. link: the title of the called function's diagram, "" without one.
    hidden: the labels of the values folded into it.
    """

    key: str
    shape: Shape
    label: str
    line: int
    place: str = ""
    dtype: str = ""
    side: Side = Side.UNKNOWN
    note: str = ""
    facts: tuple[Evidence, ...] = ()
    link: str = ""
    hidden: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the box: what it is, where, as what if that is plain, and what the story says of it."""
        dtype = self.dtype if self.dtype.startswith("torch.") else ""
        return (*self.names, *filter(None, (_short(self.place), dtype, self.note)))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the values that it stands for."""
        return tuple(self.label.split("\n"))


@dataclass(frozen=True)
class Arrow:
    """An arrow from box to box. label: the call. code, message, facts: of the finding at the call, if there is one.

    twins: the arrows of other values that it stands for, too.
    """

    source: str
    target: str
    label: str
    judgement: Judgement
    line: int
    code: str = ""
    message: str = ""
    facts: tuple[Evidence, ...] = ()
    twins: tuple[Arrow, ...] = ()

    @property
    def all(self) -> tuple[Arrow, ...]:
        """The arrow and its twins."""
        return self, *self.twins

    @property
    def is_decision(self) -> bool:
        """Whether it is drawn as a question with two answers."""
        return self.judgement is Judgement.GUARDED


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
        arrows = (each for arrow in self.arrows for each in arrow.all)
        return len({(arrow.line, arrow.label) for arrow in arrows if arrow.judgement is judgement})

    def question(self, arrow: Arrow) -> tuple[str, str, str]:
        """A decision in words: the question, and what happens if the answer is yes and if it is no."""
        target = next((box for box in self.boxes if box.key == arrow.target), None)
        if target is not None and target.shape is Shape.MODULE:
            return "all weights there?", "yes: use as is", "no: move once"
        return "already there?", "yes: use as is", "no: move"


@dataclass(frozen=True)
class BeforeAfter:
    """The same functions before and after the fixes. title: what was asked for.

    What is the same box before and after has the same key in both.
    """

    title: str
    before: tuple[Diagram, ...]
    after: tuple[Diagram, ...]

    @property
    def pairs(self) -> tuple[tuple[Diagram, Diagram | None], ...]:
        """Each function before and after the fixes; None if they change nothing that is drawn."""
        after = {(diagram.path, diagram.title): diagram for diagram in self.after}
        found = ((diagram, after.get((diagram.path, diagram.title))) for diagram in self.before)
        return tuple((one, then if then is not None and _look(then) != _look(one) else None) for one, then in found)


def _look(diagram: Diagram) -> object:
    """What a diagram shows, without source lines: to compare diagrams."""
    return [(box.key, box.lines) for box in diagram.boxes], [(a.label, a.judgement) for a in diagram.arrows]


def _short(place: str) -> str:
    """The last part of a long dotted call."""
    return place.rpartition(".")[2] if place.endswith("()") and len(place) > 28 else place
