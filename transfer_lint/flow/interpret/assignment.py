"""Assignment: how binding a target changes the state."""

from __future__ import annotations

import ast

from transfer_lint.flow.interpret.captures import iterated
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.host_reads import index
from transfer_lint.flow.interpret.implicit_uploads import read_of_value, upload_of_index, upload_of_value
from transfer_lint.flow.interpret.items import extend, item_at
from transfer_lint.flow.interpret.mutations import written
from transfer_lint.flow.interpret.objects import store
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.values import Constant, Host, Object, Tensor, Value


def assign(frame: Frame, target: ast.expr, value: Value, state: State) -> None:
    """Bind the target of an assignment to a value."""
    match target:
        case ast.Name(id=name):
            state.locals[name] = value
        case ast.Attribute():
            owner = frame.eval(target.value, state)
            if target.attr == "data" and (
                isinstance(owner, Tensor) or (isinstance(owner, Object) and owner.cls is None)
            ):
                frame.replaces_data = True
                state.replace_data(frame.epoch(target), target.lineno, owner)
                holder = frame.eval(target.value.value, state) if isinstance(target.value, ast.Attribute) else None
                if isinstance(holder, Object):
                    state.displace(holder, frame.epoch(target), target.lineno)
            elif isinstance(owner, Object):
                store(frame, owner, target.attr, value, target, state)
        case ast.Subscript():
            _assign_item(frame, target, value, state)
        case ast.Tuple() | ast.List():
            iterated(frame, value, target, state)
            for number, item in enumerate(target.elts):
                if isinstance(item, ast.Starred):
                    assign(frame, item.value, _rest(frame, value, number, item, state), state)
                else:
                    assign(frame, item, item_at(frame, value, number, item, state), state)


def _rest(frame: Frame, value: Value, number: int, item: ast.Starred, state: State) -> Value:
    """What a starred target gets: of a tensor, a list of items of it."""
    if not isinstance(value, Tensor):
        return frame.unknown(item)
    made = Object(frame.symbol(item, "a list"), "builtins.list")
    state.create(made)
    state.write(made, "[]", item_at(frame, value, number, item, state))
    return made


def _assign_item(frame: Frame, target: ast.Subscript, value: Value, state: State) -> None:
    owner = frame.eval(target.value, state)
    key = frame.eval(target.slice, state)
    if isinstance(key, Constant) and isinstance(key.value, str):
        _note_per_step_use(frame, key.value, value, target)
    if isinstance(target.slice, ast.Slice):
        iterated(frame, value, target, state)
    frame.run_operators((owner, key), target, state)
    written(frame, target, (owner,))
    index(frame, target, owner, key, value)
    upload_of_index(frame, target, owner, key, state)
    upload_of_value(frame, target, owner, value)
    read_of_value(frame, target, owner, value)
    if isinstance(owner, Object):
        if isinstance(key, Constant) and key.item is not None:
            store(frame, owner, key.item, value, target, state)
        elif owner.cls == "builtins.dict" or (owner.cls == "builtins.list" and isinstance(key, Host)):
            extend(frame, owner, value, target, state)
        else:
            state.havoc(owner, frame.epoch(target), target.lineno)


def _note_per_step_use(frame: Frame, key: str, value: Value, target: ast.Subscript) -> None:
    if isinstance(value, Tensor) and key in frame.knowledge.per_step_keys:
        for move in value.moved_from:
            frame.round_trips[move] = (frame.fact(target, "`{}` is used on the accelerator at every sampling step"),)
