"""Captures: what functions, lambdas and generators that are made here may change when they run later."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence, Set

from transfer_lint.files.scan import MOVES
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.names import value_of_binding
from transfer_lint.flow.program.modules import ClassInfo
from transfer_lint.flow.program.syntax import defaults_of, names_in, nodes_of
from transfer_lint.flow.values.aliasing import Later
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.values import Function, Object, Value, objects_of

_LIBRARIES = ("torch.", "math.")


def capture(frame: Frame, ident: Symbol, node: ast.AST, state: State) -> None:
    """Note of a function or generator made here, `ident`, what its code `node` may change when it runs."""
    for value in state.locals.values():
        if isinstance(value, Object):
            state.sharing.know(value)
    runs_tree = any(_may_run_tree(frame, part) for part in nodes_of(node))
    state.sharing.later[ident] = Later(_captures(frame, node, state), runs_tree)


def _may_run_tree(frame: Frame, node: ast.AST) -> bool:
    """Whether a node of nested code is a call that may run code of the tree, or makes a generator run on."""
    match node:
        case ast.Call(func=func):
            return not _only_looks(frame, func) and not frame.module.dotted(func).startswith(_LIBRARIES)
    return isinstance(node, ast.For | ast.AsyncFor | ast.With | ast.AsyncWith | ast.Await | ast.YieldFrom)


def _captures(frame: Frame, node: ast.AST, state: State) -> tuple[str | Symbol, ...]:
    """What the code of a nested scope may change outside itself.

    Locals are given by name, because the code sees their values at the time when it runs; module-level objects are
    given by their symbols.
    """
    found: list[str | Symbol] = []
    changed = set(_changed(frame, node)) | set(_run(node, state))
    names = {part.id for part in nodes_of(node) if isinstance(part, ast.Name)}
    bound = {part.id for part in nodes_of(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    if changed & bound:  # it changes something that it names itself: that may be a part of anything it reads
        changed.update(names)
    for name in sorted(changed - bound):
        if name in state.locals or name in frame.outer:
            found.append(name)
        else:
            found += _of_module(frame, name)
    for name in sorted(_given_by_default(node, changed)):
        found += objects_of(state.locals[name]) if name in state.locals else _of_module(frame, name)
    return tuple(found)


def _of_module(frame: Frame, name: str) -> Sequence[Symbol]:
    """The object that a name of the module stands for."""
    binding = frame.module.binding(name)
    value = value_of_binding(frame, frame.module, name, binding) if binding is not None else None
    return [value.ident] if isinstance(value, Object) else []


def _given_by_default(node: ast.AST, changed: Set[str]) -> Set[str]:
    """The names in the defaults of the parameters that a function changes: `def f(net=net): net.cpu()`."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return frozenset()
    given = defaults_of(node.args).items()
    return frozenset().union(*(names_in(default) for parameter, default in given if parameter in changed))


def _changed(frame: Frame, node: ast.AST) -> Iterator[str]:
    """The names of what may be changed: by a method call, as an argument, or by assigning an attribute or item."""
    for part in nodes_of(node):
        match part:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                yield from _root(part)
            case ast.Call(func=func):
                if _only_looks(frame, func):
                    continue
                yield from _root(func)
                if isinstance(func, ast.Attribute) and func.attr in MOVES:
                    continue
                if not frame.module.dotted(func).startswith(_LIBRARIES):
                    for argument in (*part.args, *(keyword.value for keyword in part.keywords)):
                        yield from _root(argument)


def _run(node: ast.AST, state: State) -> Iterator[str]:
    """The names of generators that a nested scope iterates over."""
    for part in nodes_of(node):
        if isinstance(part, ast.comprehension | ast.For):
            for name in _root(part.iter):
                value = state.locals.get(name)
                if isinstance(value, Object) and state.sharing.code(value.ident):
                    yield name


def _only_looks(frame: Frame, func: ast.expr) -> bool:
    """Whether a call changes nothing: a query of a tensor or module, or a function without side effects."""
    knowledge = frame.knowledge
    if isinstance(func, ast.Attribute) and (
        func.attr in knowledge.module_queries or func.attr in knowledge.tensor_host
    ):
        return True
    return frame.module.dotted(func) in knowledge.pure


def _root(node: ast.AST) -> Iterator[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


def runs_later(frame: Frame, values: list[Value], state: State) -> bool:
    """Whether one of the values is code with side effects, which any callee that gets it may run."""
    return any(
        isinstance(value, Function)
        or (isinstance(value, Object) and (is_callable(value) or state.sharing.captured_by(value.ident)))
        for value in values
    )


def is_callable(value: Value, *, modules: bool = False) -> bool:
    """Whether it is an instance of a class of the tree with a `__call__`. modules: or with a `forward`."""
    if not isinstance(value, Object) or not isinstance(value.cls, ClassInfo):
        return False
    return value.cls.method("__call__") is not None or (modules and value.cls.method("forward") is not None)


def runs_tree(values: list[Value], state: State) -> bool:
    """Whether one of the values is code that may run code of the tree, which any callee that gets it may run."""
    return any(isinstance(v, Object) and state.sharing.may_run_tree(state.reachable(v.ident)) for v in values)


def iterated(frame: Frame, source: Value, node: ast.AST, state: State) -> None:
    """A value is iterated over: if it is a generator, it runs on; if it is an instance, its special methods may run."""
    frame.run_operators((source,), node, state, "iter")
    if isinstance(source, Object):
        state.run(source, frame.epoch(node), getattr(node, "lineno", 0))
