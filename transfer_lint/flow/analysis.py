"""The transfers of one file, each with what is known of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from transfer_lint.findings import Heat
from transfer_lint.flow import exits, expressions, statements  # noqa: F401  (they register the handlers)
from transfer_lint.flow.changes import Change
from transfer_lint.flow.interpreter import Interpreter
from transfer_lint.flow.modules import FunctionInfo, Module
from transfer_lint.flow.project import Project
from transfer_lint.flow.reads import READS, HostRead
from transfer_lint.flow.sites import Site
from transfer_lint.flow.summaries import Summaries
from transfer_lint.flow.transfers import MOVES

_CALL = re.compile(rf"\.\s*(?:{'|'.join(sorted(MOVES | READS))})\s*\(")


@dataclass(frozen=True)
class Examination:
    """What has been found in one file: transfers and host reads in source order; what may change tensors in place."""

    sites: Sequence[Site]
    reads: Sequence[HostRead]
    changes: Sequence[Change]


class Analysis:
    """The device flow of a project; one per run."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.summaries = Summaries(project)

    def examine(self, module: Module) -> Examination:
        """The file's transfers and host reads, in source order, and what may change tensors in place."""
        sites: dict[ast.Call, Site] = {}
        reads: dict[ast.expr, HostRead] = {}
        changes: list[Change] = []
        for interpreter in self.interpretations(module):
            changes += (Change(node, tensor, sure) for (node, tensor), sure in interpreter.changes.items())
            reads.update(interpreter.reads)
            for node, site in interpreter.sites.items():
                sites[node] = replace(site, round_trip=interpreter.round_trips.get(node, ()))
        return Examination(
            sorted(sites.values(), key=lambda site: site.anchor),
            sorted(reads.values(), key=lambda read: read.anchor),
            changes,
        )

    def interpretations(self, module: Module) -> Iterator[Interpreter]:
        """Every function of the file that holds a transfer, and the top level if it does, interpreted."""
        lines = candidate_lines(module.text)
        inside: set[int] = set()
        for info in module.functions:
            span = span_of(info)
            if any(line in lines for line in span):
                yield self.summaries.interpretation(info)
            inside.update(line for line in span if line in lines)
        if lines - inside:
            yield self.top_level(module)

    def all_interpretations(self, module: Module) -> Iterator[Interpreter]:
        """Every function of the file and its top level, interpreted."""
        yield self.top_level(module)
        for info in module.functions:
            yield self.summaries.interpretation(info)

    def top_level(self, module: Module) -> Interpreter:
        """The code that runs at import."""
        interpreter = Interpreter(self.summaries, module, None, Heat.ONCE)
        body = [
            node
            for node in module.tree.body
            if type(node).__name__ not in ("FunctionDef", "AsyncFunctionDef", "ClassDef")
        ]
        interpreter.block(body, interpreter.new_state())
        return interpreter


def span_of(info: FunctionInfo) -> range:
    """The lines of a function."""
    return range(info.node.lineno, (info.node.end_lineno or info.node.lineno) + 1)


def candidate_lines(text: str) -> set[int]:
    """Lines on which a transfer's method name may stand."""
    return {text.count("\n", 0, match.end()) + 1 for match in _CALL.finditer(text)}
