"""The door of the analysis: a file's sites, and what every expression of a function evaluates to."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from transfer_lint.files.scan import MOVES, READS
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.summaries import Summaries
from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.results.examination import Examination, Interpretation
from transfer_lint.flow.results.mutations import Mutation
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Site

_CALL = re.compile(rf"\.\s*(?:{'|'.join(sorted(MOVES | READS))})\s*\(")


class Analysis:
    """The device flow of a project; one per run.

    watching: keep what every expression evaluates to, for those who ask for interpretations.
    """

    def __init__(self, project: Project, *, watching: bool = False) -> None:
        self.project = project
        self._summaries = Summaries(project, watching=watching)

    def examine(self, module: Module) -> Examination:
        """The file's transfers and host reads, in source order, and what may change tensors in place."""
        sites: dict[ast.Call, Site] = {}
        reads: dict[ast.expr, HostRead] = {}
        mutations: list[Mutation] = []
        for frame in self._frames_with_sites(module):
            mutations += (Mutation(node, tensor, sure) for (node, tensor), sure in frame.mutations.items())
            reads.update(frame.reads)
            for node, site in frame.sites.items():
                sites[node] = replace(site, round_trip=frame.round_trips.get(node, ()))
        return Examination(
            sorted(sites.values(), key=lambda site: site.anchor),
            sorted(reads.values(), key=lambda read: read.anchor),
            mutations,
        )

    def interpretation(self, info: FunctionInfo) -> Interpretation:
        """One function, interpreted."""
        return _handed_out(self._summaries.interpretation(info))

    def interpretations(self, module: Module) -> Iterator[Interpretation]:
        """The top level of a file and every function of it, interpreted."""
        yield _handed_out(self._summaries.top_level(module))
        yield from (self.interpretation(info) for info in module.functions)

    def _frames_with_sites(self, module: Module) -> Iterator[Frame]:
        """Every function of the file that holds a transfer, and the top level if it does, interpreted."""
        lines = _candidate_lines(module.text)
        inside: set[int] = set()
        for info in module.functions:
            span = info.lines
            if any(line in lines for line in span):
                yield self._summaries.interpretation(info)
            inside.update(line for line in span if line in lines)
        if lines - inside:
            yield self._summaries.top_level(module)


def _handed_out(frame: Frame) -> Interpretation:
    return Interpretation(frame.module, frame.function, frame.knowledge, frame.values)


def _candidate_lines(text: str) -> set[int]:
    """Lines on which a transfer's method name may stand."""
    return {text.count("\n", 0, match.end()) + 1 for match in _CALL.finditer(text)}
