"""The device flow as a page: one file that asks for nothing else, before and after, the findings listed below."""

from __future__ import annotations

from collections.abc import Iterator

from transfer_lint.graph.picture import Arrow, Drawing, Judgement, Picture
from transfer_lint.graph.svg import TEMPLATES, inline, style

LEGEND = (Judgement.NEEDLESS, Judgement.PERHAPS, Judgement.WAIT, Judgement.GUARDED, Judgement.BOUNDARY, Judgement.MOVE)


def render(picture: Picture) -> Iterator[str]:
    """The whole document."""
    after = {(drawing.path, drawing.title): drawing for drawing in picture.after}
    functions = []
    for drawing in picture.before:
        then = after.get((drawing.path, drawing.title))
        functions.append(
            {
                "title": drawing.title,
                "place": f"{drawing.path}:{drawing.line}",
                "stages": _stages(drawing, then),
                "findings": _findings(drawing),
            }
        )
    sheet = TEMPLATES.asset("page.css") + style()
    yield TEMPLATES.render(
        "graph.html.j2",
        title=picture.title,
        functions=functions,
        style=TEMPLATES.trusted(sheet),
        legend=[(judgement.name.lower(), judgement.value) for judgement in LEGEND],
    )


def _stages(drawing: Drawing, then: Drawing | None) -> list[dict[str, object]]:
    """What is drawn of a function: where the fixes change nothing, once."""
    stages = [("as it is", drawing)]
    if then is not None and _look(then) != _look(drawing):
        stages = [("before", drawing), ("after the fixes", then)]
    return [
        {
            "name": name,
            "count": one.count(Judgement.NEEDLESS),
            "svg": TEMPLATES.trusted(inline(one, f"{name}: device flow of {one.title}")),
        }
        for name, one in stages
    ]


def _look(drawing: Drawing) -> object:
    """What a drawing shows, lines of the source aside."""
    return [(b.key, b.label, b.place) for b in drawing.boxes], [(a.label, a.judgement) for a in drawing.arrows]


def _findings(drawing: Drawing) -> list[Arrow]:
    """What the rules say of it: each place once."""
    said = {(arrow.line, arrow.label): arrow for arrow in drawing.arrows if arrow.code}
    return sorted(said.values(), key=lambda arrow: arrow.line)
