"""Correlated tests: what a branch assigned is known again where one and the same test is made a second time."""

from __future__ import annotations

import ast

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.values.memory import TestKey
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.values import Constant, Host, Object, Placed, Tensor, Value


def test_key(frame: Frame, test: ast.expr, state: State) -> TestKey | None:
    """What two tests have in common that have the same outcome; None for a test whose outcome may change.

    Such a test compares names or attributes with constants, or is a flag. The key holds the values that it reads.
    """
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        key = test_key(frame, test.operand, state)
        return None if key is None else ("not", *key)
    match test:
        case ast.Compare(
            left=ast.Name() | ast.Attribute() as read,
            ops=[op],
            comparators=[ast.Constant(value=str() | int() | None) as to],
        ) if isinstance(op, ast.Eq | ast.NotEq | ast.Is | ast.IsNot):
            value = frame.eval(read, state.copy())
            # An unknown value may be a tensor, which is written to in place. It never equals a string.
            lasts = _is_plain(value) or (isinstance(value, Object) and isinstance(to.value, str | None))
            return (type(op), _spelled(read), type(to.value), to.value, value) if lasts else None
        case ast.Name() | ast.Attribute():
            value = frame.eval(test, state.copy())
            return (_spelled(test), value) if _is_plain(value) else None
    return None


def _spelled(read: ast.expr) -> str:
    """What a test reads, as text that is the same for the same expression."""
    match read:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            return f"{_spelled(owner)}.{name}"
    return ast.dump(read)


def _is_plain(value: Value) -> bool:
    """Whether a value is a number or string: it cannot be written to."""
    return isinstance(value, Constant) or (isinstance(value, Host) and not value.array)


def remember(key: TestKey | None, when_true: State, when_false: State, merged: State) -> None:
    """Note which local has which value after either outcome of a test."""
    if key is None:
        return
    assigned = {
        name: (value, when_true.locals[name], when_false.locals[name])
        for name, value in merged.locals.items()
        if name in when_true.locals and name in when_false.locals
        if when_true.locals[name] is not when_false.locals[name]
        if _lasts(when_true.locals[name]) and _lasts(when_false.locals[name])
    }
    if assigned:
        merged.correlated = {**merged.correlated, key: assigned}


def recall(key: TestKey | None, when_true: State, when_false: State) -> None:
    """Where the test has that outcome again, locals that nothing has assigned since have the value of that branch."""
    if key is None:
        return
    for name, (value, true_value, false_value) in when_true.correlated.get(key, {}).items():
        if when_true.locals.get(name) == value:
            when_true.locals[name] = true_value
        if when_false.locals.get(name) == value:
            when_false.locals[name] = false_value


def _lasts(value: Value) -> bool:
    """Whether the value says nothing that may change: what does is in the heap, but for the placement of weights."""
    return not value.weight if isinstance(value, Tensor) else isinstance(value, Object | Placed | Constant | Host)
