"""A function that is given up: each statement is interpreted by itself, with nothing known of what came before."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.objects import entry_state
from transfer_lint.flow.program.syntax import blocks_of, children, nodes_of
from transfer_lint.flow.values.aliasing import OverBudget
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.values import Object

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def without_flow(frame: Frame, body: Sequence[ast.stmt], budget: int) -> None:
    """Find the sites of a function. budget: steps after which the rest is left out as well."""
    names = {
        node.id
        for statement in body
        for node in nodes_of(statement)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    if frame.function is not None:
        names |= {argument.arg for argument in nodes_of(frame.function.node.args) if isinstance(argument, ast.arg)}
    frame.volatile |= names  # each read gives another unknown value
    frame.replaces_data = True
    frame.around.autocast = frame.around.default_device = True  # any statement may stand in such a `with`
    for statement in _statements(body):
        state = entry_state(frame)
        state.sharing.budget = budget
        frame.around.statement = statement
        try:
            state.forget_everything(f"alone {id(statement)}", statement.lineno)
            if isinstance(statement, _DEFINITIONS):
                _know(frame, statement, names.intersection(_names_in(ast.walk(statement))), state)
                frame.statement(statement, state)
                continue
            for expression in _expressions(statement):
                _know(frame, statement, names.intersection(_names_in(ast.walk(expression))), state)
                frame.eval(expression, state)
        except OverBudget:
            return
        finally:
            budget = state.sharing.budget


def _know(frame: Frame, statement: ast.stmt, names: Iterable[str], state: State) -> None:
    """Give each of the names an unknown value."""
    state.locals.update((name, Object(frame.symbol(statement, name, name))) for name in sorted(names))


def _names_in(nodes: Iterable[ast.AST]) -> Iterator[str]:
    return (node.id for node in nodes if isinstance(node, ast.Name))


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block and of the blocks in it, without the bodies of definitions."""
    for statement in body:
        yield statement
        if not isinstance(statement, _DEFINITIONS):
            for block in blocks_of(statement):
                yield from _statements(block)


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement that are read, without those of the statements in it."""
    for part in children(statement):
        if isinstance(part, ast.withitem):
            yield part.context_expr
        elif isinstance(part, ast.expr) and not isinstance(getattr(part, "ctx", ast.Load()), ast.Store | ast.Del):
            yield part
