"""Heat: how often code runs, over the whole tree: a function runs as often as the places that call it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from transfer_lint.findings import Heat
from transfer_lint.flow.program.callers import Callers, Use, changes_at
from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.rates import HERE, Change, Path, Rate, RateOf, hotter, steadily
from transfer_lint.flow.program.routines import Routine
from transfer_lint.flow.program.step_code import (
    is_fed,
    is_for_export,
    is_in_data_set,
    is_in_test,
    is_sampler_hook,
    trains_in_loop,
)

_COLDER = frozenset({Change.RARELY, Change.UNSURE})  # than what is around them


@dataclass
class _Node:
    """A routine in the graph of callers.

    own: the heat that does not come from callers. perhaps: the same, for hints: it is likely, and not more.
    """

    own: Heat
    perhaps: Heat
    uses: list[Use] = field(default_factory=list)

    def rate(self, steady: Heat | None) -> Rate:
        """Its rate without callers."""
        heat = hotter(self.own, self.perhaps)
        return Rate(heat, steady, heat)


class HeatMap:
    """The heat of the functions of a project."""

    def __init__(self, project: Project) -> None:
        self._knowledge = project.knowledge
        self._callers = Callers.of_project(project)
        self._rates: dict[Routine, Rate] = {}
        self._own: dict[Routine, Heat] = {}
        self._throttled: set[Routine] = set()  # to which only throttled code leads
        self._seldom: set[Routine] = set()  # or what stands beside loops over steps

    def rate(self, module: Module, node: ast.AST | None) -> Rate:
        """How often a function runs, or the top level of the module (node: None)."""
        routine = self._callers.routine(module, node or module.tree)
        if routine is None:  # a function that does not stand in the file, or in a place where none is looked for
            return steadily(Heat.CALL)
        if routine not in self._rates:
            self._solve(routine)
        return self._rates[routine]

    def changes(self, module: Module, node: ast.AST | None) -> Mapping[ast.AST, Path]:
        """Statement or comprehension of a function -> how its place in loops and branches changes the rate."""
        routine = self._callers.routine(module, node or module.tree)
        return routine.changes if routine is not None else {}

    def rate_at(self, module: Module, node: ast.AST | None, place: ast.AST) -> RateOf:
        """How often a statement or comprehension of a function runs, or one of the top level (node: None)."""
        return RateOf(lambda: self._rate_at(module, node, place))

    def _rate_at(self, module: Module, node: ast.AST | None, place: ast.AST) -> Rate:
        rate = self.rate(module, node)
        routine = self._callers.routine(module, node or module.tree)
        if routine is None:
            return rate
        return rate.along(self._on_the_way(routine, changes_at(routine, routine.changes.get(place, HERE))))

    def _on_the_way(self, routine: Routine, changes: Sequence[Change]) -> Sequence[Change]:
        """The changes on a way. In what runs at every step by what it is, nothing is beside the steps."""
        hot = self._own[routine].rank >= Heat.STEP.rank
        return [change for change in changes if change is not Change.BESIDE] if hot else changes

    def has_steps(self, module: Module, node: ast.AST | None) -> bool:
        """Whether a function, or the top level of the module (node: None), runs at steps or holds a loop over steps.

        A function holds what the functions in it hold.
        """
        routine = self._callers.routine(module, node or module.tree)
        if routine is None:
            return False
        ways = (path.changes for path in set(routine.changes.values()))
        if not all(_COLDER.issuperset(changes) for changes in ways):
            return True  # told by this file alone
        if self.rate(module, node).heat.rank >= Heat.STEP.rank:
            return True
        nested = self._callers.of_file(module).nested(routine)
        return any(self.has_steps(module, inner.node) for inner in nested)

    def is_step_callback(self, info: FunctionInfo) -> bool:
        """Whether the file passes the function to ComfyUI's sampler, which calls it with a dictionary."""
        references = self._callers.of_file(info.module).references.get(info.name, ())
        return any(is_sampler_hook(reference, self._knowledge) for reference in references)

    # ---- solving -------------------------------------------------------------------------------------------------

    def _solve(self, routine: Routine) -> None:
        """The rates of a routine and of all that lead to it: the least fixpoint over the graph of callers."""
        graph: dict[Routine, _Node] = {}
        pending = [routine]
        while pending:
            current = pending.pop()
            if current in graph or current in self._rates:
                continue
            graph[current] = node = _Node(*self._callers.of(current))
            self._own[current] = node.own
            pending += [use.routine for use in node.uses]
        for node in graph.values():
            node.uses = [Use(use.routine, self._on_the_way(*use)) for use in node.uses]
        others = {each: node for each, node in graph.items() if not self._trains(each)}
        throttled = _only_by({Change.RARELY}, others, self._throttled)
        seldom = _only_by({Change.RARELY, Change.BESIDE}, graph, self._seldom)
        rates = {current: node.rate(node.own) for current, node in graph.items()}
        rates |= {current: graph[current].rate(Heat.ONCE) for current in seldom}
        rates |= {current: graph[current].rate(None) for current in throttled}
        changed = True
        while changed:
            changed = False
            for current, node in graph.items():
                rate = rates[current]
                if node.own is Heat.ONCE and current.name in self._knowledge.movers:
                    continue
                for use in node.uses:
                    rate = rate.joined(self._rates.get(use.routine, rates.get(use.routine, rate)).along(use.path))
                if rate != rates[current]:
                    rates[current] = rate
                    changed = True
        for current, rate in rates.items():
            rate = self._named(current, graph[current].own, rate)
            aside = is_in_test(current) or is_for_export(current)
            self._rates[current] = replace(rate, steady=None) if aside else rate

    def _trains(self, routine: Routine) -> bool:
        """Whether a routine holds a loop that steps an optimizer: every n-th step may train for many steps."""
        sites = self._callers.of_file(routine.module).calls.get("step", ())
        return any(site.routine is routine and trains_in_loop(site) for site in sites)

    def _named(self, routine: Routine, own: Heat, rate: Rate) -> Rate:
        """A name says that a function runs once, or that it is there to move things, unless steps call it."""
        if own is not Heat.ONCE:
            return rate
        if rate.heat.rank >= Heat.STEP.rank:
            return rate
        info = routine.owner.methods.get(routine.name) if routine.owner is not None else None
        return steadily(Heat.CALL if info is not None and is_fed(info, self._knowledge) else Heat.ONCE)


def _only_by(by: Set[Change], graph: Mapping[Routine, _Node], found: set[Routine]) -> set[Routine]:
    """The routines of the graph to which only such changes lead, and data sets; added to `found`."""
    found |= {routine for routine in graph if is_in_data_set(routine)}
    changed = True
    while changed:
        changed = False
        for routine, node in graph.items():
            others = [use for use in node.uses if use.routine is not routine]
            if routine in found or not others or node.own.rank >= Heat.STEP.rank:
                continue
            if all(not by.isdisjoint(use.path) or use.routine in found for use in others):
                found.add(routine)
                changed = True
    return found & graph.keys()
