"""The device flow as Mermaid, which code hosts such as GitHub and GitLab draw in a README."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from transfer_lint.graph.diagram import Arrow, BeforeAfter, Box, Diagram, Judgement, Shape, Side
from transfer_lint.graph.hubs import Hub, hubs

_SHAPES = {
    Shape.INPUT: ("([", "])"),
    Shape.OUTPUT: ("([", "])"),
    Shape.MODULE: ("[[", "]]"),
    Shape.CALL: ("[/", "/]"),
    Shape.HOST: ("[", "]"),
    Shape.USE: ("([", "])"),
    Shape.FOLD: ("{{", "}}"),
    Shape.VALUE: ("[", "]"),
}
_LINKS = {
    Judgement.NEEDLESS: "stroke:#c62828,stroke-width:3px",
    Judgement.PERHAPS: "stroke:#c62828,stroke-width:2px,stroke-dasharray:6 3",
    Judgement.WAIT: "stroke:#b45309,stroke-width:3px,stroke-dasharray:2 3",
    Judgement.GUARDED: "stroke:#2e7d32,stroke-width:3px",
    Judgement.BOUNDARY: "stroke:#808080,stroke-width:2px,stroke-dasharray:4 4",
    Judgement.MOVE: "stroke-width:3px",
}
_CLASSES = {
    Side.ACCELERATOR: "fill:#dbeafe,stroke:#1d4ed8,color:#111",
    Side.HOST: "fill:#f3e8d3,stroke:#8a5a00,color:#111",
    Side.UNKNOWN: "fill:#f4f4f5,stroke:#71717a,color:#111",
}
_ENTITIES = {char: f"#{ord(char)};" for char in '"#<>&`\\|{}[]();%'}


def render(pair: BeforeAfter) -> Iterator[str]:
    """A flowchart with a subgraph for each function before the fixes and, below it, if they change it, after."""
    yield "flowchart TB"
    chart = _Chart()
    names: list[str] = []
    for number, (before, after) in enumerate(pair.pairs):
        names.append(f"b{number}")
        yield from chart.diagram(before, names[-1], "before: " if after is not None else "")
        if after is not None:
            names.append(f"a{number}")
            yield from chart.diagram(after, names[-1], "after the fixes: ")
    for above, below in pairwise(names):
        yield f"  {above} ~~~ {below}"  # a link that is not drawn keeps them one below the other
    yield from chart.styles
    for side, style in _CLASSES.items():
        yield f"  classDef {side.value} {style}"
    yield "  classDef question fill:#f0fdf4,stroke:#2e7d32,color:#111"
    yield "  classDef through fill:none,stroke:none"


class _Chart:
    """Writes the diagrams, and counts the links, because Mermaid styles links by number."""

    def __init__(self) -> None:
        self.styles: list[str] = []
        self._links = 0

    def diagram(self, diagram: Diagram, prefix: str, stage: str) -> Iterator[str]:
        """The lines of one function."""
        yield f'  subgraph {prefix}["{_text(f"{stage}{diagram.title} ({diagram.path}:{diagram.line})")}"]'
        yield "    direction TB"
        for box in diagram.boxes:
            yield f"    {_box(box, prefix)}"
        calls, plain = hubs(diagram.arrows)
        for call in calls:
            if call.arrow.is_decision:
                yield from self._decision(diagram, call, prefix)
            elif len(call.sources) == len(call.targets) == 1:
                yield self._link(prefix, call.sources[0], call.targets[0], call.arrow)
            else:
                yield f'    {prefix}{call.key}["{_text(call.arrow.label)}"]:::through'
                for source in call.sources:
                    yield self._link(prefix, source, call.key)
                for target in call.targets:
                    yield self._link(prefix, call.key, target)
        for arrow in plain:
            yield self._link(prefix, arrow.source, arrow.target, arrow)
        yield "  end"

    def _decision(self, diagram: Diagram, call: Hub, prefix: str) -> Iterator[str]:
        """A question, and an arrow for each answer."""
        question, *answers = diagram.question(call.arrow)
        small = f"<br/><small>{_text(call.arrow.label)}</small>"
        yield f'    {prefix}{call.key}{{"{_text(question)}{small}"}}:::question'
        for source in call.sources:
            yield self._link(prefix, source, call.key)
        for target in call.targets:
            for answer in answers:
                self.styles.append(f"  linkStyle {self._links} {_LINKS[Judgement.GUARDED]}")
                yield self._link(prefix, call.key, target, label=answer)

    def _link(self, prefix: str, source: str, target: str, arrow: Arrow | None = None, label: str = "") -> str:
        if arrow is not None:
            label = " ".join(part for part in (arrow.code, arrow.label) if part)
            if arrow.judgement not in (Judgement.FLOW, Judgement.MOVE):
                label = f"{arrow.judgement.value}: {label}"
            if style := _LINKS.get(arrow.judgement):
                self.styles.append(f"  linkStyle {self._links} {style}")
        self._links += 1
        text = f'|"{_text(label)}"|' if label else ""
        return f"    {prefix}{source} -->{text} {prefix}{target}"


def _box(box: Box, prefix: str) -> str:
    opening, closing = _SHAPES[box.shape]
    label = "<br/>".join(map(_text, box.names))
    label += "".join(f"<br/><small>{_text(line)}</small>" for line in box.lines[len(box.names) :])
    return f'{prefix}{box.key}{opening}"{label}"{closing}:::{box.side.value}'


def _text(text: str) -> str:
    return "".join(_ENTITIES.get(char, char) for char in " ".join(text.split()))
