"""Unshown bindings: names of a module, or a class, that code binds or unbinds in a way that shows no value of theirs.

`with f() as x`, `except E as x`, `(x := f())`, patterns, `del x`, and whatever stands in a `match`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_TRY_STAR = getattr(ast, "TryStar", ())  # of Python 3.11


def unshown_bindings(tree: ast.Module) -> frozenset[str]:
    """The names that a module so binds, outside of its functions and classes."""
    found: set[str] = set()
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        found.update(_bound_by(node))
        stack += outside_of_bodies(node)
    return frozenset(found)


def bound_in_class(statement: ast.stmt) -> frozenset[str]:
    """The names that a statement of a class body may bind, or unbind."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        parts = [part for each in outside_of_bodies(statement) for part in ast.walk(each)]
        return frozenset((statement.name, *(name for part in parts for name in named_by(part))))
    return frozenset(_stored_in(statement))


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.Match, _TRY_STAR)):
        yield from _stored_in(node)
    yield from named_by(node)


def named_by(node: ast.AST) -> Iterator[str]:
    """The names that a node itself binds or unbinds without an assignment."""
    match node:
        case ast.NamedExpr(target=ast.Name(id=name)):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.withitem(optional_vars=ast.expr() as target):
            yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))
        case ast.Delete(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _stored_in(node: ast.AST) -> Iterator[str]:
    """All names that a statement may bind, and some that only functions in it do."""
    for part in ast.walk(node):
        yield from named_by(part)
        match part:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]


def outside_of_bodies(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that run in its own scope: of a definition, its decorators, defaults and bases."""
    match node:
        case (
            ast.FunctionDef(args=args, decorator_list=decorators)
            | ast.AsyncFunctionDef(args=args, decorator_list=decorators)
        ):
            yield from (*decorators, *args.defaults, *(default for default in args.kw_defaults if default is not None))
        case ast.Lambda(args=args):
            yield from (*args.defaults, *(default for default in args.kw_defaults if default is not None))
        case ast.ClassDef(bases=bases, keywords=keywords, decorator_list=decorators):
            yield from (*decorators, *bases, *keywords)
        case _:
            yield from ast.iter_child_nodes(node)
