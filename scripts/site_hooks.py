"""Hooks for mkdocs: replace the Mermaid maps of docs/architecture.md with diagrams that this tool draws.

Code hosting sites draw Mermaid themselves; on the project's own site that would need a third-party script.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "codemods")]

from transfer_lint.graph import svg  # noqa: E402
from transfer_lint.graph.diagram import Arrow, Box, Diagram, Judgement, Shape  # noqa: E402

_CHART = re.compile(r"```mermaid\nflowchart TB\n(.*?)```", re.DOTALL)
_ROOM = re.compile(r'^  (\w+)\["(\w+)"\]$', re.MULTILINE)
_ARROW = re.compile(r"^  (\w+) --> (\w+)$", re.MULTILINE)
_HEAD = (
    '<svg width="0" height="0"><defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" '
    'markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0.5 L10,5 L0,9.5 z"/></marker></defs>'
    "</svg>"
)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the maps in the text of a page. mkdocs calls this for each page."""
    if not _CHART.search(markdown):
        return markdown
    return f"<style>{svg.style()}</style>\n\n{_CHART.sub(_drawn, markdown)}"


def _drawn(chart: re.Match[str]) -> str:
    diagram = Diagram(
        "rooms",
        "",
        1,
        tuple(Box(ident, Shape.VALUE, room, 1) for ident, room in _ROOM.findall(chart[1])),
        tuple(Arrow(source, target, "", Judgement.FLOW, 1) for source, target in _ARROW.findall(chart[1])),
    )
    picture = svg.inline(diagram, "rooms, with an arrow for each import")
    return f"<div>{_HEAD}{picture}</div>".replace("\n", "")  # one line, so that Markdown does not change it
