"""The device flow as one self-contained HTML page: drawings before and after the fixes, findings listed below."""

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
    """The drawings of a function before and after the fixes; one drawing if they change nothing."""
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
    """What a drawing shows, without source lines: to compare drawings."""
    return [(b.key, b.label, b.place) for b in drawing.boxes], [(a.label, a.judgement) for a in drawing.arrows]


def _findings(drawing: Drawing) -> list[Arrow]:
    """The arrows of a drawing that have a finding, one for each place, by line."""
    said = {(arrow.line, arrow.label): arrow for arrow in drawing.arrows if arrow.code}
    return sorted(said.values(), key=lambda arrow: arrow.line)
