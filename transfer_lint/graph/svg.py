"""The device flow as SVG: before and after side by side, with evidence lines in tooltips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from transfer_lint.findings import Evidence
from transfer_lint.graph.diagram import BeforeAfter, Diagram, Judgement
from transfer_lint.graph.layout import Item, Layout, Line, lay_out
from transfer_lint.pages.templating import Templates

TEMPLATES = Templates(Path(__file__).with_name("templates"))

_TITLE = 30.0  # height of a function's heading, in pixels


def style() -> str:
    """The style sheet of the diagrams."""
    return TEMPLATES.asset("graph.css")


def render(pair: BeforeAfter) -> Iterator[str]:
    """The whole document."""
    columns = [("before", pair.before)]
    if pair.after != pair.before:
        columns.append(("after", pair.after))
    placed = []
    x = height = 0.0
    for stage, diagrams in columns:
        y, width = _TITLE, 0.0
        for layout in map(lay_out, diagrams):
            placed.append({"x": x, "y": y, "heading": f"{stage}: {_heading(layout.diagram)}", **parts(layout)})
            y += layout.height + _TITLE
            width = max(width, layout.width, 7.2 * len(f"{stage}: {_heading(layout.diagram)}"))
        x += width + 20
        height = max(height, y)
    sheet = TEMPLATES.trusted(style())
    yield TEMPLATES.render("graph.svg.j2", title=pair.title, width=x, height=height, diagrams=placed, style=sheet)


def inline(diagram: Diagram, label: str) -> str:
    """One function's diagram, for a page that has the style sheet. label: its name for screen readers."""
    layout = lay_out(diagram)
    return TEMPLATES.render(
        "graph_inline.svg.j2", label=label, width=layout.width, height=layout.height, **parts(layout)
    )


def parts(layout: Layout) -> dict[str, object]:
    """The values that the template draws."""
    return {"items": [_item(item) for item in layout.items], "lines": [_line(line) for line in layout.lines]}


def _heading(diagram: Diagram) -> str:
    return f"{diagram.title}  {diagram.path}:{diagram.line}"


def _item(item: Item) -> dict[str, object]:
    x, y = item.x - item.width / 2, item.y - item.height / 2
    lines = [
        {"text": text, "x": round(item.x, 1), "y": round(y + 17 + number * 16, 1), "small": number > 0}
        for number, text in enumerate(item.lines)
    ]
    if item.box is not None:
        kind = f"box {item.box.shape.value} {item.box.side.value}"
        tooltip = [
            f"line {item.box.line}: {item.box.label}",
            item.box.place,
            *item.box.hidden,
            *_evidence_lines(item.box.facts),
        ]
    else:
        assert item.call is not None
        arrow = item.call.arrow
        kind = f"call {_name(arrow.judgement)}"
        tooltip = [f"line {arrow.line}: {arrow.label}", arrow.message, *_evidence_lines(arrow.facts)]
    size = {"x": round(x, 1), "y": round(y, 1), "width": round(item.width, 1), "height": round(item.height, 1)}
    return {"kind": kind, "tooltip": "\n".join(filter(None, tooltip)), "text": lines, **size}


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
