"""Statements: one handler for each form."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from transfer_lint.flow.interpret import conditions, correlation
from transfer_lint.flow.interpret.assignment import assign
from transfer_lint.flow.interpret.captures import capture, iterated
from transfer_lint.flow.interpret.frame import Frame, executes
from transfer_lint.flow.interpret.host_reads import truth
from transfer_lint.flow.interpret.items import element, extend
from transfer_lint.flow.interpret.mutations import written
from transfer_lint.flow.interpret.names import imported
from transfer_lint.flow.interpret.tensors import combine, made_of
from transfer_lint.flow.program.modules import Import
from transfer_lint.flow.program.scopes import nested_function, stands_alone
from transfer_lint.flow.program.syntax import nodes_of
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.values import NONE, Class, External, Function, Object, Package, Tensor, Value

_Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@executes(ast.Expr)
def _expression(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Expr)
    frame.eval(node.value, state)
    return state


@executes(ast.Assign)
def _assign(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Assign)
    value = frame.eval(node.value, state)
    for target in node.targets:
        assign(frame, target, value, state)
    return state


@executes(ast.AnnAssign)
def _annotated(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.AnnAssign)
    if node.value is not None:
        assign(frame, node.target, frame.eval(node.value, state), state)
    return state


@executes(ast.AugAssign)
def _augmented(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.AugAssign)
    before = frame.eval(node.target, state)
    operand = frame.eval(node.value, state)
    frame.run_operators((before, operand), node, state)
    written(frame, node, (before,))
    if isinstance(before, Object):
        iterated(frame, operand, node, state)
    if isinstance(before, Object) and before.cls == "builtins.list" and isinstance(node.op, ast.Add):
        extend(frame, before, element(frame, operand, node.value, state), node, state)
        return state
    # A tensor is changed in place: same object, same placement.
    value = before if isinstance(before, Tensor) else combine(frame, (before, operand), node.value)
    if isinstance(before, Tensor) and isinstance(operand, Tensor):
        value = replace(before, made=made_of(frame, (before, operand)))
    if isinstance(before, Object) and isinstance(value, Object):
        state.havoc(before, frame.epoch(node), node.lineno)
        state.sharing.alias(value.ident, before.ident)
    assign(frame, node.target, value, state)
    return state


@executes(ast.Return)
def _return(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Return)
    value: Value = frame.eval(node.value, state) if node.value is not None else NONE
    frame.may_raise(state)
    frame.returns.append((value, state))
    return None


@executes(ast.Raise)
def _raise(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Raise)
    for part in (node.exc, node.cause):
        if part is not None:
            frame.eval(part, state)
    frame.may_raise(state)
    return None


@executes(ast.Break)
def _break(frame: Frame, node: ast.stmt, state: State) -> State | None:
    frame.loops[-1].breaks.append(state)
    return None


@executes(ast.Continue)
def _continue(frame: Frame, node: ast.stmt, state: State) -> State | None:
    frame.loops[-1].continues.append(state)
    return None


@executes(ast.Assert)
def _assert(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Assert)
    truth(frame, node.test, frame.eval(node.test, state))
    return conditions.refine(frame, node.test, state)[0]


@executes(ast.Delete)
def _delete(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Delete)
    for target in node.targets:
        if isinstance(target, ast.Name):
            state.locals.pop(target.id, None)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            owner = frame.eval(target.value, state)
            deleted = f".{target.attr}=" if isinstance(target, ast.Attribute) else ""
            frame.run_operators((owner,), target, state, deleted)
            state.havoc(owner, frame.epoch(target), target.lineno)
    return state


@executes(ast.If)
def _if(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.If)
    truth(frame, node.test, frame.eval(node.test, state))
    outcome = conditions.outcome_for_tensor(frame, node.test, state)
    if outcome is not None:
        return frame.block(node.body if outcome else node.orelse, state)
    when_true, when_false = conditions.refine(frame, node.test, state)
    key = correlation.test_key(frame, node.test, state)
    correlation.recall(key, when_true, when_false)
    first = frame.block(node.body, when_true)
    second = frame.block(node.orelse, when_false)
    merged = frame.merge([first, second], node, "if")
    if merged is not None and first is not None and second is not None:
        merged.guards = state.guards
        correlation.remember(key, first, second, merged)
    return merged


@executes(ast.Match)
def _match(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Match)
    frame.run_operators((frame.eval(node.subject, state),), node, state)
    ends: list[State | None] = [state.copy()]
    for case in node.cases:
        here = state.copy()
        for part in nodes_of(case.pattern):
            name = getattr(part, "name", None) or getattr(part, "rest", None)
            if isinstance(name, str):
                here.locals[name] = frame.unknown(part, name)
        if case.guard is not None:
            frame.eval(case.guard, here)
            here, _ = conditions.refine(frame, case.guard, here)
        ends.append(frame.block(case.body, here))
    return frame.merge(ends, node, "match")


@executes(ast.Import, ast.ImportFrom)
def _import(frame: Frame, node: ast.stmt, state: State) -> State | None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            target = alias.name if alias.asname else alias.name.partition(".")[0]
            state.locals[alias.asname or target] = imported(frame, frame.module, Import(target, 0, None))
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            if alias.name == "*":  # may bind any name; those of imports and definitions are assumed to stay
                held = [n for n, v in state.locals.items() if not isinstance(v, External | Package | Function | Class)]
                state.locals.update({name: frame.unknown(node, name) for name in held})
                continue
            found = Import(node.module or "", node.level, alias.name)
            state.locals[alias.asname or alias.name] = imported(frame, frame.module, found)
    return state


@executes(ast.Global, ast.Nonlocal)
def _rebinding(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Global | ast.Nonlocal)
    for name in node.names:
        state.locals[name] = frame.unknown(node, name)
    frame.volatile.update(node.names)  # other code that has the name may rebind it in any call
    return state


@executes(ast.FunctionDef, ast.AsyncFunctionDef)
def _function(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    decorators = [frame.eval(part, state) for part in node.decorator_list]
    for part in (*node.args.defaults, *(d for d in node.args.kw_defaults if d)):
        frame.eval(part, state)
    around = frame.function
    info = nested_function(frame.module, node, f"{around.qualname}.<locals>" if around else "")
    frame.callees.nested(frame, info, state)
    frame.volatile |= _rebound(node)
    if around is not None and around in frame.module.functions and stands_alone(info, around):
        state.locals[node.name] = Function(info)
        return state
    # Any call of it may change what it captures; nothing is known of its result.
    value = frame.unknown(node, node.name)
    capture(frame, value.ident, node, state)
    state.locals[node.name] = value
    _decorate(frame, node, decorators, state)
    return state


def _decorate(frame: Frame, node: _Definition, values: Sequence[Value], state: State) -> None:
    """Decorators are called, with what is defined; those of the tree may run it, and what they hold."""
    for decorator, value in zip(node.decorator_list, values, strict=True):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if frame.module.dotted(called) in frame.knowledge.transparent_decorators:
            continue
        where = frame.epoch(decorator), decorator.lineno
        if isinstance(value, Object):
            state.run(value, *where)
        if isinstance(value, Object | Function):
            state.havoc_all((value, state.locals.get(node.name, NONE)), *where, module_level=True)


def _rebound(node: ast.stmt) -> set[str]:
    """The names of functions around it that a function or class may bind anew."""
    return {name for part in nodes_of(node) if isinstance(part, ast.Nonlocal) for name in part.names}


def _run_at_once(node: ast.ClassDef) -> ast.Module:
    """The code of a class that runs when it is made: all but its decorators, and what its functions hold."""
    defined = [item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
    parts = [*node.bases, *(keyword.value for keyword in node.keywords)]
    for item in defined:
        parts += [*item.decorator_list, *item.args.defaults, *(default for default in item.args.kw_defaults if default)]
    rest = [item for item in node.body if item not in defined]
    return ast.Module([*map(ast.Expr, parts), *rest], [])


def _stores_into(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)


@executes(ast.ClassDef)
def _class(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.ClassDef)
    frame.volatile |= _rebound(node)
    decorators = [frame.eval(part, state) for part in node.decorator_list]
    now = _run_at_once(node)
    if any(isinstance(part, ast.Call) or _stores_into(part) for part in nodes_of(now)):
        made = frame.unknown(node, node.name)
        capture(frame, made.ident, now, state)
        state.run(made, frame.epoch(node), node.lineno)
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            info = nested_function(frame.module, item, node.name)
            frame.callees.nested(frame, info, state)
    state.locals[node.name] = External(f"{frame.module.path}:{node.name}")
    _decorate(frame, node, decorators, state)
    return state
