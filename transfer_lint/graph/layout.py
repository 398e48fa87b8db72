"""The layout of a function's diagrams: what is the same before and after the fixes has the same place in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from transfer_lint.graph.diagram import Box, Diagram, Judgement
from transfer_lint.graph.hubs import Hub, hubs
from transfer_lint.graph.layered import Point, draw

ROOM = 536.0
"""How wide a diagram is at most, if that can be, in pixels: half of a page of 1,200, and readable on a phone."""
LINE, MARGIN = 16.0, 12.0  # for the template's font, in pixels
_CHARACTER, _PADDING = 7.3, 9.0
ANSWERS = 34.0
"""How high the answers to a question are."""
MOST_CHARACTERS = 34
"""A longer line is cut; the tooltip shows all of it."""


@dataclass
class Item:
    """A box or a call with its position. x, y: its centre, in pixels; y grows downwards.

    answers: of a decision, what happens if the answer is no, and if it is yes.
    """

    key: str
    lines: tuple[str, ...]
    box: Box | None = None
    call: Hub | None = None
    answers: tuple[str, str] | None = None
    x: float = 0.0
    y: float = 0.0

    @property
    def names(self) -> int:
        """How many of the lines say what it is; the others say more about it."""
        return len(self.box.names) if self.box is not None else 1

    @property
    def width(self) -> float:
        """In pixels."""
        text = max(map(len, self.lines)) * _CHARACTER + 2 * _PADDING
        if self.answers is None:
            return text
        return max(text * 1.3, sum(map(len, self.answers)) * _CHARACTER + 8 * _PADDING)

    @property
    def height(self) -> float:
        """In pixels."""
        text = len(self.lines) * LINE + _PADDING
        return text if self.answers is None else text * 1.4 + ANSWERS


@dataclass(frozen=True)
class Line:
    """An arrow, or its part before or after a call. points: from its start to its end. head: it has an arrowhead."""

    points: tuple[Point, ...]
    judgement: Judgement
    head: bool


@dataclass
class Layout:
    """A diagram with all its positions, in pixels."""

    diagram: Diagram
    width: float = 0.0
    height: float = 0.0
    items: list[Item] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


_Link = tuple[str, str, Judgement, bool]


def lay_out(*diagrams: Diagram) -> list[Layout]:
    """Lay out the diagrams of one function: of equal size, and what has the same key in the same place."""
    parts = [(diagram, *_parts(diagram)) for diagram in diagrams]
    sizes: dict[str, tuple[float, float]] = {}
    for _, items, _ in parts:
        for item in items:
            width, height = sizes.get(item.key, (0.0, 0.0))
            sizes[item.key] = max(width, item.width), max(height, item.height)
    drawing = draw(sizes, [(a, b) for _, _, links in parts for a, b, _, _ in links], ROOM)
    layouts = []
    for diagram, items, links in parts:
        layout = Layout(diagram, drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN, items)
        there = {item.key: item for item in items}
        for item in items:
            x, y = drawing.centres[item.key]
            item.x, item.y = x + MARGIN, y + MARGIN
        for a, b, judgement, head in links:
            bends = [(x + MARGIN, y + MARGIN) for x, y in drawing.bends.get((a, b), ())]
            layout.lines.append(Line(_ends(there[a], there[b], bends), judgement, head))
        layouts.append(layout)
    return layouts


def _parts(diagram: Diagram) -> tuple[list[Item], list[_Link]]:
    """What is placed, and the links between it."""
    items = [Item(box.key, tuple(map(_cut, box.lines)), box=box) for box in diagram.boxes]
    calls, plain = hubs(diagram.arrows)
    links: list[_Link] = []
    for call in calls:
        items.append(_call_item(call, diagram))
        links += [(source, call.key, call.arrow.judgement, False) for source in call.sources]
        links += [(call.key, target, call.arrow.judgement, True) for target in call.targets]
    links += [(arrow.source, arrow.target, arrow.judgement, True) for arrow in plain if arrow.source != arrow.target]
    return items, links


def _call_item(call: Hub, diagram: Diagram) -> Item:
    arrow = call.arrow
    times = f" ({len(arrow.all)} times)" if arrow.twins else ""
    if arrow.is_decision:
        question, yes, no = diagram.question(arrow)
        return Item(call.key, (question, _cut(arrow.label)), call=call, answers=(no, yes))
    lines = [_cut(arrow.label)]
    if arrow.judgement is not Judgement.FLOW:
        lines.append(" ".join(part for part in (arrow.code, arrow.judgement.value) if part) + times)
    return Item(call.key, tuple(lines), call=call)


def _ends(source: Item, target: Item, bends: Sequence[Point]) -> tuple[Point, ...]:
    """The points of a line from border to border.

    It leaves at the middle of the lower border and arrives at the middle of the upper border if it goes down there,
    else it crosses the border in a straight line from or to the centre.
    """
    after = bends[0] if bends else (target.x, target.y - target.height / 2)
    before = bends[-1] if bends else (source.x, source.y + source.height / 2)
    below, above = source.y + source.height / 2, target.y - target.height / 2
    start = (source.x, below) if after[1] > below - 1 else _border(source, after)
    end = (target.x, above) if before[1] < above + 1 else _border(target, before)
    return start, *bends, end


def _border(item: Item, towards: Point) -> Point:
    """Where a straight line from the item's centre crosses its border."""
    dx, dy = towards[0] - item.x, towards[1] - item.y
    if not dx and not dy:
        return item.x, item.y + item.height / 2
    scale = min(
        item.width / 2 / abs(dx) if dx else float("inf"),
        item.height / 2 / abs(dy) if dy else float("inf"),
    )
    return item.x + dx * scale, item.y + dy * scale


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
