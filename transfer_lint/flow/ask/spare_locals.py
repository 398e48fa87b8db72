"""Assignments to locals that fixes may leave without a reader, and which of them are shown to do nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from transfer_lint.flow.ask.idle import Idle
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import children, nodes_of, span

_Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, eq=False)
class Assigned:
    """A local that is assigned to. value: None if that is another thing than the whole of an expression."""

    name: ast.Name
    value: ast.expr | None
    statement: ast.stmt


@dataclass(frozen=True)
class _Locals:
    """The locals of a function that have to be read. readers: name -> the statements that do with it what is not
    followed, as to read it."""

    assigned: Sequence[Assigned]
    readers: dict[str, set[ast.stmt]]


class SpareLocals:
    """The locals of one file that fixes may leave without a reader. lines: where the fixes are."""

    def __init__(self, project: Project, module: Module, lines: Iterable[int]) -> None:
        self._module = module
        self._idle = Idle.of_project(project)
        self._lines = frozenset(lines)
        self._locals: dict[_Function, _Locals] = {}
        self._spare: dict[_Function, Sequence[Assigned]] = {}

    def of(self, line: int) -> Iterator[tuple[tuple[int, int], bool]]:
        """The assignments that a fix on a line may leave unread: (line, column) of each name, and whether to evaluate
        what is assigned has no effect."""
        for function in self._functions:
            if function.lineno <= line <= span(function)[1]:
                if function not in self._spare:
                    self._spare[function] = tuple(self._spare_in(function))
                for each in self._spare[function]:
                    idle = each.value is not None and self._idle.is_idle(self._module, each.value)
                    if idle or self._is_tidy:
                        at = each.name.lineno
                        yield (at, self._module.column(at, each.name.col_offset)), idle

    @cached_property
    def _functions(self) -> Sequence[_Function]:
        return [node for node in nodes_of(self._module.tree) if isinstance(node, _FUNCTIONS)]

    @cached_property
    def _is_tidy(self) -> bool:
        """Whether every local of the file has a reader, so that none without one is to be left."""
        every = map(self._locals_of, self._functions)
        return all(each.name.id in found.readers for found in every for each in found.assigned)

    def _spare_in(self, function: _Function) -> Iterator[Assigned]:
        """The assignments to locals that only fixes read, and what goes with these."""
        found = self._locals_of(function)
        names = {each.name.id for each in found.assigned}
        while True:
            going = {each.statement for each in found.assigned if each.name.id in names}
            stay = {name for name in names if not self._may_lose(found.readers.get(name, set()), going)}
            if not stay:
                break
            names -= stay
        return (each for each in found.assigned if each.name.id in names)

    def _locals_of(self, function: _Function) -> _Locals:
        if function not in self._locals:
            self._locals[function] = _find_locals(function, self._module)
        return self._locals[function]

    def _may_lose(self, readers: Set[ast.stmt], going: Set[ast.stmt]) -> bool:
        return bool(readers) and all(reader in going or self._is_fixed(reader) for reader in readers)

    def _is_fixed(self, statement: ast.stmt) -> bool:
        first, last = span(statement)
        return any(first <= line <= last for line in self._lines)


def _find_locals(function: _Function, module: Module) -> _Locals:
    assigned: list[Assigned] = []
    readers: dict[str, set[ast.stmt]] = {}
    pending: list[tuple[ast.AST, ast.stmt, bool]] = [(part, part, True) for part in function.body]
    outer: set[str] = set()
    while pending:
        node, statement, own = pending.pop()
        values: dict[ast.expr, ast.expr | None] = {}
        match node:
            case ast.Name(id=name, ctx=ast.Load() | ast.Del()) | ast.AugAssign(target=ast.Name(id=name)):
                readers.setdefault(name, set()).add(statement)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                outer |= set(names)
            case ast.Assign(
                targets=[ast.Tuple(elts=targets) | ast.List(elts=targets)],
                value=ast.Tuple(elts=parts) | ast.List(elts=parts),
            ) if len(targets) == len(parts):
                values = dict(zip(targets, parts, strict=True))
            case ast.Assign(targets=targets, value=value):
                values = dict.fromkeys(targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                values = {target: value}
            case ast.NamedExpr(target=target) | ast.withitem(optional_vars=ast.Name() as target):
                values = {target: None}
        plain = {target: value for target, value in values.items() if isinstance(target, ast.Name)} if own else {}
        assigned += [Assigned(target, value, statement) for target, value in plain.items()]
        inside = own and not isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda))
        for child in children(node):
            if child not in plain:
                pending.append((child, child if isinstance(child, ast.stmt) else statement, inside))
    # a linter takes no offence at those whose name begins so, or whose line says so
    noted = {each.name.id for each in assigned if "noqa" in module.lines[span(each.statement)[1] - 1]}
    local = {each.name.id for each in assigned if not each.name.id.startswith("_")} - outer - noted
    return _Locals([each for each in assigned if each.name.id in local], readers)
