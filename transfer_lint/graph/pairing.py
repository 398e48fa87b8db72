"""Pair diagrams: the boxes that are the same before and after the fixes get the same keys, and so the same places."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher

from transfer_lint.graph.diagram import Arrow, Box, Diagram, Judgement, Shape, Side


def paired(before: Diagram, after: Diagram) -> tuple[Diagram, Diagram]:
    """Both diagrams; `after` with the keys of `before`, and with its uses: they are the same after the fixes."""
    keys = _keys(before, after)
    boxes = tuple(replace(box, key=keys[box.key]) for box in after.boxes)
    arrows = tuple(replace(a, source=keys[a.source], target=keys[a.target]) for a in after.arrows)
    return before, _with_uses(before, replace(after, boxes=boxes, arrows=arrows))


def _keys(before: Diagram, after: Diagram) -> dict[str, str]:
    """Key in `after` -> key of the same box in `before`, or a new one."""
    old, new = [_look(box) for box in before.boxes], [_look(box) for box in after.boxes]
    keys: dict[str, str] = {}
    for first, second, size in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        for number in range(size):
            keys[after.boxes[second + number].key] = before.boxes[first + number].key
    taken = set(keys.values())
    free = [box for box in before.boxes if box.key not in taken]
    for box in after.boxes:
        if box.key not in keys:
            same = next((other for other in free if _look(other) == _look(box)), None)
            keys[box.key] = same.key if same is not None else f"a{box.key}"
            free = [other for other in free if other is not same]
    return keys


def _look(box: Box) -> tuple[Shape, str]:
    return box.shape, "" if box.shape is Shape.FOLD else box.label


def _with_uses(before: Diagram, after: Diagram) -> Diagram:
    """What uses a value later is not touched by a fix, so it uses the value that took its place."""
    there = {box.key: box for box in after.boxes}
    arrows = [arrow for arrow in before.arrows if arrow.source in there and arrow.target not in there]
    uses = {box.key: box for box in before.boxes if box.shape is Shape.USE}
    found: list[Arrow] = []
    for arrow in arrows:
        if arrow.target in uses and there[arrow.source].side is Side.ACCELERATOR:
            kept = replace(there[arrow.source], note="kept on the GPU")
            there[arrow.source] = kept
            there[arrow.target] = uses[arrow.target]
            label = "during sampling: used where it is"
            found.append(Arrow(kept.key, arrow.target, label, Judgement.FLOW, kept.line))
    return replace(after, boxes=tuple(there.values()), arrows=(*after.arrows, *found))
