"""The device flow in DOT, the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from transfer_lint.findings import Evidence
from transfer_lint.graph.diagram import Arrow, BeforeAfter, Box, Diagram, Judgement, Shape, Side
from transfer_lint.graph.hubs import Hub, hubs
from transfer_lint.visible import visible

_SHAPES = {
    Shape.INPUT: "oval",
    Shape.OUTPUT: "oval",
    Shape.MODULE: "box3d",
    Shape.CALL: "component",
    Shape.HOST: "note",
    Shape.USE: "oval",
    Shape.FOLD: "folder",
    Shape.VALUE: "box",
}
_FILL = {Side.ACCELERATOR: "#dbeafe", Side.HOST: "#f3e8d3", Side.UNKNOWN: "#f4f4f5"}
_EDGES = {
    Judgement.NEEDLESS: {"color": "#c62828", "fontcolor": "#c62828", "penwidth": "2.5"},
    Judgement.PERHAPS: {"color": "#c62828", "fontcolor": "#c62828", "style": "dashed"},
    Judgement.WAIT: {"color": "#b45309", "fontcolor": "#b45309", "style": "dotted", "penwidth": "2.5"},
    Judgement.GUARDED: {"color": "#2e7d32", "fontcolor": "#2e7d32", "penwidth": "2"},
    Judgement.BOUNDARY: {"color": "#6b6b6b", "fontcolor": "#6b6b6b", "style": "dashed"},
    Judgement.MOVE: {"penwidth": "2"},
    Judgement.FLOW: {},
}


def render(pair: BeforeAfter) -> Iterator[str]:
    """A directed graph with a cluster for each function, before the fixes and, if they change something, after."""
    yield f"digraph {_quoted(pair.title)} {{"
    yield '  node [fontname="Helvetica", fontsize=11, style=filled]'
    yield '  edge [fontname="Helvetica", fontsize=10]'
    for number, (before, after) in enumerate(pair.pairs):
        yield from _diagram(before, "before: " if after is not None else "", f"before{number}")
        if after is not None:
            yield from _diagram(after, "after the fixes: ", f"after{number}")
    yield "}"


def _diagram(diagram: Diagram, stage: str, prefix: str) -> Iterator[str]:
    yield f"  subgraph {_quoted(f'cluster_{prefix}')} {{"
    yield f"    label={_quoted(f'{stage}{diagram.title} ({diagram.path}:{diagram.line})')}"
    for box in diagram.boxes:
        yield f"    {_quoted(prefix + box.key)} {_box(box)}"
    calls, plain = hubs(diagram.arrows)
    for call in calls:
        if call.arrow.is_decision:
            yield from _decision(diagram, call, prefix)
            continue
        if len(call.sources) == len(call.targets) == 1:
            yield _edge(prefix, call.sources[0], call.targets[0], call.arrow)
            continue
        name = _quoted(prefix + call.key)
        yield f"    {name} {_attributes(shape='plaintext', style='', label=call.arrow.label)}"
        yield from (_edge(prefix, source, call.key) for source in call.sources)
        yield from (_edge(prefix, call.key, target) for target in call.targets)
    yield from (_edge(prefix, arrow.source, arrow.target, arrow) for arrow in plain)
    yield "  }"


def _decision(diagram: Diagram, call: Hub, prefix: str) -> Iterator[str]:
    """A question, and an edge for each answer."""
    question, *answers = diagram.question(call.arrow)
    colour = {name: value for name, value in _EDGES[Judgement.GUARDED].items() if name != "penwidth"}
    attributes = {"shape": "diamond", "label": f"{question}\n{call.arrow.label}", "fillcolor": "#f0fdf4", **colour}
    yield f"    {_quoted(prefix + call.key)} {_attributes(**attributes)}"
    yield from (_edge(prefix, source, call.key) for source in call.sources)
    for target in call.targets:
        for answer in answers:
            attributes = {"label": answer, **_EDGES[Judgement.GUARDED]}
            yield f"    {_quoted(prefix + call.key)} -> {_quoted(prefix + target)} {_attributes(**attributes)}"


def _box(box: Box) -> str:
    label = "\n".join(box.lines)
    tooltip = _evidence_lines(box.facts) or "\n".join(box.hidden) or label
    return _attributes(shape=_SHAPES[box.shape], fillcolor=_FILL[box.side], label=label, tooltip=tooltip)


def _edge(prefix: str, source: str, target: str, arrow: Arrow | None = None) -> str:
    attributes: dict[str, str] = {}
    if arrow is not None and arrow.label:
        label = " ".join(part for part in (arrow.code, arrow.label) if part)
        if arrow.judgement not in (Judgement.FLOW, Judgement.MOVE):
            label = f"{arrow.judgement.value}: {label}"
        tooltip = "\n".join(part for part in (arrow.message, _evidence_lines(arrow.facts)) if part)
        attributes = {"label": label, "tooltip": tooltip or label, **_EDGES[arrow.judgement]}
    return f"    {_quoted(prefix + source)} -> {_quoted(prefix + target)} {_attributes(**attributes)}"


def _evidence_lines(facts: tuple[Evidence, ...]) -> str:
    return "\n".join(f"{fact.path}:{fact.line} {fact.text}" for fact in facts)


def _attributes(**values: str) -> str:
    return f"[{', '.join(f'{name}={_quoted(value)}' for name, value in values.items())}]"


def _quoted(text: str) -> str:
    r"""A quoted DOT string. `\` is doubled because it begins an escape in labels."""
    escaped = visible(text, keep="\n").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
