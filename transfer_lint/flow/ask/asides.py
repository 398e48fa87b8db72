"""Asides: code that runs seldom or never, as the tree around it shows: what is said of it is a hint."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import pairwise

from transfer_lint.flow.program.callers import Callers
from transfer_lint.flow.program.defaults import Defaults
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.options import Options
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import path_to
from transfer_lint.flow.program.unused import Unused
from transfer_lint.flow.results.examination import Place
from transfer_lint.flow.results.reads import HostRead

_EVERY_NTH = r"\.%s *=(?!=)(?:[^\n'\"]*%%[^\n'\"]*(?:[!=]=|[<>])| *not [^\n'\"]*%%)"
"""How an attribute is set that is true at every n-th step."""


class Asides:
    """Whether the places of a file stand where little runs."""

    def __init__(self, module: Module, project: Project) -> None:
        self.module = module
        self._project = project

    def is_shut_out(self, place: Place) -> bool:
        """Whether the place stands under an option that no caller of the tree turns on; see `options`."""
        options = Options(Callers.of_project(self._project))
        function = place.function
        return function is not None and options.shut_out(self.module, function.node, place.statement, place.node)

    def is_off(self, place: Place) -> bool:
        """Whether the place stands under such an option, or under one that is off by default."""
        options = Options(Callers.of_project(self._project), Defaults.of_project(self._project))
        function = place.function
        if function is None:
            return False
        is_off = options.is_off(self.module, function.node, place.statement, place.node)
        return is_off or self.is_shut_out(place)

    def is_unused(self, place: Place) -> bool:
        """Whether nothing in the tree uses the function, class or file that the place stands in; see `unused`."""
        if self._project.is_loaded(self.module.path) is False:
            return True
        return place.function is not None and Unused.of_project(self._project).holds(place.function)

    def is_aside(self, place: Place) -> bool:
        """Whether any of these holds: nothing there is worth a warning."""
        return self.is_off(place) or self.is_unused(place) or self.is_thinned(place)

    def is_thinned(self, place: Place) -> bool:
        """Whether a flag around the place is set from every n-th step: `self.logs = step % 100 == 0`."""
        body = place.function.node.body if place.function is not None else []
        around = path_to(body, place.statement)
        tests = [stmt.test for stmt, inner in pairwise(around) if isinstance(stmt, ast.If) and inner in stmt.body]
        parts = [part for test in tests for part in _all_of(test)]
        flags = {part.attr for part in parts if isinstance(part, ast.Attribute)}
        return any(self._project.matching(_EVERY_NTH % flag, self.module.path) for flag in flags)

    def follows_steps(self, read: HostRead) -> bool:
        """Whether it stands beside a loop over steps in its function: that runs once an epoch, or once in all."""
        function = read.function
        routine = Callers.of_project(self._project).routine(self.module, function.node) if function else None
        return routine is not None and not read.in_step and routine.loops_over_steps


def _all_of(test: ast.expr) -> Sequence[ast.expr]:
    """What has to hold for a test to: the operands of `and`, or the test itself."""
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
