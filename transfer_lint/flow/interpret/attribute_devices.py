"""Devices of attributes: where a class puts a tensor, whichever of its methods assigns it."""

from __future__ import annotations

import ast
from dataclasses import replace

from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.names import lookup
from transfer_lint.flow.program.modules import ClassInfo
from transfer_lint.flow.program.tensor_uses import attribute_device
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.terms import Known
from transfer_lint.flow.values.values import Object, Placed, Tensor, Value


def put_by_class(frame: Frame, owner: Object, name: str, value: Value, node: ast.AST, state: State) -> Value:
    """The value of an attribute; a tensor that this function has not assigned is where its class always puts it.

    That nothing else assigns it is an assumption.
    """
    if not isinstance(value, Tensor) or value.device is not None or value.weight:
        return value
    if not isinstance(owner.cls, ClassInfo) or value.ident.parent is not owner.ident:
        return value
    device = attribute_device(owner.cls, name)
    if device is None:
        return value
    text = f"`{{}}` is on `{ast.unparse(device)}` wherever it is assigned"
    fact = frame.assume(Assumption.NO_HIDDEN_CHANGES, node, text)
    if fact is None:
        return value
    given = _device(frame, owner.cls, owner, device, state)
    term = frame.placed_by(given) if given is not None else None
    if term is None or (isinstance(given, Placed) and given.is_dtype):
        return value
    why = given.known.why if isinstance(given, Placed) else ()
    return replace(value, device=Known(term, (*why, fact)))


def _device(frame: Frame, cls: ClassInfo, owner: Object, device: ast.expr, state: State) -> Value | None:
    """The value of a device that a class names: an attribute of its object, or a name of its file."""
    if isinstance(device, ast.Attribute):
        return state.read(owner, device.attr)
    if not isinstance(device, ast.Name) or frame.module is not cls.module:
        return None
    if device.id in state.locals or device.id in frame.outer:
        return None
    return lookup(frame, device, state)
