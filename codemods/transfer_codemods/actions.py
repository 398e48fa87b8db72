"""Actions: what to do at a transfer, as plain data for planners and for the rewrites that carry them out.

This module does not import libcst, so that making a plan stays cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias


class Anchor(NamedTuple):
    """The position of the first character of a call's method name: of `to` in `x.to(d)`.

    line: 1-based. column: 1-based, in characters (not bytes). It is unique in a file, also if calls are parenthesised.
    """

    line: int
    column: int


@dataclass(frozen=True)
class Half:
    """One half (device or dtype) of a transfer's target.

    argument: index of the half's argument in the call's argument list, in source order; None if the method's name
        alone gives the half (`.cpu()`).
    repeatable: the argument may be written twice: evaluating it again costs nothing, has no side effect and gives
        the same value. An argument that is not repeatable is bound to a fresh local first.
    wrap: an expression, with `{}` for the argument, that can be compared with `tensor.device` (or `.dtype`) where the
        argument itself cannot: `torch.device({})` for the string "cpu". Without `{}` it is used as it is.
    """

    argument: int | None
    repeatable: bool = True
    wrap: str = "{}"


@dataclass(frozen=True)
class Target:
    """The placement that a transfer asks for; either half may be absent (None)."""

    device: Half | None
    dtype: Half | None


class GuardForm(Enum):
    """What a module guard tests to find out whether the module is there already."""

    EXACT = "exact"  # every parameter and buffer
    FIRST_TENSOR = "first-tensor"  # the first parameter or buffer only
    CACHED = "cached"  # (module, device, dtype) of the last move, stored on `self`


@dataclass(frozen=True)
class DeleteTransfer:
    """`x.to(...)` becomes `x`; a statement that then does nothing (`x = x`, a bare `x`) is deleted.

    own_attribute: to assign the attribute `self.x` to itself does nothing either: no property or `__setattr__` sees it.
    """

    own_attribute: bool = False


@dataclass(frozen=True)
class GuardTensor:
    """A guard: a tensor's move runs only if it would move something.

    rebind: the receiver is a local name that may be rebound: no later read needs the unmoved value, and nothing else
        (closure, `locals()`, generator) reads the name. Then the guard may be a statement.
    """

    target: Target
    rebind: bool


@dataclass(frozen=True)
class GuardModule:
    """A guard: a module's move runs only if one of its parameters or buffers is elsewhere."""

    target: Target
    form: GuardForm = GuardForm.EXACT


@dataclass(frozen=True)
class KeepOnDevice:
    """The device half of the move is removed, the dtype half stays: `x.to(cpu, dtype=t)` becomes `x.to(dtype=t)`."""

    target: Target


@dataclass(frozen=True)
class MergeTransfer:
    """A chain becomes one call: `x.to(d).to(t)` becomes `x.to(d, dtype=t)`.

    The action's anchor is that of the outer call, whose receiver is the inner call. Each half comes from the outer call
    if it has that half, else from the inner call. cast: the outer method is a cast (`.half()`) to this dtype, and the
    merged call has to spell it (`torch.float16`); None if the arguments give the target.
    """

    inner: Target
    outer: Target
    cast: str | None = None


@dataclass(frozen=True)
class ConstructOnDevice:
    """A factory makes its tensor where a move would put it: `zeros(n).to(d)` becomes `zeros(n, device=d)`.

    The receiver of the call at the anchor is the factory's call, which has no `device=`. with_dtype: the dtype half
    goes into the factory's call as well (it has no `dtype=`, and making the values in that dtype gives the same bits);
    otherwise a dtype half stays as `.to(dtype=t)`. legacy: the factory is a constructor such as `torch.FloatTensor`,
    which takes no device: it becomes `torch.tensor`, with this dtype (""; without one). like: both halves are those of
    one tensor, the move's argument, whose method makes it: `zeros(n).to(x)` becomes `x.new_zeros(n)`. unpacked: both
    are in a mapping that holds nothing else: `zeros(n).to(**m)` becomes `zeros(n, **m)`; then the target says no more.
    """

    target: Target
    with_dtype: bool
    legacy: str | None = None
    like: bool = False
    unpacked: bool = False


@dataclass(frozen=True)
class AssignResult:
    """A tensor's move whose result is not used: the statement `x.to(d)` becomes `x = x.to(d)`."""


@dataclass(frozen=True)
class RegisterBuffer:
    """An attribute of a module becomes a buffer: `self.x = value` in the `__init__` of the call's class becomes
    `self.register_buffer("x", value, persistent=False)`. The call stays as it is."""

    name: str


@dataclass(frozen=True)
class HoistTransfer:
    """A move with the same result in every iteration of a loop runs only in the first iteration that reaches it.

    loops: the number of such loops around the call, counted from the innermost.
    """

    loops: int


@dataclass(frozen=True)
class ReuseTransfer:
    """A move that repeats an earlier one becomes the name that still holds the earlier result."""

    name: str


@dataclass(frozen=True)
class RememberRead:
    """A host read that is the same for every layer of a step becomes the call of a function that remembers it.

    The action's anchor is that of the read. source: the expression in the read whose value is the same object for all
    layers of a step; it becomes the function's argument. index_first: the read is `x.cpu()[0].item()`, of one item of
    what is brought to the host; it becomes `x[0].item()`.
    """

    source: str
    index_first: bool = False


@dataclass(frozen=True)
class ReadAtOnce:
    """`[v.item() for v in x]` becomes `x.tolist()`. The action's anchor is that of `item`."""


@dataclass(frozen=True)
class UnreadImport:
    """What is done with an import that the other actions leave without anything that reads what it binds.

    It is removed, or (stays) those actions are refused. Its anchor is where the imported name begins: `a` in
    `import a as b`.
    """

    stays: bool


@dataclass(frozen=True)
class UnreadLocal:
    """What is done with an assignment to a local that the other actions leave without anything that reads it.

    It is removed, or (stays) those actions are refused. Its anchor is where the local's name begins. evaluated: what is
    assigned is evaluated all the same: `d = f(x)` becomes `f(x)`.
    """

    stays: bool
    evaluated: bool


Action: TypeAlias = (
    DeleteTransfer
    | GuardTensor
    | GuardModule
    | KeepOnDevice
    | MergeTransfer
    | ConstructOnDevice
    | AssignResult
    | RegisterBuffer
    | HoistTransfer
    | ReuseTransfer
    | RememberRead
    | ReadAtOnce
)
Unread: TypeAlias = UnreadImport | UnreadLocal
Plan: TypeAlias = Mapping[Anchor, "Action | Unread"]
