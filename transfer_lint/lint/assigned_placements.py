"""The placements of the tensors that a file binds to names, for an editor to show beside the names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from transfer_lint.flow.analysis import Analysis
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.results.examination import Interpretation
from transfer_lint.flow.values.values import Tensor, Value


@dataclass(frozen=True, order=True)
class Placement:
    """The placement of one bound name.

    line, column: the position just past the name; 1-based, column in characters.
    where: device and dtype, as far as they are known.
    """

    line: int
    column: int
    where: str


def placements(path: str, text: str, lines: range, project: Project) -> list[Placement]:
    """The placements of tensors at the assignments on these lines, sorted. Raises what `judge.check` raises."""
    module = project.add(path, text)
    analysis = Analysis(project, watching=True)
    found: set[Placement] = set()
    for interpretation in analysis.interpretations(module, lines):
        if interpretation.module is module:
            found.update(_of(interpretation))
    return sorted(placement for placement in found if placement.line in lines)


def _of(interpretation: Interpretation) -> Iterator[Placement]:
    root: ast.AST = interpretation.function.node if interpretation.function else interpretation.module.tree
    for node in ast.walk(root):
        if isinstance(node, ast.Assign) and node.value in interpretation.values:
            value = interpretation.values[node.value]
            for target in node.targets:
                yield from _bound(interpretation, target, value)


def _bound(interpretation: Interpretation, target: ast.expr, value: Value) -> Iterator[Placement]:
    items = getattr(value, "items", None)
    if isinstance(target, ast.Tuple) and isinstance(items, tuple) and len(items) == len(target.elts):
        for part, item in zip(target.elts, items, strict=True):
            yield from _bound(interpretation, part, item)
    elif isinstance(target, ast.Name | ast.Attribute) and isinstance(value, Tensor) and value.device is not None:
        halves = [str(known.term) for known in (value.device, value.dtype) if known is not None]
        line = target.end_lineno or target.lineno
        yield Placement(line, interpretation.module.column(line, target.end_col_offset or 0), ", ".join(halves))
