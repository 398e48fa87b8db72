"""Make a diagram readable: leave out what no transfer touches, and fold long computations into one box."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from transfer_lint.graph.diagram import Arrow, Box, Diagram, Judgement, Shape

MOST_BOXES = 24
"""A diagram with more boxes is folded."""

_NAMED = 3
"""So many values are named in a fold."""

_QUIET = frozenset({Judgement.FLOW, Judgement.MOVE, Judgement.BOUNDARY})
"""Arrows that the fold of a large diagram may swallow."""


def connected(diagram: Diagram) -> Diagram:
    """The part that leads to or comes from a transfer, a host read or the call of a function with its own diagram."""
    anchors = _anchors(diagram, frozenset({Judgement.FLOW}))
    kept = _reached(anchors, diagram.arrows, lambda arrow: (arrow.source, arrow.target))
    kept |= _reached(anchors, diagram.arrows, lambda arrow: (arrow.target, arrow.source))
    return replace(
        diagram,
        boxes=tuple(box for box in diagram.boxes if box.key in kept),
        arrows=tuple(arrow for arrow in diagram.arrows if arrow.source in kept and arrow.target in kept),
    )


def folded(diagrams: Sequence[Diagram], most: int = MOST_BOXES) -> list[Diagram]:
    """Paired diagrams; if one has over `most` boxes: what no transfer, host read or call touches in any is folded.

    If there are still too many, what only transfers without a finding touch is folded as well; then all is left out
    that is not next to a finding or guard, or, where there is none, next to a transfer.
    """
    found = list(diagrams)
    flow = frozenset({Judgement.FLOW})
    loud = _anchors_of_all(found, _QUIET)
    for anchors in (_anchors_of_all(found, flow), loud):
        if anchors and max(len(diagram.boxes) for diagram in found) > most:
            found = [_folded(diagram, anchors) for diagram in found]
    if max(len(diagram.boxes) for diagram in found) > most:
        kept = loud or {end for d in found for a in d.arrows if a.judgement not in flow for end in (a.source, a.target)}
        found = [_near(diagram, kept) for diagram in found]
    return found


def _anchors_of_all(diagrams: Iterable[Diagram], quiet: frozenset[Judgement]) -> set[str]:
    return set[str]().union(*(_anchors(diagram, quiet) for diagram in diagrams))


def _near(diagram: Diagram, kept: set[str]) -> Diagram:
    """What is kept, and what is next to it."""
    near = {end for a in diagram.arrows if {a.source, a.target} & kept for end in (a.source, a.target)} | kept
    return replace(
        diagram,
        boxes=tuple(box for box in diagram.boxes if box.key in near),
        arrows=tuple(arrow for arrow in diagram.arrows if {arrow.source, arrow.target} & kept),
    )


def _anchors(diagram: Diagram, quiet: frozenset[Judgement]) -> set[str]:
    """The boxes at both ends of arrows that are not quiet, and calls, if those of functions that are drawn."""
    loud = {end for a in diagram.arrows if a.judgement not in quiet for end in (a.source, a.target)}
    return loud | {box.key for box in diagram.boxes if box.link and Judgement.MOVE not in quiet}


def _reached(start: Iterable[str], arrows: Iterable[Arrow], ends: Callable[[Arrow], tuple[str, str]]) -> set[str]:
    leads: dict[str, list[str]] = {}
    for arrow in arrows:
        source, target = ends(arrow)
        leads.setdefault(source, []).append(target)
    found = set(start)
    stack = list(found)
    while stack:
        for key in leads.get(stack.pop(), ()):
            if key not in found:
                found.add(key)
                stack.append(key)
    return found


def _folded(diagram: Diagram, anchors: set[str]) -> Diagram:
    """Fold each connected group of boxes that are not anchors into one box, inputs and outputs too.

    Boxes behind different anchors are not folded together: what leads down would lead up again.
    """
    into: dict[str, Box] = {}
    folds: list[Box] = []
    behind = _behind(diagram, anchors)
    for group in _groups([box for box in diagram.boxes if box.key not in anchors], diagram.arrows, behind):
        if len(group) == 1:
            continue
        hidden = tuple(dict.fromkeys(label for box in group for label in (*box.hidden, *box.names)))
        fold = Box(f"f{group[0].key}", Shape.FOLD, _label(hidden), group[0].line, hidden=hidden)
        folds.append(fold)
        into.update((box.key, fold) for box in group)
    arrows: dict[tuple[str, str, str], Arrow] = {}
    for arrow in diagram.arrows:
        source = into[arrow.source].key if arrow.source in into else arrow.source
        target = into[arrow.target].key if arrow.target in into else arrow.target
        if source == target:
            continue
        if (source, target) != (arrow.source, arrow.target):
            quiet = arrow.judgement in _QUIET
            label = "" if quiet else arrow.label
            arrow = replace(arrow, source=source, target=target, label=label)
            arrow = replace(arrow, judgement=Judgement.FLOW) if quiet else arrow
        arrows.setdefault((source, target, arrow.label), arrow)
    ends = {end for arrow in arrows.values() for end in (arrow.source, arrow.target)}
    boxes = [*(box for box in diagram.boxes if box.key not in into), *folds]
    return replace(diagram, boxes=tuple(box for box in boxes if box.key in ends), arrows=tuple(arrows.values()))


def _label(hidden: Sequence[str]) -> str:
    return "\n".join(hidden) if len(hidden) <= _NAMED else f"{len(hidden)} values"


def _behind(diagram: Diagram, anchors: set[str]) -> dict[str, frozenset[str]]:
    """Box -> the anchors that lead to it."""
    found: dict[str, set[str]] = {box.key: set() for box in diagram.boxes}
    for anchor in anchors & found.keys():
        for key in _reached([anchor], diagram.arrows, lambda arrow: (arrow.source, arrow.target)):
            found[key].add(anchor)
    return {key: frozenset(those) for key, those in found.items()}


def _groups(boxes: list[Box], arrows: Iterable[Arrow], behind: Mapping[str, frozenset[str]]) -> list[list[Box]]:
    """The connected groups of `boxes` behind the same anchors; arrows to other boxes do not count."""
    leader = {box.key: box.key for box in boxes}
    for arrow in arrows:
        known = arrow.source in leader and arrow.target in leader
        if known and behind[arrow.source] == behind[arrow.target]:
            leader[_leader(leader, arrow.target)] = _leader(leader, arrow.source)
    found: dict[str, list[Box]] = {}
    for box in boxes:
        found.setdefault(_leader(leader, box.key), []).append(box)
    return list(found.values())


def _leader(leader: Mapping[str, str], key: str) -> str:
    while leader[key] != key:
        key = leader[key]
    return key
