"""Displays: tuples, lists, sets and dictionaries that are written out."""

from __future__ import annotations

import ast

from transfer_lint.flow.interpret.captures import iterated
from transfer_lint.flow.interpret.frame import Frame, evaluates
from transfer_lint.flow.interpret.items import extend
from transfer_lint.flow.interpret.unknown_calls import hold
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.values import Constant, Object, Tuple, Value, is_large, objects_of


@evaluates(ast.Tuple)
def _tuple(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Tuple)
    items = [frame.eval(item, state) for item in node.elts]
    made = Tuple(tuple(items))
    if not any(isinstance(item, ast.Starred) for item in node.elts) and not is_large(made):
        return made
    unknown = frame.unknown(node, "a tuple")
    for number, item in enumerate(items):  # where a starred item stands, no other has a known place
        state.write(unknown, f"[*{number}]", item)
    hold(state, unknown, items)
    return unknown


@evaluates(ast.List, ast.Set)
def _list(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.List | ast.Set)
    made = Object(frame.symbol(node, "a list"), "builtins.list")
    state.create(made)
    values = [frame.eval(item, state) for item in node.elts]
    if any(isinstance(item, ast.Starred) for item in node.elts):
        unknown = frame.unknown(node, "some list")
        hold(state, unknown, values)
        return unknown
    for number, value in enumerate(values):
        state.write(made, f"[{number}]", value)
    if isinstance(node, ast.Set):
        frame.run_operators((made,), node, state)
    return made


@evaluates(ast.Dict)
def _dict(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Dict)
    made = Object(frame.symbol(node, "a dict"), "builtins.dict")
    state.create(made)
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        key = frame.eval(key_node, state) if key_node is not None else None
        value = frame.eval(value_node, state)
        if isinstance(key, Constant) and key.item is not None:
            state.write(made, key.item, value)
            continue
        frame.run_operators((key,) if key is not None else (value,), node, state)
        if key is None:  # `**others`: some value of it
            whole, value = value, frame.unknown(value_node, "an item")
            for part in objects_of(whole):
                state.sharing.alias(value.ident, part)
        extend(frame, made, value, value_node, state)
    return made


@evaluates(ast.Starred)
def _starred(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Starred)
    whole = frame.eval(node.value, state)
    iterated(frame, whole, node, state)
    some = frame.unknown(node)
    for part in objects_of(whole):
        state.sharing.alias(some.ident, part)
    return some
