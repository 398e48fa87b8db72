"""Hubs: the arrows of a call with several inputs or outputs meet in one point, so that fewer arrows are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from transfer_lint.graph.diagram import Arrow, Judgement


@dataclass(frozen=True)
class Hub:
    """A call. key: the same before and after the fixes. arrow: its label and judgement. sources, targets: of boxes."""

    key: str
    arrow: Arrow
    sources: tuple[str, ...]
    targets: tuple[str, ...]


def hubs(arrows: Iterable[Arrow]) -> tuple[list[Hub], list[Arrow]]:
    """The calls, and the arrows without a label. A transfer gets a separate hub for each value that it moves."""
    groups: dict[tuple[object, ...], list[Arrow]] = {}
    plain: list[Arrow] = []
    for arrow in arrows:
        if not arrow.label:
            plain.append(arrow)
            continue
        own = arrow.target if arrow.judgement is not Judgement.FLOW else ""
        groups.setdefault((arrow.label, arrow.line, own), []).append(arrow)
    found = []
    keys: set[str] = set()
    for group in groups.values():
        sources = tuple(dict.fromkeys(arrow.source for arrow in group))
        targets = tuple(dict.fromkeys(arrow.target for arrow in group))
        key = f"c{'_'.join(targets)}"
        while key in keys:
            key += "x"
        keys.add(key)
        found.append(Hub(key, group[0], sources, targets))
    return found, plain
