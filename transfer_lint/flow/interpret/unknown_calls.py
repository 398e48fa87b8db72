"""Calls of unknown code: what they may have changed, and what their results may be a part of."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.mutations import handed_over
from transfer_lint.flow.values.aliasing import Later
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.values import Class, Function, Object, Tuple, Value, objects_of


def unknown_call(frame: Frame, operands: list[Value], node: ast.Call, state: State, label: str = "") -> Object:
    """Call unknown code: havoc its operands. Its result may be a part of one of them.

    If one of them may lead to code of the tree, that may run, too: it may change module-level objects, and replace the
    data of tensors that it gets.
    """
    handed_over(frame, node, operands)
    state.havoc_all(operands, frame.epoch(node), node.lineno, module_level=any(map(_leads_to_code, operands)))
    name = label or (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "this"))
    result = Object(frame.symbol(node, f"{name}()"))
    state.heap.pop(result.ident, None)
    held = tuple(part for operand in operands for part in objects_of(operand))
    state.sharing.later[result.ident] = Later(held, certain=False)
    for operand in operands:
        alias(state, result, operand)
    return result


def _leads_to_code(value: Value) -> bool:
    if isinstance(value, Tuple):
        return any(map(_leads_to_code, value.items))
    return isinstance(value, Object | Function | Class)


def alias(state: State, result: Object, operand: Value) -> None:
    """Record that the result of a call may be a part of an operand."""
    if isinstance(operand, Object):
        state.sharing.alias(result.ident, operand.ident)
    elif isinstance(operand, Tuple):
        for item in operand.items:
            alias(state, result, item)


def namespace(frame: Frame, owner: Object, node: ast.expr, state: State) -> Object:
    """`x.__dict__`: what is written to its items is written to `x`."""
    made = Object(frame.symbol(node, f"{owner.ident.label}.__dict__"))
    for same in (owner.ident, *state.sharing.twins.get(owner.ident, ())):
        state.sharing.twin(made.ident, same)
    state.sharing.alias(made.ident, owner.ident)
    return made


def hold(state: State, made: Object, operands: Iterable[Value]) -> None:
    """Record that an operand of a constructor may be a part of the new object, even if no assignment shows it."""
    for operand in operands:
        if isinstance(operand, Object):
            state.sharing.alias(operand.ident, made.ident)
        elif isinstance(operand, Tuple):
            hold(state, made, operand.items)
