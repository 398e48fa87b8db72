"""Twins: values that come from the same boxes by the same calls, and go the same way, are drawn as one box."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from transfer_lint.graph.diagram import Arrow, Box, Diagram, Shape

_ALONE = frozenset({Shape.CALL, Shape.FOLD, Shape.USE})
"""Shapes that have no twins."""


def merged(diagram: Diagram) -> Diagram:
    """The diagram with one box, and one arrow, for all twins."""
    into: dict[str, str] = {}
    while True:
        groups: dict[Hashable, list[Box]] = {}
        for box in diagram.boxes:
            groups.setdefault(_looks(box, diagram, into), []).append(box)
        found = {box.key: group[0].key for group in groups.values() for box in group}
        if found == into:
            break
        into = found
    boxes = tuple(_one([box for box in diagram.boxes if into[box.key] == key]) for key in dict.fromkeys(into.values()))
    arrows: dict[Hashable, list[Arrow]] = {}
    for arrow in diagram.arrows:
        source, target = into[arrow.source], into[arrow.target]
        arrows.setdefault((source, target, arrow.label, arrow.judgement, arrow.code), []).append(
            replace(arrow, source=source, target=target)
        )
    return replace(
        diagram,
        boxes=boxes,
        arrows=tuple(replace(first, twins=tuple(_others(first, rest))) for first, *rest in arrows.values()),
    )


def _others(first: Arrow, rest: list[Arrow]) -> list[Arrow]:
    """The arrows of other places in the source."""
    return [arrow for arrow in rest if (arrow.line, arrow.message) != (first.line, first.message)]


def _looks(box: Box, diagram: Diagram, into: dict[str, str]) -> Hashable:
    """Equal for twins: what comes in from which group, and what goes out; of inputs also to where."""
    comes = frozenset(
        (into.get(a.source, a.source), a.label, a.judgement, a.code) for a in diagram.arrows if a.target == box.key
    )
    leaves = frozenset(
        (a.label, a.judgement, a.code, "" if comes else into.get(a.target, a.target))
        for a in diagram.arrows
        if a.source == box.key
    )
    alone = box.key if box.shape in _ALONE or not (comes or leaves) else ""
    return box.shape, box.side, box.note, alone, comes, leaves


def _one(boxes: list[Box]) -> Box:
    """One box for twins."""
    first, *rest = boxes
    if not rest:
        return first
    places = list(dict.fromkeys((box.place, box.dtype) for box in boxes))
    place, dtype = places[0] if len(places) == 1 else ("", "")
    labels = list(dict.fromkeys(box.label for box in boxes))
    if all(label.startswith("return ") for label in labels):
        labels[1:] = [label.removeprefix("return ") for label in labels[1:]]
    return replace(
        first,
        label="\n".join(labels),
        place=place,
        dtype=dtype,
        facts=tuple(dict.fromkeys(fact for box in boxes for fact in box.facts)),
    )
