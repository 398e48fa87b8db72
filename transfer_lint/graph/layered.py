"""A layered drawing of a directed graph, as Sugiyama, Tagawa and Toda describe it, in a given width.

Rows from longest paths, order in a row by barycentres, positions by isotonic regression (pool adjacent violators).
A row that is too wide becomes several.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Point = tuple[float, float]
Size = tuple[float, float]
_Link = tuple[str, str]

GAP, ROW_GAP = 20.0, 26.0
_LANE = 10.0  # from what it passes to a link that passes a row
_SWEEPS = 8


@dataclass
class Drawing:
    """Positions in pixels. centres: of nodes. bends: link -> the points between its ends, in its direction."""

    width: float = 0.0
    height: float = 0.0
    centres: dict[str, Point] = field(default_factory=dict)
    bends: dict[_Link, tuple[Point, ...]] = field(default_factory=dict)


def draw(sizes: Mapping[str, Size], links: Iterable[_Link], room: float) -> Drawing:
    """Draw the nodes with these sizes, at most `room` wide if that can be; parts without a link stand side by side."""
    known = list(dict.fromkeys((a, b) for a, b in links if a != b))
    drawing = Drawing()
    left = top = bottom = 0.0
    for part in _components(list(sizes), known):
        one = _component(part, sizes, [link for link in known if link[0] in part], room)
        if left and left + one.width > room:
            left, top = 0.0, bottom + ROW_GAP
        for key, (x, y) in one.centres.items():
            drawing.centres[key] = (x + left, y + top)
        for link, points in one.bends.items():
            drawing.bends[link] = tuple((x + left, y + top) for x, y in points)
        drawing.width = max(drawing.width, left + one.width)
        bottom = max(bottom, top + one.height)
        left += one.width + GAP
    drawing.height = bottom
    return drawing


def _components(nodes: Sequence[str], links: Sequence[_Link]) -> list[dict[str, None]]:
    """The connected parts, each with its nodes in their order."""
    near: dict[str, list[str]] = {node: [] for node in nodes}
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    part_of: dict[str, int] = {}
    parts: list[dict[str, None]] = []
    for node in nodes:
        if node not in part_of:
            parts.append({})
            stack = [node]
            while stack:
                if part_of.setdefault(one := stack.pop(), len(parts) - 1) == len(parts) - 1 and one not in parts[-1]:
                    parts[-1][one] = None
                    stack += near[one]
    return [{node: None for node in nodes if node in part} for part in parts]


def _component(nodes: Mapping[str, None], sizes: Mapping[str, Size], links: Sequence[_Link], room: float) -> Drawing:
    down = _acyclic(nodes, links)
    rows = _ordered(_rows(nodes, down), down)
    rows = [part for row in rows for part in _split(row, sizes, room)]
    lanes = _Lanes(rows, down)
    rows = _ordered(lanes.rows, lanes.links)
    xs = _positions(rows, sizes, lanes.links, room)
    left = min(xs[key] - sizes.get(key, (0, 0))[0] / 2 for row in rows for key in row)
    drawing = Drawing()
    y = 0.0
    extents: list[tuple[float, float]] = []
    for row in rows:
        height = max(sizes.get(key, (0, 0))[1] for key in row)
        extents.append((y, y + height))
        drawing.centres.update({key: (xs[key] - left, y + height / 2) for key in row if key in sizes})
        y += height + ROW_GAP
    drawing.height = y - ROW_GAP
    drawing.width = max(xs[key] - left + sizes.get(key, (0, 0))[0] / 2 for row in rows for key in row)
    for a, b in links:
        forward = (a, b) in lanes.through
        points = [
            (xs[lane] - left, edge)
            for lane, row in lanes.through[(a, b) if forward else (b, a)]
            for edge in extents[row]
        ]
        drawing.bends[a, b] = tuple(points if forward else reversed(points))
    return drawing


def _acyclic(nodes: Mapping[str, None], links: Sequence[_Link]) -> list[_Link]:
    """The links, with those that close a circle turned round."""
    after: dict[str, list[str]] = {node: [] for node in nodes}
    for a, b in links:
        after[a].append(b)
    state: dict[str, bool] = {}  # True: under way, False: done
    turned: set[_Link] = set()
    targets = {b for _, b in links}
    for start in sorted(nodes, key=lambda node: node in targets):  # first those that nothing leads to
        stack = [(start, iter(after[start]))] if start not in state else []
        if stack:
            state[start] = True
        while stack:
            node, rest = stack[-1]
            for follower in rest:
                if follower not in state:
                    state[follower] = True
                    stack.append((follower, iter(after[follower])))
                    break
                if state[follower]:
                    turned.add((node, follower))
            else:
                state[node] = False
                stack.pop()
    return list(dict.fromkeys((b, a) if (a, b) in turned else (a, b) for a, b in links))


def _rows(nodes: Mapping[str, None], links: Sequence[_Link]) -> list[list[str]]:
    """Every node below all that lead to it; what nothing leads to just above what it leads to."""
    before: dict[str, list[str]] = {node: [] for node in nodes}
    after: dict[str, list[str]] = {node: [] for node in nodes}
    for a, b in links:
        before[b].append(a)
        after[a].append(b)
    waiting = {node: len(before[node]) for node in nodes}
    ready = [node for node in nodes if not waiting[node]]
    row: dict[str, int] = {}
    while ready:
        node = ready.pop()
        row[node] = max((row[other] + 1 for other in before[node]), default=0)
        for follower in after[node]:
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    for node in nodes:
        if not before[node] and after[node]:
            row[node] = min(row[other] for other in after[node]) - 1
    rows: list[list[str]] = [[] for _ in range(max(row.values()) + 1)]
    for node in nodes:
        rows[row[node]].append(node)
    return rows


def _split(row: list[str], sizes: Mapping[str, Size], room: float) -> list[list[str]]:
    """A row as several that are not wider than `room`, about equally full."""
    total = sum(sizes[key][0] + GAP for key in row) - GAP
    share = total / max(1, -(-total // room))
    parts: list[list[str]] = [[]]
    used = 0.0
    for key in row:
        width = sizes[key][0]
        if parts[-1] and (used + width > room or used >= share):
            parts.append([])
            used = 0.0
        parts[-1].append(key)
        used += width + GAP
    return parts


class _Lanes:
    """Rows in which a link that passes a row has a place of its own there.

    links: from row to row. through: link -> (place, number of the row) of each row that it passes.
    """

    def __init__(self, rows: Sequence[Sequence[str]], links: Sequence[_Link]) -> None:
        number = {key: index for index, row in enumerate(rows) for key in row}
        self.rows: list[list[str]] = [list(row) for row in rows]
        self.links: list[_Link] = []
        self.through: dict[_Link, list[tuple[str, int]]] = {}
        for a, b in links:
            passed = [(f"{a}\0{b}\0{index}", index) for index in range(number[a] + 1, number[b])]
            for key, index in passed:
                self.rows[index].append(key)
            chain = [a, *(key for key, _ in passed), b]
            self.links += pairwise(chain)
            self.through[a, b] = passed


def _neighbours(links: Sequence[_Link]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for a, b in links:
        above.setdefault(b, []).append(a)
        below.setdefault(a, []).append(b)
    return above, below


def _ordered(rows: Sequence[Sequence[str]], links: Sequence[_Link]) -> list[list[str]]:
    """The rows, each in the order of its neighbours' places; of all sweeps the one with the fewest crossings."""
    above, below = _neighbours(links)
    best = current = [list(row) for row in rows]
    fewest = _crossings(current, below)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        near = below if sweep % 2 else above
        current = [list(row) for row in current]
        where = {key: (index + 0.5) / len(row) for row in current for index, key in enumerate(row)}
        for row in reversed(current) if sweep % 2 else current:
            row.sort(key=lambda key: _mean([where[other] for other in near.get(key, ())], where[key]))
            where.update({key: (index + 0.5) / len(row) for index, key in enumerate(row)})
        if (crossings := _crossings(current, below)) < fewest:
            best, fewest = current, crossings
    return best


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _crossings(rows: Sequence[Sequence[str]], below: Mapping[str, Sequence[str]]) -> int:
    """How many pairs of links between neighbouring rows cross."""
    crossings = 0
    for row, following in pairwise(rows):
        place = {key: index for index, key in enumerate(following)}
        ends = [sorted(place[other] for other in below.get(key, ()) if other in place) for key in row]
        flat = [end for each in ends for end in each]
        crossings += sum(flat[i] > flat[j] for i in range(len(flat)) for j in range(i + 1, len(flat)))
    return crossings


def _positions(
    rows: Sequence[Sequence[str]], sizes: Mapping[str, Size], links: Sequence[_Link], room: float
) -> dict[str, float]:
    """The x of every node's centre: as near to the mean of its neighbours as the order in the row and `room` let it."""
    above, below = _neighbours(links)
    xs: dict[str, float] = {}
    for row in rows:
        xs.update(zip(row, _apart(row, [0.0] * len(row), sizes, room), strict=True))
    for sweep in range(2 * _SWEEPS):
        near = (above, below)[sweep % 2]
        for row in rows if sweep % 2 == 0 else list(reversed(rows)):
            wanted = [_mean([xs[other] for other in near.get(key, ())], xs[key]) for key in row]
            xs.update(zip(row, _apart(row, wanted, sizes, room), strict=True))
    return xs


def _apart(row: Sequence[str], wanted: Sequence[float], sizes: Mapping[str, Size], room: float) -> list[float]:
    """The positions next to the wanted ones, by least squares, at which nothing of a row overlaps or leaves `room`."""
    widths = [sizes.get(key, (0.0, 0.0))[0] for key in row]
    offsets, offset = [0.0], 0.0
    for number, (left, right) in enumerate(pairwise(row)):
        gap = GAP if left in sizes and right in sizes else _LANE
        offset += (widths[number] + widths[number + 1]) / 2 + gap
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []  # (sum, count) of positions that are pooled
    for want, offset in zip(wanted, offsets, strict=False):
        total, count = want - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            before = blocks.pop()
            total, count = total + before[0], count + before[1]
        blocks.append((total, count))
    first, last = (widths[0] - room) / 2, (room - widths[-1]) / 2 - offsets[-1]
    if last < first:  # the row is wider than the room
        first = last = (first + last) / 2
    pooled = [min(max(total / count, first), last) for total, count in blocks for _ in range(count)]
    return [x + offset for x, offset in zip(pooled, offsets, strict=False)]
