"""Star imports: names of a file that a `from m import *` further down may bind again."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from transfer_lint.flow.program.syntax import nodes_of


class Importer(Protocol):
    """A parsed file, as far as its star imports are asked about."""

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""

    @property
    def bindings(self) -> Mapping[str, Sequence[object]]:
        """Name -> what the file binds it to."""

    @property
    def stars(self) -> Sequence[Any]:
        """Its star imports, in their order."""

    @property
    def project(self) -> Any:
        """The project that knows what these lead to."""


def bound_by_stars(module: Importer) -> frozenset[str]:
    """The names that a star import below what binds them may bind to something else.

    One of a module that is not in the tree, to another value than one that is written there. What both files import
    from the same place stays the same.
    """
    if not module.stars:
        return frozenset()
    nodes = nodes_of(module.tree)
    aliases = [node for node in nodes if isinstance(node, ast.alias)]
    imported = {alias.asname or alias.name.partition(".")[0]: alias.lineno for alias in aliases}
    lines = [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"]
    return frozenset(
        name
        for name, found in module.bindings.items()
        for line, star in zip(sorted(lines), module.stars, strict=False)
        if any(_line(each, imported.get(name, 0)) < line for each in found) and _may_bind(module, star, name, found)
    )


def _line(binding: object, imported: int) -> int:
    node = getattr(binding, "node", binding)
    line: int = getattr(node, "lineno", imported)
    return line


def _may_bind(module: Importer, star: Any, name: str, found: Sequence[object]) -> bool:
    target = module.project.module_for(module, star)
    if target is None and star.level == 0:
        return any(isinstance(each, ast.expr) for each in found)
    if not module.project.star_may_bind(module, star, name):
        return False
    theirs = list(_given(module, star, name, []))
    if not theirs:  # what its text shows may stand in a function
        return not all(map(_is_absolute, found))
    return len({each if _is_absolute(each) else id(each) for each in (*theirs, *found)}) > 1


def _given(module: Importer, star: Any, name: str, seen: list[object]) -> Iterator[object]:
    """What a star import binds a name to, itself or through those of the file that it names."""
    target = module.project.module_for(module, star)
    if target is None or target in seen:
        return
    seen.append(target)
    yield from target.bindings.get(name, ())
    for inner in target.stars:
        yield from _given(target, inner, name, seen)


def _is_absolute(binding: object) -> bool:
    """Whether a name is imported, and no package decides from where."""
    return getattr(binding, "level", None) == 0
