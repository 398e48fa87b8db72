"""Waits that a program asks for itself, whatever it does with values."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum

from transfer_lint.findings import Heat
from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.rates import RateOf


class WaitKind(Enum):
    """What is waited for, as the tables of knowledge call it."""

    WORK = "work"  # all that the device has to do
    MEMORY = "memory"  # cached memory that is given back
    ANOMALIES = "anomalies"  # a search for NaN in all that the backward pass makes


@dataclass(frozen=True)
class ExplicitWait:
    """A call that does nothing but wait, or that makes others wait: `torch.cuda.synchronize()`.

    name: its dotted name. function: None at the top level of a module.
    """

    module: Module
    node: ast.Call
    name: str
    kind: WaitKind
    function: FunctionInfo | None
    rate: RateOf
    statement: ast.stmt
    in_handler: bool

    @property
    def heat(self) -> Heat:
        """How often it runs; at most `call` in throttled code."""
        return self.rate.loud

    @property
    def anchor(self) -> tuple[int, int]:
        """1-based (line, column in characters) of the function's own name."""
        line = self.node.func.end_lineno or self.node.func.lineno
        own = self.node.func.attr if isinstance(self.node.func, ast.Attribute) else ast.unparse(self.node.func)
        return line, self.module.column(line, (self.node.func.end_col_offset or 0) - len(own.encode()))

    @property
    def end(self) -> tuple[int, int]:
        """1-based (line, column in characters) just past the closing parenthesis."""
        line = self.node.end_lineno or self.node.lineno
        return line, self.module.column(line, self.node.end_col_offset or 0)
