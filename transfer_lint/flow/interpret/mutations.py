"""Mutations: recording where tensors may be written to in place."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.values.values import Object, Tensor, Tuple, Value


def written(frame: Frame, node: ast.AST, values: Iterable[Value]) -> None:
    """Record that the tensors among the values, and unknown values, are certainly written to at `node`."""
    for value in values:
        if isinstance(value, Tensor):
            for symbol in value.memory():
                frame.mutations[node, symbol] = True
        elif isinstance(value, Object) and value.cls is None:
            frame.mutations[node, value.ident] = True


def handed_over(frame: Frame, node: ast.AST, values: Iterable[Value]) -> None:
    """Record that unknown code gets the values at `node`, so that it may write to them."""
    for value in values:
        if isinstance(value, Tensor):
            for symbol in value.memory():
                frame.mutations.setdefault((node, symbol), False)
        elif isinstance(value, Object):
            frame.mutations.setdefault((node, None), False)
        elif isinstance(value, Tuple):
            handed_over(frame, node, value.items)


def out_written(frame: Frame, node: ast.AST, arguments: Mapping[str, Value]) -> None:
    """Record that a function outside the tree writes to its `out=`, which may be among unpacked keywords."""
    out = arguments.get("out")
    if out is not None:
        written(frame, node, out.items if isinstance(out, Tuple) else (out,))
        handed_over(frame, node, (out,))
    if "**" in arguments:
        handed_over(frame, node, (arguments["**"],))


def method_writes(frame: Frame, name: str, arguments: Iterable[str]) -> bool:
    """Whether a method of tensors writes to its receiver or another operand."""
    knowledge = frame.knowledge
    given = knowledge.tensor_changes_with.get(name)
    return name in knowledge.tensor_changes or (given is not None and not given.exact.isdisjoint(arguments))


def function_writes(frame: Frame, name: str, arguments: Iterable[str]) -> bool:
    """Whether a function outside the tree writes to one of its operands."""
    knowledge = frame.knowledge
    given = knowledge.function_changes_with.get(name)
    return name in knowledge.function_changes or (given is not None and not given.exact.isdisjoint(arguments))
