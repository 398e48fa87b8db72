"""Build diagrams: the flow graphs of functions, with the rules' verdicts on their transfers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from transfer_lint.flow.ask.questions import Questions
from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Site
from transfer_lint.graph.code import callees
from transfer_lint.graph.diagram import Arrow, Box, Diagram, Judgement, Shape, Side
from transfer_lint.graph.flow_builder import flow_of
from transfer_lint.graph.flow_graph import Edge, Kind, Node
from transfer_lint.graph.folding import connected
from transfer_lint.graph.twins import merged
from transfer_lint.lint.judge import analysis_of, evidence_lines, strongest
from transfer_lint.rules.options import RuleOptions

MOST_FOLLOWED = 200
"""How many functions are followed at most to find the callees of the drawn ones."""
MOST_FUNCTIONS = 12
"""How many of these callees are drawn at most."""

_SIDES = {Role.ACCELERATOR: Side.ACCELERATOR, Role.HOST: Side.HOST}


class DiagramBuilder:
    """Builds the diagrams of functions of a project that is watched."""

    def __init__(self, project: Project, options: RuleOptions) -> None:
        self._project = project
        self._options = options
        assert project.watched
        self._analysis = analysis_of(project, budget=options.analysis_budget)
        self._questions: dict[str, Questions] = {}

    def names(self, module: Module) -> list[str]:
        """The qualified names of a file's functions."""
        return [info.qualname for info in module.functions]

    def holding(self, module: Module) -> list[FunctionInfo]:
        """The functions of a file that hold a transfer or a host read."""
        return [info for info in module.functions if self._holds(info)]

    def with_callees(self, functions: Sequence[FunctionInfo]) -> list[FunctionInfo]:
        """The functions, and their direct and indirect callees that hold or lead to a transfer or host read.

        The nearest callees come first.
        """
        leads: dict[FunctionInfo, list[FunctionInfo]] = {}
        queue = list(functions)
        while queue and len(leads) < MOST_FOLLOWED:
            info = queue.pop(0)
            if info not in leads:
                leads[info] = list(callees(self._analysis.interpretation(info)))
                queue.extend(leads[info])
        holding = {info for info in leads if self._holds(info)}
        while more := {info for info in leads if info not in holding and holding.intersection(leads[info])}:
            holding |= more
        others = [info for info in leads if info in holding and info not in functions]
        return [*functions, *others[:MOST_FUNCTIONS]]

    def build(self, functions: Sequence[FunctionInfo]) -> tuple[Diagram, ...]:
        """A diagram of each function; in it, calls of the other functions are boxes."""
        drawn = frozenset(functions)
        titles = {info: info.qualname for info in functions}
        return tuple(self._build(info, drawn, titles) for info in functions)

    def _holds(self, info: FunctionInfo) -> bool:
        questions = self._asked(info.module)
        moves = [site for site in questions.sites if site.request.device is not None]  # not casts
        places: list[Site | HostRead] = [*moves, *questions.reads]
        return any(place.node.lineno in info.lines for place in places)

    def _asked(self, module: Module) -> Questions:
        if module.path not in self._questions:
            self._questions[module.path] = Questions(self._project, module, self._analysis.examine(module))
        return self._questions[module.path]

    def _build(self, info: FunctionInfo, drawn: frozenset[FunctionInfo], titles: Mapping[FunctionInfo, str]) -> Diagram:
        questions = self._asked(info.module)
        interpretation = self._analysis.interpretation(info)
        flow = flow_of(interpretation, questions.sites, questions.reads, drawn - {info})
        arrows = tuple(self._arrow(edge, questions) for edge in flow.edges)
        there = {arrow.source for arrow in arrows if arrow.code == "TL101"}
        boxes = tuple(_box(node, titles, "already there" * (node.key in there)) for node in flow.nodes)
        return merged(connected(Diagram(info.qualname, info.module.path, info.node.lineno, boxes, arrows)))

    def _arrow(self, edge: Edge, questions: Questions) -> Arrow:
        source, target, place = edge.source.key, edge.target.key, edge.at
        if place is None or (isinstance(place, Site) and place.request.device is None):  # a cast moves nothing
            return Arrow(source, target, edge.label, Judgement.FLOW, edge.target.line)
        judged = strongest(place, questions, self._options)
        line = place.node.lineno
        if judged is None:
            return Arrow(source, target, edge.label, _silent(place, questions), line)
        rule, verdict = judged
        judgement = Judgement.NEEDLESS if verdict.weight else Judgement.PERHAPS
        if isinstance(place, HostRead):
            judgement = Judgement.WAIT
        return Arrow(
            source, target, edge.label, judgement, line, rule.code, verdict.message, evidence_lines(verdict.why)
        )


def _silent(place: Site | HostRead, questions: Questions) -> Judgement:
    """The judgement of a transfer or host read that no rule reports."""
    if isinstance(place, HostRead):
        return Judgement.BOUNDARY
    if place.guarded:
        return Judgement.GUARDED
    return Judgement.BOUNDARY if questions.boundary(place) else Judgement.MOVE


def _box(node: Node, titles: Mapping[FunctionInfo, str], note: str) -> Box:
    side = Side.HOST if node.kind is Kind.HOST else _SIDES.get(node.role, Side.UNKNOWN) if node.role else Side.UNKNOWN
    place = "the host" if node.kind is Kind.HOST else node.place
    link = titles.get(node.callee, "") if node.callee is not None else ""
    return Box(
        node.key,
        Shape(node.kind.value),
        node.label,
        node.line,
        place,
        node.dtype,
        side,
        note,
        evidence_lines(node.why),
        link,
    )


def named(functions: Iterable[FunctionInfo], name: str) -> list[FunctionInfo]:
    """The functions with `name` as qualified name; if there are none, those whose qualified name ends in `.name`."""
    known = list(functions)
    exact = [info for info in known if info.qualname == name]
    return exact or [info for info in known if info.qualname.endswith(f".{name}")]
