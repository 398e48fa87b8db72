"""What a test tells about placements where it holds, and where it does not."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from transfer_lint.flow.values import Class, Constant, External, Known, Object, Placed, Tensor, Value
from transfer_lint.flow.walking import nodes_of

if TYPE_CHECKING:
    from transfer_lint.flow.interpreter import Interpreter
    from transfer_lint.flow.modules import Module
    from transfer_lint.flow.state import State

_PLACEMENT = frozenset({"device", "dtype", "is_cuda", "is_cpu", "is_mps", "is_xpu"})
_WEIGHTS = frozenset({"parameters", "buffers", "named_parameters", "named_buffers", "state_dict"})


def refine(self: Interpreter, test: ast.expr, state: State) -> tuple[State, State]:
    """The states where the test is true, and where it is false. The test itself has been evaluated already."""
    if isinstance(test, ast.Name | ast.Attribute):
        self.operate((_quietly(self, test, state),), test, state)
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            when_true, when_false = refine(self, operand, state)
            return when_false, when_true
        case ast.BoolOp(op=op, values=values):
            goes_on, leaves = state, None
            for part in values:
                when_true, when_false = refine(self, part, goes_on)
                goes_on, out = (when_true, when_false) if isinstance(op, ast.And) else (when_false, when_true)
                leaves = out if leaves is None else leaves.joined(out, ("test", id(part)), test.lineno)
            assert leaves is not None
            return (goes_on, leaves) if isinstance(op, ast.And) else (leaves, goes_on)
        case ast.NamedExpr(value=value):
            return refine(self, value, state)
    when_true, when_false = state.copy(), state.copy()
    _mark_guards(self, test, (when_true, when_false))
    match test:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            _learn_equal(self, left, right, when_true, test)
        case ast.Compare(left=left, ops=[ast.NotEq() | ast.IsNot()], comparators=[right]):
            _learn_equal(self, left, right, when_false, test)
        case ast.Call(func=ast.Name(id="isinstance"), args=[value_node, kind_node]):
            _learn_class(self, value_node, _quietly(self, kind_node, state), when_true, test)
        case ast.Call(func=ast.Attribute(attr="is_tensor"), args=[value_node]):
            _learn_class(self, value_node, External("torch.Tensor"), when_true, test)
        case ast.Call():
            guard = module_guard(test)
            if guard is not None:
                _learn_placed(self, guard, when_false, test)
    return when_true, when_false


def _quietly(self: Interpreter, node: ast.expr, state: State) -> Value:
    """The value of an expression whose effects have happened already."""
    return self.eval(node, state.copy())


def _learn_equal(self: Interpreter, left: ast.expr, right: ast.expr, state: State, test: ast.expr) -> None:
    for side, other in ((left, right), (right, left)):
        if not (isinstance(side, ast.Attribute) and side.attr in ("device", "dtype")):
            continue
        tensor = _quietly(self, side.value, state)
        value = _quietly(self, other, state)
        if not isinstance(tensor, Tensor) or isinstance(value, Constant):
            continue  # a `torch.device` never equals a string
        term = self.placed_by(value)
        if term is None:
            continue
        why = value.known.why if isinstance(value, Placed) else ()
        known = Known(term, (*why, self.fact(test, "here `{}` has been compared")))
        changed = replace(tensor, device=known) if side.attr == "device" else replace(tensor, dtype=known)
        state.learn(tensor.ident, changed)


def surely_tensor(self: Interpreter, test: ast.expr, state: State) -> bool | None:
    """What `isinstance(x, torch.Tensor)`, or `not` that, gives where x is known to be one; None for other tests."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        outcome = surely_tensor(self, test.operand, state)
        return None if outcome is None else not outcome
    tested = tested_for_tensor(self.module, test)
    value = state.locals.get(tested.id) if tested is not None else None
    return True if isinstance(value, Tensor) and not value.optional else None


def tested_for_tensor(module: Module, test: ast.AST) -> ast.Name | None:
    """`x` of `isinstance(x, torch.Tensor)` and `torch.is_tensor(x)`."""
    match test:
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name() as name, kind], keywords=[]):
            return name if module.dotted(kind) == "torch.Tensor" else None
        case ast.Call(func=ast.Attribute(attr="is_tensor") as func, args=[ast.Name() as name], keywords=[]):
            return name if module.dotted(func) == "torch.is_tensor" else None
    return None


def _learn_class(self: Interpreter, value: ast.expr, cls: Value, state: State, test: ast.expr) -> None:
    known = _quietly(self, value, state)
    if not isinstance(value, ast.Name) or not isinstance(known, Object) or known.cls is not None:
        return
    why = (self.fact(test, "`{}` holds here"),)
    if isinstance(cls, External):
        if cls.name == "torch.Tensor":
            state.locals[value.id] = Tensor(known.ident, why=why)
        elif self.knowledge.is_module_class(cls.name):
            state.locals[value.id] = replace(known, cls=cls.name, why=why)
    elif isinstance(cls, Class):
        state.locals[value.id] = replace(known, cls=cls.info, why=why)


@dataclass(frozen=True)
class ModuleGuard:
    """`any(t.device != device or t.dtype != dtype ... for t in chain(module.parameters(), module.buffers()))`."""

    module: ast.expr
    device: ast.expr | None
    dtype: ast.expr | None


def module_guard(test: ast.expr) -> ModuleGuard | None:
    """The exact module guard that a test is, if it is one: false only where every weight is placed as compared."""
    match test:
        case ast.Call(
            func=ast.Name(id="any"),
            args=[
                ast.GeneratorExp(
                    elt=condition,
                    generators=[ast.comprehension(target=ast.Name(id=name), iter=source, ifs=[], is_async=0)],
                )
            ],
            keywords=[],
        ):
            module = _weights_of(source)
            if module is None:
                return None
            device = dtype = None
            parts = (
                condition.values
                if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.Or)
                else [condition]
            )
            for part in parts:
                device = device or _compared(part, name, "device")
                dtype = dtype or _compared_dtype(part, name)
            return ModuleGuard(module, device, dtype) if device or dtype else None
    return None


def _weights_of(source: ast.expr) -> ast.expr | None:
    """`m` of `chain(m.parameters(), m.buffers())`."""
    match source:
        case ast.Call(
            func=ast.Name() | ast.Attribute(attr="chain"),
            args=[
                ast.Call(func=ast.Attribute(value=first, attr="parameters"), args=[]),
                ast.Call(func=ast.Attribute(value=second, attr="buffers"), args=[]),
            ],
        ) if ast.dump(first) == ast.dump(second):
            return first
    return None


def _compared(part: ast.expr, name: str, half: str) -> ast.expr | None:
    """`d` of `t.device != d`."""
    match part:
        case ast.Compare(
            left=ast.Attribute(value=ast.Name(id=found), attr=attribute), ops=[ast.NotEq()], comparators=[right]
        ) if found == name and attribute == half:
            return right
    return None


def _compared_dtype(part: ast.expr, name: str) -> ast.expr | None:
    """`dt` of `t.dtype != dt and (t.is_floating_point() or t.is_complex())`, in either order."""
    if isinstance(part, ast.BoolOp) and isinstance(part.op, ast.And) and len(part.values) == 2:
        for one, other in (part.values, part.values[::-1]):
            dtype = _compared(one, name, "dtype")
            if dtype is not None and _asks_floating(other, name):
                return dtype
        return None
    return _compared(part, name, "dtype")


def _asks_floating(part: ast.expr, name: str) -> bool:
    """A test that is true for every tensor that `Module.to(dtype=...)` casts: floating and complex ones."""
    match part:
        case ast.BoolOp(op=ast.Or(), values=values):
            asked = {_asked_kind(value, name) for value in values}
            return asked == {"is_floating_point", "is_complex"}
    return False


def _asked_kind(part: ast.expr, name: str) -> str:
    match part:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr=attribute), args=[]) if found == name:
            return attribute
    return "?"


def _learn_placed(self: Interpreter, guard: ModuleGuard, state: State, test: ast.expr) -> None:
    module = _quietly(self, guard.module, state)
    if not isinstance(module, Object):
        return
    halves: list[Known | None] = []
    for node in (guard.device, guard.dtype):
        value = _quietly(self, node, state) if node is not None else None
        term = self.placed_by(value) if value is not None else None
        why = value.known.why if isinstance(value, Placed) else ()
        text = (
            f"all weights of `{ast.unparse(guard.module)}` have been compared with `{ast.unparse(node)}` here"
            if node
            else ""
        )
        halves.append(Known(term, (*why, self.fact(test, text))) if term else None)
    state.place(module, halves[0], halves[1], self.epoch(test), test.lineno)


def _mark_guards(self: Interpreter, test: ast.expr, states: tuple[State, State]) -> None:
    """Whoever's placement the test looks at is not moved unconditionally any more."""
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
            looked_at = _quietly(self, owner, states[0])
            if isinstance(looked_at, Tensor | Object):
                for state in states:
                    state.guards |= {looked_at.ident}
