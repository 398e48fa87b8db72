"""The join of two abstract values: what holds for both of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.knowledge.names import DEVICE
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Known, Term, TermKind, join_known, merge_why, spelled_role
from transfer_lint.flow.values.values import Constant, Host, Object, Placed, Tensor, Value


def _is_none(value: Value) -> bool:
    return isinstance(value, Constant) and value.value is None


def _perhaps_tensor(value: Value) -> tuple[Known | None, Known | None] | Literal["host"] | None:
    """The placement of a value that may be a tensor; "host" for a host value without tensor methods; else None."""
    match value:
        case Tensor():
            return value.device, value.dtype
        case Object(or_host=True):
            return value.placed
        case Host() | Constant() if not _is_none(value):
            return "host"
    return None


def _as_placed(value: Value) -> Placed | None:
    """A device or dtype; a string that names a device counts as one."""
    match value:
        case Placed():
            return value
        case Constant(value=str() as text) if DEVICE.fullmatch(text):
            return Placed(Known(Term(TermKind.CONSTANT, text)), is_dtype=False)
    return None


def _placed(a: Placed, b: Placed, phi: Callable[[str], Symbol]) -> Placed:
    """The join of two devices, or of two dtypes."""
    known = join_known(a.known, b.known)
    if known is None:
        roles = {spelled_role(part.known.term) for part in (a, b)}
        role = roles.pop() if len(roles) == 1 else Role.EITHER if None not in roles else None
        known = Known(Term(TermKind.VALUE, symbol=phi(""), role=role), a.known.why)
    return Placed(known, a.is_dtype)


def _joined_half(a: Known | None, b: Known | None, same: bool, terms: Callable[[], tuple[Term, Term]]) -> Known | None:
    """The device or dtype of what is one of two tensors. Where that of one is its own, the other may have it from it.

    same: the two are one tensor. terms: gives the terms of both.
    """
    if same or (a is None) == (b is None):
        return join_known(a, b)
    first, second = terms()
    return join_known(a or Known(first), b or Known(second))


def join(a: Value, b: Value, phi: Callable[[str], Symbol]) -> Value:
    """The join of `a` and `b`: what is known of a value that is `a` on one path and `b` on another.

    phi: makes the symbol of the joined value. It takes the path to a part: "" for the whole, "[0]" for an item.
    Tuple items and records in the heap are joined by `State.merge_values`.
    """
    if a is b:
        return a
    if _is_none(a) and isinstance(b, Tensor | Object):
        return replace(b, optional=True)
    if _is_none(b) and isinstance(a, Tensor | Object):
        return replace(a, optional=True)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        same = a.ident is b.ident
        return Tensor(
            ident=a.ident if same else phi(""),
            device=_joined_half(a.device, b.device, same, lambda: (a.device_term(), b.device_term())),
            dtype=_joined_half(a.dtype, b.dtype, same, lambda: (a.dtype_term(), b.dtype_term())),
            scalar=a.scalar if a.scalar == b.scalar else None,
            optional=a.optional or b.optional,
            weight=a.weight or b.weight,
            uncast=a.uncast or b.uncast,
            computed=a.computed or b.computed,
            likely_host=a.likely_host and b.likely_host,
            made=a.made if a.made is b.made else None,
            shares=a.shares | b.shares if same else a.memory() | b.memory(),
            moved_from=a.moved_from | b.moved_from,
            why=merge_why(a.why, b.why),
        )
    if isinstance(a, Object) and isinstance(b, Object):
        cls = a.cls if a.cls == b.cls else None
        ident = a.ident if a.ident is b.ident else phi("")
        placed = join_known(a.placed[0], b.placed[0]), join_known(a.placed[1], b.placed[1])
        why = merge_why(a.why, b.why) if cls else ()
        return Object(ident, cls, why, a.optional or b.optional, placed, a.or_host and b.or_host)
    if a == b:
        return a
    first, second = _as_placed(a), _as_placed(b)
    if first is not None and second is not None and first.is_dtype == second.is_dtype:
        return _placed(first, second, phi)
    pair = _perhaps_tensor(a), _perhaps_tensor(b)
    if all(pair) and not (isinstance(a, Host | Constant) and isinstance(b, Host | Constant)):
        ones = [where for where in pair if where is not None and where != "host"]
        device, dtype = ones[0]
        for also in ones[1:]:
            device, dtype = join_known(device, also[0]), join_known(dtype, also[1])
        return Object(phi(""), placed=(device, dtype), or_host=True)
    if isinstance(a, Host | Constant) and isinstance(b, Host | Constant) and not (_is_none(a) or _is_none(b)):
        return Host(phi(""))
    for tensor, other in ((a, b), (b, a)):
        if isinstance(tensor, Tensor) and isinstance(other, Object) and other.cls is None:
            half, other_half = other.placed
            return Object(phi(""), placed=(join_known(tensor.device, half), join_known(tensor.dtype, other_half)))
    return Object(phi(""))
