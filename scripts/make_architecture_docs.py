"""Write the maps in docs/architecture.md: `python scripts/make_architecture_docs.py`.

A room is a package or module of a layer. The rows of a map are the layers of the contract in pyproject.toml, from the
top. The description of a room comes from its docstring. The arrows are the imports in the code.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "codemods")]

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = ROOT / "docs" / "architecture.md"
PACKAGES = ("transfer_lint", "transfer_lint.flow")
"""The packages that have a map, each with a layers contract of its own."""

Layers = list[list[str]]


def layers_of(package: str) -> Layers:
    """The rooms of a package, row by row from the top, as the contract lists them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    contract = next(each for each in contracts if each.get("containers") == [package])
    rows = [[name.strip() for name in row.split("|")] for row in contract["layers"]]
    return [row for row in rows if row != ["__main__"]]


def imports_of(package: str, rooms: Sequence[str]) -> dict[str, set[str]]:
    """Room -> the rooms that it imports."""
    graph = grimp.build_graph("transfer_lint", cache_dir=None)
    for room in rooms:
        if f"{package}.{room}" in graph.modules:
            graph.squash_module(f"{package}.{room}")
    found = {room: graph.find_modules_directly_imported_by(f"{package}.{room}") for room in rooms}
    return {
        room: {other for other in rooms if other != room and f"{package}.{other}" in names}
        for room, names in found.items()
    }


def reduced(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """The arrows without those that follow from others: the transitive reduction of an acyclic graph."""
    reach: dict[str, set[str]] = {}

    def reached(room: str) -> set[str]:
        if room not in reach:
            reach[room] = imports[room].union(*(reached(other) for other in imports[room]))
        return reach[room]

    return {
        room: {other for other in others if not any(other in reached(between) for between in others)}
        for room, others in imports.items()
    }


def said_of(package: str, room: str) -> str:
    """The description of a room: the first paragraph of its docstring, without the name before the first `:` or `.`."""
    place = ROOT.joinpath(*package.split("."), room)
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.split("\n\n")[0].split()).rstrip(".")
    said = re.split(r"[:.] ", paragraph, maxsplit=1)[-1]
    return said[0].upper() + said[1:]


def chart(package: str) -> Iterator[str]:
    """The map of a package in Mermaid. The ids have a prefix, because `graph` is a word of Mermaid's own."""
    rooms = [room for row in layers_of(package) for room in row]
    arrows = reduced(imports_of(package, rooms))
    yield "```mermaid"
    yield "flowchart TB"
    yield from (f'  room_{room}["{room}"]' for room in rooms)
    yield from (f"  room_{room} --> room_{other}" for room in rooms for other in sorted(arrows[room]))
    yield "```"


def table(package: str) -> Iterator[str]:
    """The rooms of a package and their descriptions, from the top, as a Markdown table."""
    yield "| room | what lives there |"
    yield "| --- | --- |"
    yield from (f"| `{room}` | {said_of(package, room)} |" for row in layers_of(package) for room in row)


def document(text: str) -> str:
    """The page, with the parts between its marks made anew."""
    for package in PACKAGES:
        for name, lines in (("map", chart(package)), ("rooms", table(package))):
            begin, end = f"<!-- {name} of {package} -->\n", f"<!-- end of {name} -->"
            before, _, rest = text.partition(begin)
            _, _, after = rest.partition(end)
            text = before + begin + "\n".join(("", *lines, "", end)) + after
    return text


if __name__ == "__main__":
    FILE.write_text(document(FILE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
