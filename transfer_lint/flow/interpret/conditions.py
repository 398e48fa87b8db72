"""Conditions: what a test tells about placements where it is true, and where it is false."""

from __future__ import annotations

import ast
from dataclasses import replace

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.program.guards import ModuleGuard, module_guard, tested_for_tensor
from transfer_lint.flow.program.syntax import nodes_of
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.terms import Known
from transfer_lint.flow.values.values import Class, Constant, External, Object, Placed, Tensor, Value

_PLACEMENT = frozenset({"device", "dtype", "is_cuda", "is_cpu", "is_mps", "is_xpu"})
_WEIGHTS = frozenset({"parameters", "buffers", "named_parameters", "named_buffers", "state_dict"})


def refine(frame: Frame, test: ast.expr, state: State) -> tuple[State, State]:
    """The states where the test is true, and where it is false. The test itself has been evaluated already."""
    if isinstance(test, ast.Name | ast.Attribute):
        frame.run_operators((_quietly(frame, test, state),), test, state)
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            when_true, when_false = refine(frame, operand, state)
            return when_false, when_true
        case ast.BoolOp(op=op, values=values):
            goes_on, leaves = state, None
            for part in values:
                when_true, when_false = refine(frame, part, goes_on)
                goes_on, out = (when_true, when_false) if isinstance(op, ast.And) else (when_false, when_true)
                leaves = out if leaves is None else leaves.joined(out, ("test", id(part)), test.lineno)
            assert leaves is not None
            return (goes_on, leaves) if isinstance(op, ast.And) else (leaves, goes_on)
        case ast.NamedExpr(value=value):
            return refine(frame, value, state)
    when_true, when_false = state.copy(), state.copy()
    _mark_guards(frame, test, (when_true, when_false))
    match test:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            _learn_equal(frame, left, right, when_true, test)
        case ast.Compare(left=left, ops=[ast.NotEq() | ast.IsNot()], comparators=[right]):
            _learn_equal(frame, left, right, when_false, test)
        case ast.Call(func=ast.Name(id="isinstance"), args=[value_node, kind_node]):
            _learn_class(frame, value_node, _quietly(frame, kind_node, state), when_true, test)
        case ast.Call(func=ast.Attribute(attr="is_tensor"), args=[value_node]):
            _learn_class(frame, value_node, External("torch.Tensor"), when_true, test)
        case ast.Call():
            guard = module_guard(test)
            if guard is not None:
                _learn_placed(frame, guard, when_false, test)
    return when_true, when_false


def _quietly(frame: Frame, node: ast.expr, state: State) -> Value:
    """The value of an expression that was evaluated before, so that its effects must not happen again."""
    return frame.eval(node, state.copy())


def _learn_equal(frame: Frame, left: ast.expr, right: ast.expr, state: State, test: ast.expr) -> None:
    for side, other in ((left, right), (right, left)):
        if not (isinstance(side, ast.Attribute) and side.attr in ("device", "dtype")):
            continue
        tensor = _quietly(frame, side.value, state)
        value = _quietly(frame, other, state)
        if not isinstance(tensor, Tensor) or isinstance(value, Constant):
            continue  # a `torch.device` never equals a string
        term = frame.placed_by(value)
        if term is None:
            continue
        why = value.known.why if isinstance(value, Placed) else ()
        known = Known(term, (*why, frame.fact(test, "here `{}` has been compared")))
        changed = replace(tensor, device=known) if side.attr == "device" else replace(tensor, dtype=known)
        state.learn(tensor.ident, changed)


def outcome_for_tensor(frame: Frame, test: ast.expr, state: State) -> bool | None:
    """The outcome of a test such as `isinstance(x, torch.Tensor)`, or of `not` that, if `x` is surely a tensor."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        outcome = outcome_for_tensor(frame, test.operand, state)
        return None if outcome is None else not outcome
    tested = tested_for_tensor(frame.module, test)
    if tested is None:
        return None
    name, outcome = tested
    value = state.locals.get(name.id)
    if not isinstance(value, Tensor) or value.optional:
        return None
    doubted = not outcome and value.ident.is_initial() and _is_annotated(frame, name.id)
    return None if doubted else outcome


def _is_annotated(frame: Frame, name: str) -> bool:
    """Whether a parameter has an annotation: code that tests for another type may know it better."""
    parameters = frame.function.parameters if frame.function is not None else ()
    return any(argument.arg == name and argument.annotation is not None for argument in parameters)


def _learn_class(frame: Frame, value: ast.expr, cls: Value, state: State, test: ast.expr) -> None:
    known = _quietly(frame, value, state)
    if not isinstance(value, ast.Name) or not isinstance(known, Object) or known.cls is not None:
        return
    why = (frame.fact(test, "`{}` holds here"),)
    if isinstance(cls, External):
        if cls.name == "torch.Tensor":
            state.locals[value.id] = Tensor(known.ident, why=why)
        elif frame.knowledge.is_module_class(cls.name):
            state.locals[value.id] = replace(known, cls=cls.name, why=why)
    elif isinstance(cls, Class):
        state.locals[value.id] = replace(known, cls=cls.info, why=why)


def _learn_placed(frame: Frame, guard: ModuleGuard, state: State, test: ast.expr) -> None:
    module = _quietly(frame, guard.module, state)
    if not isinstance(module, Object):
        return
    halves: list[Known | None] = []
    for node in (guard.device, guard.dtype):
        value = _quietly(frame, node, state) if node is not None else None
        term = frame.placed_by(value) if value is not None else None
        why = value.known.why if isinstance(value, Placed) else ()
        text = (
            f"all weights of `{ast.unparse(guard.module)}` have been compared with `{ast.unparse(node)}` here"
            if node
            else ""
        )
        halves.append(Known(term, (*why, frame.fact(test, text))) if term else None)
    state.place(module, halves[0], halves[1], frame.epoch(test), test.lineno)


def _mark_guards(frame: Frame, test: ast.expr, states: tuple[State, State]) -> None:
    """Mark the values whose placement the test reads as guarded: moves of them are conditional."""
    for node in nodes_of(test):
        owner: ast.expr | None = None
        match node:
            case ast.Attribute(value=value, attr=attribute) if attribute in _PLACEMENT:
                owner = value
            case ast.Call(func=ast.Attribute(value=value, attr=attribute)) if attribute in _WEIGHTS:
                owner = value
            case ast.Compare(
                comparators=[ast.Tuple(elts=[first, *_])]
            ):  # a remembered placement: (module, device, ...)
                owner = first
        if isinstance(owner, ast.Name | ast.Attribute):
            looked_at = _quietly(frame, owner, states[0])
            if isinstance(looked_at, Tensor | Object):
                for state in states:
                    state.guards |= {looked_at.ident}
