"""Waits that a program asks for itself, whatever it does with values."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum

from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.rates import RateOf
from transfer_lint.flow.results.constructions import Called


class WaitKind(Enum):
    """What is waited for, as the tables of knowledge call it."""

    WORK = "work"  # all that the device has to do
    MEMORY = "memory"  # cached memory that is given back
    ANOMALIES = "anomalies"  # a search for NaN in all that the backward pass makes


@dataclass(frozen=True)
class ExplicitWait(Called):
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
