"""The layout of a diagram: the positions of its boxes and arrows, in layers computed by grandalf."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from transfer_lint.graph.diagram import Arrow, Box, Diagram, Judgement
from transfer_lint.graph.hubs import Hub, hubs
from transfer_lint.problems import Problem

_CHARACTER, _LINE, _PADDING = 6.8, 16.0, 10.0  # for the template's font, in pixels
_LAYER_GAP, _GAP, _MARGIN = 34.0, 22.0, 14.0
MOST_CHARACTERS = 38
"""A longer line is cut; the tooltip shows all of it."""


@dataclass
class Item:
    """A box or a call with its position. x, y: its centre, in pixels; y grows downwards."""

    lines: tuple[str, ...]
    box: Box | None = None
    call: Hub | None = None
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        """In pixels."""
        return max(len(line) for line in self.lines) * _CHARACTER + 2 * _PADDING

    @property
    def height(self) -> float:
        """In pixels."""
        return len(self.lines) * _LINE + _PADDING


@dataclass(frozen=True)
class Line:
    """An arrow, or its part before or after a call. points: from its start to its end. head: it has an arrowhead."""

    points: tuple[tuple[float, float], ...]
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


def lay_out(diagram: Diagram) -> Layout:
    """Compute the layout of a diagram.

    Raises:
        Problem: grandalf is not installed.
    """
    layout = Layout(diagram)
    items: dict[str, Item] = {box.key: Item(_box_lines(box), box=box) for box in diagram.boxes}
    calls, plain = hubs(diagram.arrows)
    links: list[tuple[str, str, Judgement, bool]] = []
    for call in calls:
        items[call.key] = Item(_call_lines(call), call=call)
        links += [(source, call.key, call.arrow.judgement, False) for source in call.sources]
        links += [(call.key, target, call.arrow.judgement, True) for target in call.targets]
    links += [(arrow.source, arrow.target, arrow.judgement, True) for arrow in plain]
    layout.items = list(items.values())
    left = _MARGIN
    for members, inside in _components(items, links):
        width = _place(members, inside, items, layout, left)
        left += width + _GAP
    layout.width = max(left - _GAP + _MARGIN, 2 * _MARGIN)
    layout.height = max((item.y + item.height / 2 for item in layout.items), default=0.0) + _MARGIN
    return layout


_Link = tuple[str, str, Judgement, bool]


def _components(items: Iterable[str], links: Sequence[_Link]) -> list[tuple[list[str], list[_Link]]]:
    """The connected components: the items of each, and the links inside it."""
    leader = {key: key for key in items}

    def find(key: str) -> str:
        while leader[key] != key:
            key = leader[key]
        return key

    for source, target, _, _ in links:
        leader[find(target)] = find(source)
    groups: dict[str, list[str]] = {}
    for key in leader:
        groups.setdefault(find(key), []).append(key)
    return [(group, [link for link in links if find(link[0]) == top]) for top, group in groups.items()]


def _place(
    members: Sequence[str], links: Sequence[_Link], items: dict[str, Item], layout: Layout, left: float
) -> float:
    """Lay out one component with its left edge at `left`. Returns its width."""
    grandalf: Any = _grandalf()
    vertices = {key: grandalf.graphs.Vertex(key) for key in members}
    for key, vertex in vertices.items():
        vertex.view = grandalf.layouts.VertexViewer(items[key].width, items[key].height)
    drawn: dict[tuple[str, str], Any] = {}
    for source, target, _, _ in links:
        if source != target and (source, target) not in drawn and (target, source) not in drawn:
            edge = grandalf.graphs.Edge(vertices[source], vertices[target])
            edge.view = grandalf.routing.EdgeViewer()
            drawn[source, target] = edge
    # Not grandalf's Graph: it passes on its edges in the order of a set, so the layout would differ from run to run.
    component = grandalf.graphs.graph_core(list(vertices.values()), list(drawn.values()))
    sugiyama = grandalf.layouts.SugiyamaLayout(component)
    sugiyama.yspace, sugiyama.xspace = _LAYER_GAP, _GAP
    sugiyama.route_edge = grandalf.routing.route_with_lines
    roots = [vertex for vertex in component.sV if not vertex.e_in()]
    sugiyama.init_all(roots=roots or [vertices[members[0]]], optimize=True)
    sugiyama.draw(8)
    for key, vertex in vertices.items():
        items[key].x, items[key].y = vertex.view.xy
    edges = [items[key].x - items[key].width / 2 for key in members]
    edges += [x for edge in drawn.values() for x, _ in edge.view._pts[1:-1]]
    corner_x = min(edges) - left
    corner_y = min(items[key].y - items[key].height / 2 for key in members) - _MARGIN
    for key in members:
        items[key].x -= corner_x
        items[key].y -= corner_y
    for source, target, judgement, head in links:
        edge = drawn.get((source, target)) or drawn.get((target, source))
        if edge is None:
            continue
        bends = [(x - corner_x, y - corner_y) for x, y in edge.view._pts[1:-1]]
        if bends and _distance(bends[0], items[source]) > _distance(bends[-1], items[source]):
            bends.reverse()
        points = _ends(items[source], items[target], bends)
        layout.lines.append(Line(points, judgement, head))
    right = max(items[key].x + items[key].width / 2 for key in members)
    return max([right, *(x for line in layout.lines for x, _ in line.points)]) - left


def _ends(source: Item, target: Item, bends: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The points of a line from border to border.

    It leaves at the middle of the lower border and arrives at the middle of the upper border if it goes down there,
    else it crosses the border in a straight line from or to the centre.
    """
    after = bends[0] if bends else (target.x, target.y - target.height / 2)
    before = bends[-1] if bends else (source.x, source.y + source.height / 2)
    below, above = source.y + source.height / 2, target.y - target.height / 2
    start = (source.x, below) if after[1] > below else _border(source, after)
    end = (target.x, above) if before[1] < above else _border(target, before)
    return start, *bends, end


def _border(item: Item, towards: tuple[float, float]) -> tuple[float, float]:
    """Where a straight line from the item's centre crosses its border."""
    dx, dy = towards[0] - item.x, towards[1] - item.y
    if not dx and not dy:
        return item.x, item.y + item.height / 2
    scale = min(
        item.width / 2 / abs(dx) if dx else float("inf"),
        item.height / 2 / abs(dy) if dy else float("inf"),
    )
    return item.x + dx * scale, item.y + dy * scale


def _distance(point: tuple[float, float], item: Item) -> float:
    return abs(point[0] - item.x) + abs(point[1] - item.y)


def _box_lines(box: Box) -> tuple[str, ...]:
    lines = [box.label]
    if box.place:
        lines += [_short(part) for part in box.place.split(", ")]
    return tuple(_cut(line) for line in lines)


def _short(place: str) -> str:
    """The last part of a long dotted call; the tooltip shows all of it."""
    return place.rpartition(".")[2] if place.endswith("()") and len(place) > 28 else place


def _call_lines(call: Hub) -> tuple[str, ...]:
    arrow: Arrow = call.arrow
    if arrow.judgement is Judgement.FLOW:
        return (_cut(arrow.label),)
    said = " ".join(part for part in (arrow.code, arrow.judgement.value) if part)
    return _cut(arrow.label), said


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def _grandalf() -> Any:
    try:
        import grandalf.graphs
        import grandalf.layouts
        import grandalf.routing
    except ImportError:
        mend = "pip install 'transfer-lint[report]', or use --format mermaid or dot"
        raise Problem("transfer-lint", "drawing needs grandalf, which is not installed", mend) from None
    return grandalf
