"""A host read: a place where the host waits for the value of a tensor."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transfer_lint.findings import Heat
from transfer_lint.flow.modules import FunctionInfo, Module
from transfer_lint.flow.values import Tensor

if TYPE_CHECKING:
    from transfer_lint.flow.interpreter import Interpreter

# Methods of a tensor that hand its values to the host.
READS = frozenset({"item", "tolist", "numpy"})
# Functions that ask a tensor for its value.
CONVERSIONS = frozenset({"builtins.float", "builtins.int", "builtins.bool", "builtins.print"})


@dataclass(frozen=True)
class HostRead:
    """One host read.

    node: `t.item()`, `float(t)`. tensor: what is read, as known just before.
    """

    module: Module
    node: ast.Call
    tensor: Tensor
    function: FunctionInfo | None
    heat: Heat
    statement: ast.stmt
    in_handler: bool

    @property
    def method(self) -> str:
        """`item` of `t.item()`, `float` of `float(t)`."""
        func = self.node.func
        return func.attr if isinstance(func, ast.Attribute) else ast.unparse(func)

    @property
    def anchor(self) -> tuple[int, int]:
        """1-based (line, column in characters) of the name that is called."""
        func = self.node.func
        line = func.end_lineno or func.lineno
        name = func.attr if isinstance(func, ast.Attribute) else self.method
        return line, self.module.column(line, (func.end_col_offset or 0) - len(name.encode()))

    @property
    def end(self) -> tuple[int, int]:
        """1-based (line, column in characters) just past the closing parenthesis."""
        line = self.node.end_lineno or self.node.lineno
        return line, self.module.column(line, self.node.end_col_offset or 0)


def note(self: Interpreter, node: ast.Call, tensor: Tensor) -> None:
    """The host reads a tensor here."""
    around = self.around
    if not around.traced:
        self.reads[node] = HostRead(
            self.module, node, tensor, self.function, self.heat, around.statement, around.in_handler
        )
