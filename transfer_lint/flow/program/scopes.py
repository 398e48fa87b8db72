"""Scopes: the names that functions bind, and which of them a function inside another uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from transfer_lint.flow.program.modules import FunctionInfo, Import, Module
from transfer_lint.flow.program.syntax import children, names_in, nodes_of

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (
    *_FUNCTIONS, ast.Lambda, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp
)  # fmt: skip
_OF_A_CLASS = frozenset({"super", "__class__"})


def bound_in(function: ast.AST) -> Mapping[str, Import | None]:
    """The names that a function, or one inside it, binds, with the import of each that nothing else binds."""
    known: dict[str, Import | None] | None = getattr(function, "_transfer_lint_bound", None)
    if known is None:
        known = {}
        for node in nodes_of(function):
            for name, found in _bound_at(node):
                known[name] = found if name not in known else None
        if isinstance(function, _FUNCTIONS):
            known.pop(function.name, None)
        function._transfer_lint_bound = known  # type: ignore[attr-defined]
    return known


def nested_function(module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef, around: str) -> FunctionInfo:
    """A function that is made inside another one, or in a class there. around: their qualified name, or ""."""
    known: FunctionInfo | None = getattr(node, "_transfer_lint_function", None)
    if known is None:
        known = FunctionInfo(module, node, f"{around}.{node.name}" if around else node.name)
        node._transfer_lint_function = known  # type: ignore[union-attr]
    return known


def stands_alone(function: FunctionInfo, around: FunctionInfo) -> bool:
    """Whether a function inside another one uses no name of that, so that it does what one of the module would do.

    around: a function that stands in no other.
    """
    node = function.node
    arguments = node.args
    defaults = [*arguments.defaults, *(default for default in arguments.kw_defaults if default)]
    if node.decorator_list or not all(isinstance(default, ast.Constant) for default in defaults):
        return False
    if any(isinstance(part, ast.Global | ast.Nonlocal) for part in nodes_of(node)):
        return False
    notes = [argument.annotation for argument in function.parameters if argument.annotation]
    outside = {name for note in (*notes, *([node.returns] if node.returns else [])) for name in names_in(note)}
    used = names_in(node)
    free = outside | (used - _own(node))
    return free.isdisjoint(bound_in(around.node)) and used.isdisjoint(_OF_A_CLASS)


def _own(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """The names that a function binds itself, not what is inside it."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    found = {argument.arg for argument in every if argument is not None}
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        found.update(name for name, _ in _bound_at(node))
        if not isinstance(node, _SCOPES):
            pending += children(node)
    return frozenset(found)


def _bound_at(node: ast.AST) -> Iterator[tuple[str, Import | None]]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name, None
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, None
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name, None
        case ast.MatchMapping(rest=str(name)):
            yield name, None
        case ast.Import(names=names):
            for alias in names:
                target = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or target, Import(target, 0, None)
        case ast.ImportFrom(module=module, level=level, names=names):
            for alias in names:
                yield alias.asname or alias.name, Import(module or "", level, alias.name)
