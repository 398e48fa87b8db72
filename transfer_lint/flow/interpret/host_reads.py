"""Host reads: recording where the host waits for the value of a tensor."""

from __future__ import annotations

import ast

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.values import Object, Tensor, Value

# Functions that read the value of a tensor.
CONVERSIONS = frozenset({"builtins.float", "builtins.int", "builtins.bool", "builtins.print"})


def truth(frame: Frame, node: ast.expr, value: Value) -> None:
    """Record a host read if the value that decides a test is a tensor."""
    if isinstance(value, Tensor) and not value.optional:
        note(frame, node, value)


def note(frame: Frame, node: ast.expr, value: Tensor | Object, state: State | None = None) -> None:
    """Record a host read of a tensor, or of a value that may be one."""
    around, proved = frame.around, isinstance(value, Tensor)
    tensor = value if isinstance(value, Tensor) else Tensor(value.ident)
    if not around.traced:
        given = _given(frame, node, state) if state is not None and proved else ""
        frame.reads[node] = HostRead(
            frame.module, node, tensor, frame.function, frame.heat, around.statement, around.in_handler, given
        )


def _given(frame: Frame, node: ast.expr, state: State) -> str:
    """The source of the value that a chain of methods and constant items begins with, if every layer gets that value.

    Otherwise "".
    """
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=inner), args=[], keywords=[]):
                node = inner
            case ast.Subscript(value=inner, slice=ast.Constant(value=int())):
                node = inner
            case _:
                break
    value = frame.eval(node, state.copy()) if isinstance(node, ast.Name | ast.Subscript) else None
    symbol = value.ident if isinstance(value, Tensor) else None
    if symbol is None or symbol.parent is None or symbol.parent.label not in frame.knowledge.layer_parameters:
        return ""
    return ast.unparse(node) if symbol.name[2:-2] in frame.knowledge.per_step_values else ""
