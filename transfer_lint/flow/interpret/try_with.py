"""`try` and `with`: the states at all exits from a block."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transfer_lint.flow.interpret.assignment import assign
from transfer_lint.flow.interpret.captures import iterated
from transfer_lint.flow.interpret.frame import Frame, Loop, executes
from transfer_lint.flow.program.modules import ClassInfo
from transfer_lint.flow.program.syntax import nodes_of, spelled
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.values import Function, Object, Placed, Tuple, Value

_RETURNED = "<what is returned>"  # the name of a local
# `except*` parses from Python 3.11 on.
_TRIES: tuple[type[ast.stmt], ...] = tuple(getattr(ast, name) for name in ("Try", "TryStar") if hasattr(ast, name))


@dataclass(frozen=True)
class _Exits:
    """How many `return`, `break` and `continue` exits were recorded when a block was entered."""

    returns: int
    loops: tuple[tuple[Loop, int, int], ...]

    @staticmethod
    def now(frame: Frame) -> _Exits:
        return _Exits(len(frame.returns), tuple((loop, len(loop.breaks), len(loop.continues)) for loop in frame.loops))

    def pass_through(self, frame: Frame, finish: Callable[[State], State | None]) -> list[State]:
        """Apply `finish` to every exit recorded since then; return the states from which it starts."""
        met: list[State] = []
        returns = frame.returns[self.returns :]
        del frame.returns[self.returns :]
        for value, state in returns:
            met.append(state.copy())
            state.locals[_RETURNED] = value  # keeps the value meanwhile
            after = finish(state)
            if after is not None:
                after.locals.pop(_RETURNED, None)
                frame.returns.append((value, after))
        for loop, breaks, continues in self.loops:
            for states, known in ((loop.breaks, breaks), (loop.continues, continues)):
                left = states[known:]
                del states[known:]
                met += [state.copy() for state in left]
                states += [after for state in left if (after := finish(state)) is not None]
        return met


@executes(*_TRIES)
def _try(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, _TRIES)
    body, handlers, orelse, final = (getattr(node, name) for name in ("body", "handlers", "orelse", "finalbody"))
    if not final:
        return _attempt(frame, node, body, handlers, orelse, state)
    exits = _Exits.now(frame)
    anywhere = [state.copy()]
    frame.handlers.append(anywhere)
    end = _attempt(frame, node, body, handlers, orelse, state)
    frame.handlers.pop()
    met = exits.pass_through(frame, lambda left: frame.block(final, left))
    general = frame.merge([*anywhere, *met, end.copy() if end is not None else None], node, "finally")
    after = frame.block(final, end)
    # An exception may enter it from anywhere. Interpreted last, so that what sites record holds on all of these paths.
    if general is not None:
        frame.may_raise(general)
    frame.block(final, general)
    return after


def _attempt(
    frame: Frame,
    node: ast.stmt,
    body: Sequence[ast.stmt],
    handlers: Sequence[ast.ExceptHandler],
    orelse: Sequence[ast.stmt],
    state: State,
) -> State | None:
    """A `try` without its `finally`. A handler may be entered before and after every statement of the body."""
    entries = [state.copy()]
    frame.handlers.append(entries)
    end = frame.block(body, state)
    frame.handlers.pop()
    end = frame.block(orelse, end)
    entry = frame.merge(entries, node, "raise")
    assert entry is not None
    frame.may_raise(entry)  # no handler may match
    ends = [end]
    for handler in handlers:
        here = entry.copy()
        if handler.type is not None:
            frame.eval(handler.type, here)
        if handler.name:
            here.locals[handler.name] = frame.unknown(handler, handler.name)
        before, frame.around.in_handler = frame.around.in_handler, True
        ends.append(frame.block(handler.body, here))
        frame.around.in_handler = before
    return frame.merge(ends, node, "try")


@executes(ast.With, ast.AsyncWith)
def _with(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.With | ast.AsyncWith)
    before = frame.around.autocast, frame.around.default_device
    effects: list[Value] = []
    swallows = False
    for item in node.items:
        context = frame.eval(item.context_expr, state)
        called = item.context_expr.func if isinstance(item.context_expr, ast.Call) else item.context_expr
        name = spelled(called)
        if "autocast" in name:
            frame.around.autocast = True
        if name in ("torch.device", "device") or isinstance(context, Placed):
            frame.around.default_device = True
        if not frame.module.dotted(called).startswith("torch."):
            given = [context, *_handed(frame, item.context_expr, state)]
            effects += given
            for value in given:  # `__enter__` runs
                _special(frame, value, ("__enter__", "__aenter__"), item.context_expr, state)
                state.havoc(value, frame.epoch(item.context_expr), node.lineno)
                iterated(frame, value, item.context_expr, state)
        swallows = swallows or _swallows(frame, called, context, state)
        if item.optional_vars is not None:
            value = frame.unknown(item.optional_vars, "what `with` gives")
            if isinstance(context, Object):
                state.sharing.alias(value.ident, context.ident)
            assign(frame, item.optional_vars, value, state)

    held = f"<with, line {node.lineno}>"
    state.locals[held] = Tuple(tuple(effects))  # keeps the values until it is left

    # Stands for leaving the block, so that entering and leaving are two program points.
    end = frame.ends.setdefault(node, ast.copy_location(ast.Name("__exit__", ast.Load()), node))

    def leave(here: State) -> State:
        for value in effects:  # `__exit__` runs
            _special(frame, value, ("__exit__", "__aexit__"), end, here)
            here.havoc(value, f"{frame.epoch(node)} exit", node.lineno)
            iterated(frame, value, end, here)
        here.locals.pop(held, None)
        return here

    exits = _Exits.now(frame)
    entries, raised = [state.copy()], None
    catches = swallows or bool(frame.handlers)
    if catches:
        frame.handlers.append(entries)
    after = frame.block(node.body, state)
    frame.around.autocast, frame.around.default_device = before
    if catches:
        frame.handlers.pop()
        raised = frame.merge(entries, node, "raise")
    if raised is not None and frame.handlers:
        frame.may_raise(leave(raised.copy()))
    if swallows:
        after = frame.merge([after, raised], node, "with")
    exits.pass_through(frame, leave)
    return leave(after) if after is not None else None


def _special(frame: Frame, value: Value, names: Sequence[str], node: ast.expr, state: State) -> None:
    """Call a special method of a context manager of the tree, so that its moves are seen."""
    if isinstance(value, Object) and isinstance(value.cls, ClassInfo):
        for method in (value.cls.method(name) for name in names):
            if method is not None:
                frame.callees.call(frame, method, {"": value}, node, state)


def _handed(frame: Frame, context: ast.expr, state: State) -> list[Value]:
    """The objects that a context manager was made from: leaving the block may change them."""
    if not isinstance(context, ast.Call):
        return []
    found = [*context.args, *(keyword.value for keyword in context.keywords)]
    if isinstance(context.func, ast.Attribute):
        found.append(context.func.value)
    values = [frame.eval(part, state.copy()) for part in found if isinstance(part, ast.Name | ast.Attribute)]
    return [value for value in values if isinstance(value, Object | Function)]


def _swallows(frame: Frame, called: ast.expr, context: Value, state: State) -> bool:
    """Whether the context manager may suppress an exception that leaves the block."""
    if frame.module.dotted(called).rpartition(".")[2] == "suppress":
        return True
    if isinstance(context, Object) and isinstance(context.cls, ClassInfo):
        leave = context.cls.method("__exit__") or context.cls.method("__aexit__")
        return leave is None or any(
            isinstance(part, ast.Return)
            and not (part.value is None or (isinstance(part.value, ast.Constant) and not part.value.value))
            for part in nodes_of(leave.node)
        )
    maker = frame.eval(called, state.copy())
    return isinstance(maker, Function) and any(isinstance(p, ast.ExceptHandler) for p in nodes_of(maker.info.node))
