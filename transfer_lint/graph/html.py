"""The device flow as one self-contained HTML page: diagrams before and after the fixes, findings listed below."""

from __future__ import annotations

from collections.abc import Iterator

from transfer_lint.graph.diagram import Arrow, BeforeAfter, Diagram, Judgement
from transfer_lint.graph.svg import TEMPLATES, stages, style

LEGEND = (Judgement.NEEDLESS, Judgement.PERHAPS, Judgement.WAIT, Judgement.GUARDED, Judgement.BOUNDARY, Judgement.MOVE)


def render(pair: BeforeAfter) -> Iterator[str]:
    """The whole document."""
    functions = [
        {
            "title": before.title,
            "place": f"{before.path}:{before.line}",
            "stages": stages_of(before, after),
            "findings": _findings(before),
            "aside": number > 0 and not _findings(before),
        }
        for number, (before, after) in enumerate(pair.pairs)
    ]
    sheet = TEMPLATES.asset("page.css") + style()
    script = TEMPLATES.asset("zoom.js")
    yield TEMPLATES.render(
        "graph.html.j2",
        title=pair.title,
        functions=functions,
        style=TEMPLATES.trusted(sheet),
        script=TEMPLATES.trusted(script),
        digest=TEMPLATES.digest(script),
        entries=legend(),
    )


def legend() -> list[tuple[str, str]]:
    """(class, meaning) of the arrows."""
    return [(judgement.name.lower(), judgement.value) for judgement in LEGEND]


def stages_of(before: Diagram, after: Diagram | None) -> list[dict[str, object]]:
    """The pictures of a function, for the template."""
    return [
        {"name": name, "count": diagram.count(Judgement.NEEDLESS), "svg": TEMPLATES.trusted(picture)}
        for name, diagram, picture in stages(before, after)
    ]


def _findings(diagram: Diagram) -> list[Arrow]:
    """The arrows of a diagram that have a finding, one for each place, by line."""
    said = {(each.line, each.code): each for arrow in diagram.arrows for each in arrow.all if each.code}
    return sorted(said.values(), key=lambda arrow: arrow.line)
