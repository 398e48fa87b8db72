"""Constructions, which make tensors; uploads by torch itself; and tests that take a tensor for its device."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from transfer_lint.findings import Heat
from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.rates import RateOf
from transfer_lint.flow.program.syntax import spelled
from transfer_lint.flow.results.scoped import Scoped
from transfer_lint.flow.values.terms import Why
from transfer_lint.flow.values.values import Tensor


class Called(Scoped):
    """What is at a call of a function, and is shown at its name."""

    node: ast.Call
    rate: RateOf

    @property
    def heat(self) -> Heat:
        """How often it runs; at most `call` in throttled code."""
        return self.rate.loud

    @property
    def anchor(self) -> tuple[int, int]:
        """1-based (line, column in characters) of the function's own name."""
        func = self.node.func
        line = func.end_lineno or func.lineno
        name = func.attr if isinstance(func, ast.Attribute) else spelled(func)
        return line, self.module.column(line, (func.end_col_offset or 0) - len(name.encode()))

    @property
    def end(self) -> tuple[int, int]:
        """1-based (line, column in characters) just past the closing parenthesis."""
        line = self.node.end_lineno or self.node.lineno
        return line, self.module.column(line, self.node.end_col_offset or 0)


@dataclass(frozen=True)
class Construction(Called):
    """One call of a factory, such as `torch.tensor(values, device=d)`.

    name: its dotted name. tensor: what it makes.
    function: None at the top level of a module.
    """

    module: Module
    node: ast.Call
    name: str
    tensor: Tensor
    function: FunctionInfo | None
    rate: RateOf
    statement: ast.stmt
    in_handler: bool

    @property
    def is_by_method(self) -> bool:
        """Whether a method of a tensor makes it, where that tensor is: `x.new_tensor(values)`."""
        return isinstance(self.node.func, ast.Attribute) and self.node.func.attr == "new_tensor"

    @property
    def is_uniform(self) -> bool:
        """Whether its values are written out, and no two differ: `[0, 0]`."""
        parts = (ast.Constant, ast.List, ast.Tuple, ast.Load, ast.UnaryOp, ast.USub)
        if not self.node.args or not all(isinstance(part, parts) for part in ast.walk(self.node.args[0])):
            return False
        values: list[object] = [ast.literal_eval(self.node.args[0])]
        while values and isinstance(values[0], list | tuple):
            values = [inner for value in values if isinstance(value, list | tuple) for inner in value]
        return len({repr(value) for value in values}) == 1


@dataclass(frozen=True)
class ImplicitUpload:
    """What torch itself copies to the device of another tensor: an index `x[i]`, or what items become: `x[:, 0] = y`.

    node: the subscript. brought: what is copied, a tensor or list of the host. made: the factory that made it, or None.
    tensor: what it is copied for, known to be on no host. why: the facts that prove where both are.
    """

    module: Module
    node: ast.Subscript
    brought: ast.expr
    made: ast.Call | None
    tensor: Tensor
    why: Why
    function: FunctionInfo | None
    rate: RateOf
    statement: ast.stmt
    in_handler: bool

    @property
    def heat(self) -> Heat:
        """How often it runs; at most `call` in throttled code."""
        return self.rate.loud

    @property
    def in_step(self) -> bool:
        """Whether the place runs at every step, as far as a hint may say, and not only after an exception."""
        least = Heat.CALL if self.is_index and self.tensor.why else Heat.STEP
        return self.rate.rate.heat.rank >= least.rank and not self.in_handler

    @property
    def often(self) -> str:
        """How often it runs, as far as a hint may say, in words."""
        return self.rate.rate.heat.often

    def has_cause_of(self, other: ImplicitUpload) -> bool:
        """Whether the same call made what both bring, or one function brings the same list again."""
        if self.made is not None or other.made is not None:
            return self.made is other.made
        brought = (self.brought, other.brought)
        named = all(isinstance(node, ast.Name) for node in brought) and self.function is other.function
        return named and spelled(brought[0]) == spelled(brought[1])

    @property
    def is_index(self) -> bool:
        """Whether it is an index, or a part of one."""
        return any(part is self.brought for part in ast.walk(self.node.slice))

    @property
    def anchor(self) -> tuple[int, int]:
        """1-based (line, column in characters) where what is copied begins, or what it is an index of."""
        return self._shown.lineno, self.module.column(self._shown.lineno, self._shown.col_offset)

    @property
    def end(self) -> tuple[int, int]:
        """1-based (line, column in characters) just past it."""
        line = self._shown.end_lineno or self._shown.lineno
        return line, self.module.column(line, self._shown.end_col_offset or 0)

    @property
    def _shown(self) -> ast.expr:
        return self.node if self.is_index else self.brought


@dataclass(frozen=True)
class DeviceComparison:
    """A comparison of a device with something that is, or may be, a tensor: `x.device != y`.

    tensor: that operand. proved: it is a tensor. why: the facts that prove it.
    """

    module: Module
    node: ast.Compare
    tensor: ast.expr
    proved: bool
    why: Why
    function: FunctionInfo | None
    rate: RateOf
    statement: ast.stmt

    @property
    def heat(self) -> Heat:
        """How often it runs; at most `call` in throttled code."""
        return self.rate.loud

    @property
    def anchor(self) -> tuple[int, int]:
        """1-based (line, column in characters) of its first character."""
        return self.node.lineno, self.module.column(self.node.lineno, self.node.col_offset)

    @property
    def end(self) -> tuple[int, int]:
        """1-based (line, column in characters) just past it."""
        line = self.node.end_lineno or self.node.lineno
        return line, self.module.column(line, self.node.end_col_offset or 0)
