"""The device flow as SVG: before and after side by side, with evidence lines in tooltips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from transfer_lint.findings import Evidence
from transfer_lint.graph.diagram import BeforeAfter, Diagram, Judgement
from transfer_lint.graph.layout import ANSWERS, LINE, Item, Layout, Line, lay_out
from transfer_lint.pages.templating import Templates

TEMPLATES = Templates(Path(__file__).with_name("templates"))

_TITLE = 42.0  # height of a function's heading, in pixels
_GAP = 20.0


def style() -> str:
    """The style sheet of the diagrams."""
    return TEMPLATES.asset("graph.css")


def render(pair: BeforeAfter) -> Iterator[str]:
    """The whole document: a row for each function, before the fixes and, if they change it, after."""
    headings: list[dict[str, object]] = []
    placed = []
    width = y = 0.0
    for before, after in pair.pairs:
        layouts = lay_out(before, after) if after is not None else lay_out(before)
        names = ("before", "after the fixes") if after is not None else ("as it is",)
        headings.append({"text": f"{before.title}  {before.path}:{before.line}", "x": 12, "y": y + 20})
        width = max(width, 7.6 * len(str(headings[-1]["text"])) + _GAP)
        for number, (name, layout) in enumerate(zip(names, layouts, strict=True)):
            x = number * (layout.width + _GAP)
            headings.append({"text": name, "x": x + 12, "y": y + 20 + _TITLE / 2})
            placed.append({"x": x, "y": y + _TITLE, **parts(layout)})
            width = max(width, x + layout.width)
        y += layouts[0].height + _TITLE + _GAP
    sheet = TEMPLATES.trusted(style())
    yield TEMPLATES.render(
        "graph.svg.j2", title=pair.title, width=width, height=y, headings=headings, diagrams=placed, style=sheet
    )


def inline(diagram: Diagram, label: str) -> str:
    """One function's diagram, for a page that has the style sheet. label: its name for screen readers."""
    return drawn(lay_out(diagram)[0], label)


def stages(before: Diagram, after: Diagram | None) -> list[tuple[str, Diagram, str]]:
    """(name, diagram, picture) of a function before the fixes and, if they change it, after, for such a page."""
    if after is None:
        return [("as it is", before, inline(before, f"device flow of {before.title}"))]
    names = ("before", "after the fixes")
    return [
        (name, layout.diagram, drawn(layout, f"{name}: device flow of {before.title}"))
        for name, layout in zip(names, lay_out(before, after), strict=True)
    ]


def drawn(layout: Layout, label: str) -> str:
    """The picture of a layout. label: its name for screen readers."""
    return TEMPLATES.render(
        "graph_inline.svg.j2", label=label, width=layout.width, height=layout.height, **parts(layout)
    )


def parts(layout: Layout) -> dict[str, object]:
    """The values that the template draws."""
    return {"items": [_item(item) for item in layout.items], "lines": [_line(line) for line in layout.lines]}


def _item(item: Item) -> dict[str, object]:
    x, y = item.x - item.width / 2, item.y - item.height / 2
    height = item.height - (ANSWERS if item.answers else 0)
    first = y + height / 2 - (len(item.lines) - 1) * LINE / 2 + 4
    lines = [
        {"text": text, "x": round(item.x, 1), "y": round(first + number * LINE, 1), "small": number >= item.names}
        for number, text in enumerate(item.lines)
    ]
    if item.box is not None:
        kind = f"box {item.box.shape.value} {item.box.side.value}"
        box = item.box
        placement = ", ".join(filter(None, (box.place, box.dtype)))
        tooltip = [f"line {box.line}: {', '.join(box.names)}", placement, *box.hidden]
        tooltip += _evidence_lines(item.box.facts)
    else:
        assert item.call is not None
        arrow = item.call.arrow
        kind = f"call {_name(arrow.judgement)}"
        tooltip = []
        for each in arrow.all:
            tooltip += [f"line {each.line}: {each.label}", each.message, *_evidence_lines(each.facts)]
    size = {"x": round(x, 1), "y": round(y, 1), "width": round(item.width, 1), "height": round(height, 1)}
    question = _question(item, x, y, height) if item.answers else None
    return {"kind": kind, "tooltip": "\n".join(filter(None, tooltip)), "text": lines, "question": question, **size}


def _question(item: Item, x: float, y: float, height: float) -> dict[str, object]:
    """The diamond of a decision, and the ways of its two answers, which meet below it."""
    assert item.answers is not None
    middle, right, foot = y + height / 2, x + item.width, y + height + ANSWERS
    half = item.width / 4
    corners = ((item.x, y), (right, middle), (item.x, y + height), (x, middle))
    return {
        "diamond": " ".join(f"{at:.1f},{to:.1f}" for at, to in corners),
        "ways": [
            f"M{side:.1f},{middle:.1f} L{side:.1f},{foot - 16:.1f} "
            f"C{side:.1f},{foot - 4:.1f} {item.x:.1f},{foot - 14:.1f} {item.x:.1f},{foot:.1f}"
            for side in (x, right)
        ],
        "answers": [
            {"text": text, "x": round(item.x + way * half, 1), "y": round(foot - 18, 1)}
            for text, way in zip(item.answers, (-1, 1), strict=True)
        ],
    }


def _evidence_lines(facts: tuple[Evidence, ...]) -> list[str]:
    return [f"{fact.path}:{fact.line}  {fact.text}" for fact in facts]


def _line(line: Line) -> dict[str, object]:
    (x, y), *rest = line.points
    path = [f"M{x:.1f},{y:.1f}"]
    for to_x, to_y in rest:
        middle = (y + to_y) / 2
        path.append(f"C{x:.1f},{middle:.1f} {to_x:.1f},{middle:.1f} {to_x:.1f},{to_y:.1f}")
        x, y = to_x, to_y
    return {"path": " ".join(path), "kind": _name(line.judgement), "head": line.head}


def _name(judgement: Judgement) -> str:
    return judgement.name.lower()
