"""The device flow as one self-contained HTML page: diagrams before and after the fixes, findings listed below."""

from __future__ import annotations

from collections.abc import Iterator

from transfer_lint.graph.diagram import Arrow, BeforeAfter, Diagram, Judgement
from transfer_lint.graph.svg import TEMPLATES, inline, style

LEGEND = (Judgement.NEEDLESS, Judgement.PERHAPS, Judgement.WAIT, Judgement.GUARDED, Judgement.BOUNDARY, Judgement.MOVE)


def render(pair: BeforeAfter) -> Iterator[str]:
    """The whole document."""
    after = {(diagram.path, diagram.title): diagram for diagram in pair.after}
    functions = []
    for diagram in pair.before:
        then = after.get((diagram.path, diagram.title))
        functions.append(
            {
                "title": diagram.title,
                "place": f"{diagram.path}:{diagram.line}",
                "stages": _stages(diagram, then),
                "findings": _findings(diagram),
            }
        )
    sheet = TEMPLATES.asset("page.css") + style()
    yield TEMPLATES.render(
        "graph.html.j2",
        title=pair.title,
        functions=functions,
        style=TEMPLATES.trusted(sheet),
        legend=[(judgement.name.lower(), judgement.value) for judgement in LEGEND],
    )


def _stages(diagram: Diagram, then: Diagram | None) -> list[dict[str, object]]:
    """The diagrams of a function before and after the fixes; one diagram if they change nothing."""
    stages = [("as it is", diagram)]
    if then is not None and _look(then) != _look(diagram):
        stages = [("before", diagram), ("after the fixes", then)]
    return [
        {
            "name": name,
            "count": one.count(Judgement.NEEDLESS),
            "svg": TEMPLATES.trusted(inline(one, f"{name}: device flow of {one.title}")),
        }
        for name, one in stages
    ]


def _look(diagram: Diagram) -> object:
    """What a diagram shows, without source lines: to compare diagrams."""
    return [(b.key, b.label, b.place) for b in diagram.boxes], [(a.label, a.judgement) for a in diagram.arrows]


def _findings(diagram: Diagram) -> list[Arrow]:
    """The arrows of a diagram that have a finding, one for each place, by line."""
    said = {(arrow.line, arrow.label): arrow for arrow in diagram.arrows if arrow.code}
    return sorted(said.values(), key=lambda arrow: arrow.line)
