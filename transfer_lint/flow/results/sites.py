"""A transfer in the source, with all that the analysis knows of it: what the rules look at."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from transfer_lint.findings import Heat
from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Known, Why
from transfer_lint.flow.values.values import Object, Tensor


@dataclass(frozen=True)
class RequestedHalf:
    """The device or the dtype that a transfer asks for.

    known: what it is equal to.
    argument: index in the call's arguments in source order (positional first); None where the method says it.
    comparable: `tensor.device != argument` (or `.dtype`) is false exactly where that half of the move does nothing;
        with `wrap`, after wrapping.
    repeatable: evaluating the argument twice costs nothing and gives the same.
    spelling: how the half itself is written, with `{}` for the argument: `{}.device` where the argument is a tensor.
    """

    known: Known
    argument: int | None
    comparable: bool = True
    repeatable: bool = True
    wrap: str = "{}"
    spelling: str = "{}"


@dataclass(frozen=True)
class Request:
    """What a transfer asks for.

    plain: no `copy=`, memory format, `*args` or `**kwargs`: it does nothing where nothing changes.
    ambiguous: the first argument may be a device, a dtype or a tensor; it stands as the device.
    """

    device: RequestedHalf | None = None
    dtype: RequestedHalf | None = None
    plain: bool = True
    ambiguous: bool = False
    surely_non_blocking: bool = False


@dataclass(frozen=True)
class Site:
    """One transfer.

    receiver: what is moved, as known just before the move. If not `proved`, its arguments only suggest that it is a
        tensor or a module. For a module, `device` and `dtype` say where its weights
        are then; for a tensor its own.
    guarded: a test around the site compares the receiver's placement.
    in_handler: in an `except` block. inline: inside a lambda, comprehension or f-string, where only some rewrites fit.
    round_trip: for a move off the accelerator, how the value is used there again.
    made_here: a module that the function has made itself: its first move is needed.
    result: stands for what the move gives.
    """

    module: Module
    node: ast.Call
    method: str
    receiver: Tensor | Object
    is_module: bool
    device: Known | None
    dtype: Known | None
    request: Request
    function: FunctionInfo | None
    heat: Heat
    statement: ast.stmt
    guarded: bool = False
    in_handler: bool = False
    inline: bool = False
    in_fstring: bool = False
    made_here: bool = False
    result: Symbol | None = None
    round_trip: Why = field(default=())

    @property
    def proved(self) -> bool:
        """Whether the receiver is known to be a tensor or a module."""
        return self.is_module or isinstance(self.receiver, Tensor)

    @property
    def attribute(self) -> ast.Attribute:
        """The `x.to` of `x.to(d)`."""
        assert isinstance(self.node.func, ast.Attribute)
        return self.node.func

    @property
    def anchor(self) -> tuple[int, int]:
        """1-based (line, column in characters) of the method-name token."""
        attribute = self.attribute
        line = attribute.end_lineno or attribute.lineno
        return line, self.module.column(line, (attribute.end_col_offset or 0) - len(attribute.attr.encode()))

    @property
    def end(self) -> tuple[int, int]:
        """1-based (line, column in characters) just past the closing parenthesis."""
        line = self.node.end_lineno or self.node.lineno
        return line, self.module.column(line, self.node.end_col_offset or 0)

    @property
    def is_tensor(self) -> bool:
        """Whether the receiver is proved to be a tensor."""
        return isinstance(self.receiver, Tensor)

    @property
    def yields_copy(self) -> bool:
        """Whether the result is used, and is no module: then it is the moved copy."""
        bare = isinstance(self.statement, ast.Expr) and self.statement.value is self.node
        return not bare and (isinstance(self.receiver, Tensor) or self.receiver.cls is None)
