"""Sites: the transfers in the source, each with all that the analysis knows of it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from transfer_lint.findings import Heat
from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.rates import RateOf
from transfer_lint.flow.program.syntax import kinds_in
from transfer_lint.flow.results.scoped import Scoped
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Known, Why
from transfer_lint.flow.values.values import Object, Tensor


@dataclass(frozen=True)
class RequestedHalf:
    """The device or the dtype that a transfer asks for.

    known: its term, with the proof.
    argument: index of its argument in the call, in source order (positional first); None if the method name says it.
    comparable: `tensor.device != argument` (or `.dtype`), with the argument written as in `wrap`, is false exactly if
        this half of the move does nothing.
    repeatable: evaluating the argument twice costs nothing and gives the same value.
    wrap: how the argument is written in that comparison, with `{}` for the argument.
    spelling: how this half is written on its own, with `{}` for the argument: `{}.device` if the argument is a tensor.
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

    device, dtype: None if the transfer does not ask for that half.
    plain: no `copy=`, memory format, `*args` or `**kwargs`: the call does nothing if the placement is right already.
    ambiguous: the first argument may be a device, a dtype or a tensor; it is stored as `device`.
    surely_non_blocking: `non_blocking` is the constant True.
    open: an unpacked argument may ask for a half of which nothing is known.
    unpacked: the target is in a mapping, `**m`, which may ask for more; both halves have its argument.
    only_placed: that mapping was made with nothing but a device and a dtype. settled: nothing can have changed it.
    """

    device: RequestedHalf | None = None
    dtype: RequestedHalf | None = None
    plain: bool = True
    ambiguous: bool = False
    surely_non_blocking: bool = False
    open: bool = False
    unpacked: bool = False
    only_placed: bool = False
    settled: bool = False


@dataclass(frozen=True)
class Site(Scoped):
    """One transfer.

    receiver: what is moved, as known just before the move. If not `proved`, only the arguments of the call suggest that
        it is a tensor or a module.
    device, dtype: the placement just before the move: of a tensor itself, of a module's weights.
    function: None at the top level of a module.
    guarded: a test around the site compares the receiver's placement.
    in_handler: in an `except` block.
    inline: inside a lambda or comprehension, where only some rewrites are possible; in_fstring: inside an f-string.
    made_here: the receiver was made in this function and has no known device yet: this first move is needed.
    result: the symbol of the moved value.
    supposed: the facts that let a receiver which is not known to be a module pass for one that was moved before.
    round_trip: for a move off the accelerator, the facts that the value is used there again.
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
    rate: RateOf
    statement: ast.stmt
    guarded: bool = False
    in_handler: bool = False
    inline: bool = False
    in_fstring: bool = False
    made_here: bool = False
    result: Symbol | None = None
    supposed: Why = field(default=())
    round_trip: Why = field(default=())

    @property
    def heat(self) -> Heat:
        """How often it runs; at most `call` in throttled code."""
        return self.rate.loud

    @property
    def quiet_heat(self) -> Heat:
        """How often it runs as far as a hint may say: a loop that is likely one over steps counts."""
        return self.rate.rate.heat

    @property
    def step_heat(self) -> Heat:
        """The same, not counting loops that are hot only because they compute."""
        return self.rate.rate.stepping

    @property
    def copy_heat(self) -> Heat:
        """The heat for a hint about a copy to the host: a loop that computes may free memory, but not by one number."""
        one = isinstance(self.receiver, Tensor) and self.receiver.scalar
        return self.quiet_heat if one else self.step_heat

    @property
    def proved(self) -> bool:
        """Whether the receiver is known, or supposed, to be a tensor or a module."""
        return self.is_module or isinstance(self.receiver, Tensor) or bool(self.supposed)

    @property
    def attribute(self) -> ast.Attribute:
        """The `x.to` of `x.to(d)`."""
        assert isinstance(self.node.func, ast.Attribute)
        return self.node.func

    @property
    def moved(self) -> ast.expr:
        """The `x` of `x.to(d)`."""
        return self.attribute.value

    @property
    def device_argument(self) -> ast.expr | None:
        """The argument that asks for the device; None if there is none, or the method's name does."""
        device = self.request.device
        arguments = [*self.node.args, *(keyword.value for keyword in self.node.keywords)]
        return arguments[device.argument] if device is not None and device.argument is not None else None

    @property
    def anchor(self) -> tuple[int, int]:
        """1-based (line, column in characters) of the method-name token."""
        return method_name(self.module, self.attribute)

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
    def is_discarded(self) -> bool:
        """Whether the call is a statement of its own: the result is not used."""
        return isinstance(self.statement, ast.Expr) and self.statement.value is self.node

    @property
    def yields_copy(self) -> bool:
        """Whether the result is used and is not a module: then it is the moved copy."""
        return not self.is_discarded and (isinstance(self.receiver, Tensor) or self.receiver.cls is None)

    @property
    def is_blocking(self) -> bool:
        """Whether the host surely waits for the copy: the call has no `non_blocking` that may be true."""
        node, dtype = self.node, self.request.dtype
        named = 1 if self.method != "to" or dtype is None or dtype.argument != 1 else 2
        given = [*node.args[named:], *(k.value for k in node.keywords if k.arg in (None, "non_blocking"))]
        return all(isinstance(value, ast.Constant) and not value.value for value in given)

    @property
    def moves_result_of_call(self) -> bool:
        """Whether the receiver is the result of a call in the same expression: `f(x).to(d)`."""
        return isinstance(self.moved, ast.Call)

    @property
    def moves_computed(self) -> bool:
        """Whether the receiver is computed in the same expression, by a call or an operator."""
        return not kinds_in(self.moved).isdisjoint((ast.Call, ast.BinOp))

    @property
    def moves_pinned(self) -> bool:
        """Whether the receiver is pinned just before the move: `x.pin_memory().to(d)`."""
        made = self.moved
        return isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr == "pin_memory"

    @property
    def moves_place(self) -> bool:
        """Whether the receiver is a name, attribute or item, which can be assigned."""
        return isinstance(self.moved, ast.Name | ast.Attribute | ast.Subscript)


def method_name(module: Module, attribute: ast.Attribute) -> tuple[int, int]:
    """1-based (line, column in characters) of the last name in `x.to`."""
    line = attribute.end_lineno or attribute.lineno
    return line, module.column(line, (attribute.end_col_offset or 0) - len(attribute.attr.encode()))
