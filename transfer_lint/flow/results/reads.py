"""Host reads: places where the host waits for the value of a tensor."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from transfer_lint.findings import Heat
from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.rates import RateOf
from transfer_lint.flow.program.syntax import parents, spelled
from transfer_lint.flow.results.scoped import Scoped
from transfer_lint.flow.values.values import Tensor

_SIZES = ("size", "nodes", "classes")  # ends of the names of arguments that say how many rows there will be


class Form(Enum):
    """How a host read reads.

    CALL: a call that gives the value: `t.item()`, `float(t)`, `torch.equal(t, u)`. TEST: a test, a comparison or an
    index needs it. NUMBER: a method of another tensor takes it for a size: `x.repeat(t, 1)`. TEXT: it becomes text.
    SIZE: the size of the result depends on it. CHECK: torch reads from the device while it computes. ITEMS: it becomes
    items of a tensor of the host, `x[:, 0] = t`. UPLOAD: none of these: a value of the host is copied from pageable
    memory, for which the host waits, too.
    """

    CALL = "call"
    TEST = "test"
    NUMBER = "number"
    TEXT = "text"
    SIZE = "size"
    CHECK = "check"
    ITEMS = "items"
    UPLOAD = "upload"


@dataclass(frozen=True)
class HostRead(Scoped):
    """One host read.

    node: `t.item()`, `float(t)`, a test whose outcome depends on the value of a tensor, or the `t` of `x[t]`, `x[:t]`.
    tensor: what is read, as known just before the read; without a placement if it is not proved to be a tensor.
    function: None at the top level of a module.
    logged: it is an argument of a call that logs.
    elements: the source of the tensor of which the loop around it reads every element; of a list of tensors, that of
        the tensor that they can be made; else "".
    given: the source of the value that is read, if ComfyUI passes the same object to every layer of a step; else "".
    by: the method with which the called function of the tree reads it; "" where no such function does.
    """

    module: Module
    node: ast.expr
    tensor: Tensor
    function: FunctionInfo | None
    rate: RateOf
    statement: ast.stmt
    in_handler: bool
    form: Form = Form.CALL
    logged: bool = False
    elements: str = ""
    given: str = ""
    by: str = ""

    @property
    def heat(self) -> Heat:
        """How often it runs: once per element, if a loop around it reads every element of a tensor."""
        rate = self.rate.rate
        return Heat.ELEMENT if self.elements else rate.heat if rate.throttled else rate.loud

    @property
    def throttled(self) -> bool:
        """Whether only few iterations of the steps that lead here get here."""
        return self.rate.rate.throttled

    @property
    def is_set_up(self) -> bool:
        """Whether the place runs once, whatever loops over elements are around it."""
        return self.rate.rate.heat is Heat.ONCE

    @property
    def is_collected(self) -> bool:
        """Whether it reads one of many tensors that were collected in a list: most of them are ready by then."""
        return self.elements.startswith("torch.stack(")

    @property
    def in_step(self) -> bool:
        """Whether the place runs at every step, whatever loops over elements are around it."""
        return self.rate.rate.heat.rank >= Heat.STEP.rank

    @property
    def method(self) -> str:
        """`item` of `t.item()`, `float` of `float(t)`, or what the called function does; "" for what is no call."""
        return self.by or (called_name(self.node) if isinstance(self.node, ast.Call) else "")

    @property
    def is_math(self) -> bool:
        """Whether it is a call of a function of Python's `math`."""
        return isinstance(self.node, ast.Call) and self.module.dotted(self.node.func).startswith("math.")

    @property
    def is_distribution(self) -> bool:
        """Whether it makes a distribution of torch."""
        return isinstance(self.node, ast.Call) and self.module.dotted(self.node.func).startswith("torch.distributions.")

    @property
    def left_out(self) -> str:
        """The argument without which a function looks for the largest index: `dim_size`; "" for any other read."""
        known = self.module.project.knowledge.function_sized
        sized = known.get(self.module.dotted(self.node.func)) if isinstance(self.node, ast.Call) else None
        return next((name for name in sorted(sized.exact) if name.endswith(_SIZES)), "") if sized is not None else ""

    @property
    def is_of_torch(self) -> bool:
        """Whether it is a call of a function of torch, which takes nothing but tensors."""
        return isinstance(self.node, ast.Call) and self.module.dotted(self.node.func).startswith("torch.")

    @property
    def is_assigned(self) -> bool:
        """Whether it reads while items are assigned, after the rest of its statement: `x[mask] = y`."""
        return isinstance(self.node, ast.Subscript) and isinstance(self.node.ctx, ast.Store)

    @property
    def indexed(self) -> ast.Subscript | None:
        """`x[t]` or `x[1, :t]`, where the index or bound `t` is what is read; else None."""
        held, above = self.node, parents(self.statement)
        holder = above.get(held) if self.form is Form.TEST else None
        while isinstance(holder, ast.Slice | ast.Tuple):
            held, holder = holder, above.get(holder)
        return holder if isinstance(holder, ast.Subscript) and holder.slice is held else None

    @cached_property
    def shown(self) -> ast.expr:
        """What waits: the read, what it is an index of, the items that it becomes, or a test from its `not` on."""
        if self.form is Form.ITEMS and isinstance(self.statement, ast.Assign):
            return self.statement.targets[0]
        above = parents(self.statement).get(self.node)
        if self.form is Form.TEST and isinstance(above, ast.UnaryOp) and isinstance(above.op, ast.Not):
            return above
        return self.indexed or self.node

    @property
    def order(self) -> tuple[bool, tuple[int, int], int]:
        """What sorts the reads of a statement as they happen."""
        return self.is_assigned, self.anchor, self.node.col_offset

    @cached_property
    def anchor(self) -> tuple[int, int]:
        """1-based (line, column in characters) of the called name, or of the start of a test or of what is indexed."""
        node = self.shown
        if not isinstance(node, ast.Call) or self.form is Form.TEST:
            return node.lineno, self.module.column(node.lineno, node.col_offset)
        line = node.func.end_lineno or node.func.lineno
        return line, self.module.column(line, (node.func.end_col_offset or 0) - len(called_name(node).encode()))

    @property
    def end(self) -> tuple[int, int]:
        """1-based (line, column in characters) just past the call, the test or what is indexed."""
        node = self.shown
        line = node.end_lineno or node.lineno
        return line, self.module.column(line, node.end_col_offset or 0)


def called_name(node: ast.Call) -> str:
    """The last part of what a call calls."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else spelled(node.func)
