"""A host read: a place where the host waits for the value of a tensor."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transfer_lint.findings import Heat
from transfer_lint.flow.modules import FunctionInfo, Module
from transfer_lint.flow.values import Object, Tensor, Value

if TYPE_CHECKING:
    from transfer_lint.flow.interpreter import Interpreter
    from transfer_lint.flow.state import State

# Methods of a tensor that hand its values to the host.
READS = frozenset({"item", "tolist", "numpy"})
# Functions that ask a tensor for its value.
CONVERSIONS = frozenset({"builtins.float", "builtins.int", "builtins.bool", "builtins.print"})


@dataclass(frozen=True)
class HostRead:
    """One host read.

    node: `t.item()`, `float(t)`; a test that is true or false by the value of a tensor. tensor: what is read, as known
        just before; without a placement where nothing says that it is one. given: how what is read is spelled, where
        ComfyUI gives the same object to every layer of a step.
    """

    module: Module
    node: ast.expr
    tensor: Tensor
    function: FunctionInfo | None
    heat: Heat
    statement: ast.stmt
    in_handler: bool
    given: str = ""

    @property
    def method(self) -> str:
        """`item` of `t.item()`, `float` of `float(t)`; "" for a test."""
        if not isinstance(self.node, ast.Call):
            return ""
        func = self.node.func
        return func.attr if isinstance(func, ast.Attribute) else ast.unparse(func)

    @property
    def anchor(self) -> tuple[int, int]:
        """1-based (line, column in characters) of the name that is called; of a test, where it begins."""
        if not isinstance(self.node, ast.Call):
            return self.node.lineno, self.module.column(self.node.lineno, self.node.col_offset)
        func = self.node.func
        line = func.end_lineno or func.lineno
        return line, self.module.column(line, (func.end_col_offset or 0) - len(self.method.encode()))

    @property
    def end(self) -> tuple[int, int]:
        """1-based (line, column in characters) just past the call or test."""
        line = self.node.end_lineno or self.node.lineno
        return line, self.module.column(line, self.node.end_col_offset or 0)


def truth(self: Interpreter, node: ast.expr, value: Value) -> None:
    """Code goes one way or another by a value: for a tensor the host has to wait."""
    if isinstance(value, Tensor) and not value.optional:
        note(self, node, value)


def note(self: Interpreter, node: ast.expr, value: Tensor | Object, state: State | None = None) -> None:
    """The host reads a tensor here, or what may be one."""
    around, proved = self.around, isinstance(value, Tensor)
    tensor = value if isinstance(value, Tensor) else Tensor(value.ident)
    if not around.traced:
        given = _given(self, node, state) if state is not None and proved else ""
        self.reads[node] = HostRead(
            self.module, node, tensor, self.function, self.heat, around.statement, around.in_handler, given
        )


def _given(self: Interpreter, node: ast.expr, state: State) -> str:
    """How the value is spelled that a chain of methods and constant items begins with, if every layer is given it."""
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=inner), args=[], keywords=[]):
                node = inner
            case ast.Subscript(value=inner, slice=ast.Constant(value=int())):
                node = inner
            case _:
                break
    value = self.eval(node, state.copy()) if isinstance(node, ast.Name | ast.Subscript) else None
    symbol = value.ident if isinstance(value, Tensor) else None
    if symbol is None or symbol.parent is None or symbol.parent.label not in self.knowledge.layer_parameters:
        return ""
    return ast.unparse(node) if symbol.name[2:-2] in self.knowledge.per_step_values else ""
