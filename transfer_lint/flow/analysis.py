"""Entry point of the analysis: the sites of a file, and the values of a function's expressions."""

from __future__ import annotations

import ast
import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from transfer_lint.files.scan import ACCELERATOR, BUFFERS, GIVEN, PLACES, SIZES, TESTS, words
from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.summaries import Summaries
from transfer_lint.flow.program.modules import FunctionInfo, Import, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import nodes_of
from transfer_lint.flow.results.constructions import Construction, DeviceComparison, ImplicitUpload
from transfer_lint.flow.results.examination import Examination, Interpretation, Place
from transfer_lint.flow.results.mutations import Mutation
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.results.waits import ExplicitWait

_ACCELERATOR = re.compile(ACCELERATOR)
# Each begins with a literal, for which a search is many times faster.
_PLACES = tuple(map(re.compile, PLACES))
_GIVEN = (re.compile(GIVEN),)
_ELEMENTS = (re.compile(rf"(?:{words('float', 'int', 'bool', 'max', 'min', 'any', 'all', 'sorted')})\s*\("),)
_OF_TENSORS = (
    re.compile(rf"{words('math')}\.\w+\("),
    re.compile(r"\.(?:all|any|amax|amin|backward|max|min|sum)\(\)"),
    re.compile(TESTS),
    *map(re.compile, SIZES),
    re.compile(rf"{words('clip_grad_norm_')}\("),
    re.compile(r"model_sampling\.(?:sigma|timestep)\("),
)
_BUFFERS = re.compile(BUFFERS)
_KEPT = re.compile(r"self\.\w+ = torch\.(?:\w+_indices|arange|tensor)\(|dtype=torch\.bool\b")
_BY_ATTRIBUTES = re.compile(r"\[(?<=[\w)]\[)[^\[\]\n]*\bself\.\w+[,\[\]]")
_OF_ATTRIBUTES = re.compile(r"(?:if|while|assert)\b[^\n]*\bself\.\w")


Part: TypeAlias = FunctionInfo | None
"""What is followed at once: a function with all that is nested in it, or the top level of a file (None)."""


class Analysis:
    """The device flow of a project; one per run.

    assumptions: what is taken for granted; without them, all that is found is proved.
    beside: another analysis of the project; what rests on no assumption is found out once for both.
    budget: the steps that the interpretation of one function may take; see `Summaries`.
    watching: keep the value of every expression; without it, `Interpretation.values` is empty.
    """

    def __init__(
        self,
        project: Project,
        *,
        assumptions: frozenset[Assumption] = frozenset(),
        beside: Analysis | None = None,
        budget: int = sys.maxsize,
        watching: bool = False,
    ) -> None:
        self.project = project
        self._wanted: dict[Module, Sequence[Part]] = beside._wanted if beside is not None else {}
        known, of = beside._summaries if beside is not None else None, project.knowledge
        tables = (of.factories, of.like_factories, of.tensor_factories, of.from_values)
        dotted = [*of.legacy_factories, *(name for table in tables for name in table.exact)]
        self._factories = frozenset(name.rpartition(".")[2] for name in dotted)
        self._summaries: Summaries = Summaries(
            project, assumptions=assumptions, beside=known, budget=budget, watching=watching
        )

    def prepare(self, module: Module) -> None:
        """Find out what of a file has to be followed, which asks about many other files. Nothing is followed yet."""
        self._wanted_of(module)

    def examine(
        self, module: Module, only: Collection[Part] | None = None, others: Analysis | None = None
    ) -> Examination:
        """What the file does that rules judge, in source order, and its mutations.

        only: the parts to examine; None: all. others: the analysis that tells of the other parts.
        """
        sites: dict[ast.Call, Site] = {}
        reads: dict[ast.expr, HostRead] = {}
        constructions: dict[ast.Call, Construction] = {}
        comparisons: dict[ast.Compare, DeviceComparison] = {}
        uploads: dict[ast.expr, ImplicitUpload] = {}
        waits: dict[ast.Call, ExplicitWait] = {}
        mutations: list[Mutation] = []
        assumable: set[Assumption] = set()
        given_up: list[ast.AST] = []
        for part in self._wanted_of(module):
            here = self if only is None or part in only else others
            if here is None:
                continue
            frame = here._summaries.top_level(module) if part is None else here._summaries.interpretation(part)
            assumable |= frame.assumable
            given_up += frame.given_up
            mutations += (Mutation(node, tensor, sure) for (node, tensor), sure in frame.mutations.items())
            reads.update(frame.reads)
            constructions.update(frame.constructions)
            comparisons.update(frame.comparisons)
            uploads.update(frame.uploads)
            waits.update(frame.waits)
            for node, site in frame.sites.items():
                sites[node] = replace(site, round_trip=frame.round_trips.get(node, ()))
        return Examination(
            sorted(sites.values(), key=lambda site: site.anchor),
            sorted(reads.values(), key=lambda read: read.anchor),
            sorted(mutations, key=lambda mutation: mutation.position),
            sorted(constructions.values(), key=lambda construction: construction.anchor),
            sorted(comparisons.values(), key=lambda comparison: comparison.anchor),
            sorted(uploads.values(), key=lambda upload: upload.anchor),
            sorted(waits.values(), key=lambda wait: wait.anchor),
            frozenset(assumable),
            tuple(dict.fromkeys(given_up)),
        )

    def interpretation(self, info: FunctionInfo) -> Interpretation:
        """The interpretation of one function."""
        return _handed_out(self._summaries.interpretation(info))

    def interpretations(self, module: Module, lines: range) -> Iterator[Interpretation]:
        """The interpretations of a file's top level and of every function that has one of these lines."""
        yield _handed_out(self._summaries.top_level(module))
        for info in module.functions:
            if info.lines.start < lines.stop and lines.start < info.lines.stop:
                yield self.interpretation(info)

    def _wanted_of(self, module: Module) -> Sequence[Part]:
        """The parts of a file that may hold a transfer or host read.

        Any test may read a tensor: in a file that puts values on an accelerator, all that runs at steps is looked at,
        and all that may read the elements of a tensor one by one. In another file, what reads a value that is surely a
        tensor.
        """
        if module not in self._wanted:
            marks, heat = _Marks.of(module.text), self._summaries.heat
            outside = {*marks.lines, *marks.given}
            parts: list[Part] = []
            for info in module.functions:
                inside, given = _within(marks.lines, info.lines), _within(marks.given, info.lines)
                maybe = marks.accelerator or bool(_within(marks.tests, info.lines))
                if (
                    inside
                    or (given and self._makes_tensors_on_device(info))
                    or (maybe and heat.has_steps(module, info.node))
                ):
                    parts.append(info)
                outside.difference_update(inside, given)
            if outside or (marks.accelerator and heat.has_steps(module, None)):
                parts.append(None)
            self._wanted[module] = parts
        return self._wanted[module]

    def _makes_tensors_on_device(self, info: FunctionInfo) -> bool:
        """Whether the function calls a factory of torch with a device, judging by its name."""
        bindings = info.module.bindings
        calls = (node for node in nodes_of(info.node) if isinstance(node, ast.Call))
        for call in calls:
            if any(keyword.arg == "device" for keyword in call.keywords):
                func = call.func
                name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
                names = [each.name or "" for each in bindings.get(name, ()) if isinstance(each, Import)]
                if not self._factories.isdisjoint((name, *names)):
                    return True
        return False


@dataclass(frozen=True)
class _Marks:
    """What the text of a file shows of what it may do, found without its tree.

    accelerator: it puts values on an accelerator. lines: those of what rules judge. given: those of `device=`. tests:
    those of what reads a value that is surely a tensor, where that matters.
    """

    accelerator: bool
    lines: Sequence[int]
    given: Sequence[int]
    tests: Sequence[int]

    @staticmethod
    def of(text: str) -> _Marks:
        """The marks of a text."""
        accelerator = _ACCELERATOR.search(text) is not None
        found = _lines_of(_PLACES, text) | (_lines_of(_ELEMENTS, text) if accelerator else set())
        tests = (*_OF_TENSORS, _OF_ATTRIBUTES) if _BUFFERS.search(text) else _OF_TENSORS
        tests = (*tests, _BY_ATTRIBUTES) if _KEPT.search(text) else tests
        given = sorted(_lines_of(_GIVEN, text))
        return _Marks(accelerator, sorted(found), given, sorted(_lines_of(tests, text)) if not accelerator else ())


def parts_of(module: Module, places: Iterable[Place]) -> set[Part]:
    """The parts of a file that hold these places."""
    starts = [info.lines.start for info in module.functions]
    found: set[Part] = set()
    for line in {place.anchor[0] for place in places}:
        number = bisect_right(starts, line) - 1
        inside = number >= 0 and line in module.functions[number].lines
        found.add(module.functions[number] if inside else None)
    return found


def _within(lines: Sequence[int], part: range) -> Sequence[int]:
    """Those of the sorted lines that are in a part of the file."""
    return lines[bisect_left(lines, part.start) : bisect_left(lines, part.stop)]


def _handed_out(frame: Frame) -> Interpretation:
    return Interpretation(frame.module, frame.function, frame.knowledge, frame.values)


def _lines_of(patterns: Sequence[re.Pattern[str]], text: str) -> set[int]:
    """The lines where a match of one of the patterns ends."""
    found: set[int] = set()
    for pattern in patterns:
        line, before = 1, 0
        for match in pattern.finditer(text):
            line, before = line + text.count("\n", before, match.end()), match.end()
            found.add(line)
    return found
