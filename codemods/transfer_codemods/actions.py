"""What to do at a transfer: plain data, shared by whoever decides and the rewrites that carry it out.

This module imports nothing of libcst, so that deciding stays cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias


class Anchor(NamedTuple):
    """The first character of a call's method-name token: `to` in `x.to(d)`.

    line: 1-based. column: 1-based, in characters (not bytes). Unique in a file and immune to parentheses.
    """

    line: int
    column: int


@dataclass(frozen=True)
class Half:
    """One half (device or dtype) of a transfer's target.

    argument: index of the half's argument in the call's argument list in source order; None where the method's
        name alone says it (`.cpu()`).
    repeatable: the argument may be written twice: evaluating it again costs nothing, has no side effect and gives
        the same answer. What is not repeatable is bound to a fresh local first.
    wrap: what makes the argument comparable with `tensor.device`, with `{}` for the argument, where the plain
        spelling is not: `torch.device({})` for the string "cpu".
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
    """How a module guard asks whether the module is there already."""

    EXACT = "exact"  # every parameter and buffer
    FIRST_TENSOR = "first-tensor"  # the first parameter or buffer speaks for all
    CACHED = "cached"  # (module, device, dtype) of the last move, remembered on `self`


@dataclass(frozen=True)
class DeleteTransfer:
    """`x.to(...)` becomes `x`; a statement that then says nothing (`x = x`, a bare `x`) goes away."""


@dataclass(frozen=True)
class GuardTensor:
    """A tensor's move runs only where it would move something.

    rebind: the receiver is a local name whose rebinding nobody can see: no later read wants the unmoved value,
        nothing else (closure, `locals()`, generator) looks at it. Then the statement form may be used.
    """

    target: Target
    rebind: bool


@dataclass(frozen=True)
class GuardModule:
    """A module's move runs only where one of its parameters or buffers is elsewhere."""

    target: Target
    form: GuardForm = GuardForm.EXACT


@dataclass(frozen=True)
class KeepOnDevice:
    """The device half of the move is dropped; the dtype half stays: `x.to(cpu, dtype=t)` becomes `x.to(dtype=t)`."""

    target: Target


@dataclass(frozen=True)
class MergeTransfer:
    """A chain becomes one call: `x.to(d).to(t)` becomes `x.to(d, dtype=t)`.

    The action stands at the outer call's anchor; its receiver is the inner call. Each half comes from the outer call
    where that has it, else from the inner one. cast: the outer method is a cast (`.half()`) to this dtype, which the
    merged call has to spell (`torch.float16`); None where the arguments say the target.
    """

    inner: Target
    outer: Target
    cast: str | None = None


@dataclass(frozen=True)
class ConstructOnDevice:
    """A factory followed by a move makes its tensor in place: `zeros(n).to(d)` becomes `zeros(n, device=d)`.

    The receiver of the call at the anchor is the factory's call, which has no `device=`. with_dtype: the dtype half
    moves into the factory as well (it has no `dtype=`, and making the values in that dtype gives the same bits);
    otherwise a dtype half stays behind as `.to(dtype=t)`.
    """

    target: Target
    with_dtype: bool


@dataclass(frozen=True)
class AssignResult:
    """A tensor's move whose result nobody takes: the statement `x.to(d)` becomes `x = x.to(d)`."""


@dataclass(frozen=True)
class HoistTransfer:
    """A move whose result is the same in every round of the loops around it runs in the first round that gets there.

    loops: so many loops around the call, from the inside out.
    """

    loops: int


@dataclass(frozen=True)
class ReuseTransfer:
    """A move that another one has made before becomes the name that the first one's result still has."""

    name: str


@dataclass(frozen=True)
class RememberRead:
    """A host read that is the same for every layer of a step becomes the call of a function that remembers it.

    The action stands at the read's anchor. source: how the value is spelled, within the read, that stays the same
    object for all layers of a step; it becomes the function's argument.
    """

    source: str


Action: TypeAlias = (
    DeleteTransfer
    | GuardTensor
    | GuardModule
    | KeepOnDevice
    | MergeTransfer
    | ConstructOnDevice
    | AssignResult
    | HoistTransfer
    | ReuseTransfer
    | RememberRead
)
Plan: TypeAlias = Mapping[Anchor, Action]
