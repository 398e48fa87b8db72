"""`x.to(cpu, dtype=t)` becomes `x.to(dtype=t)`: the value stays on its device."""

from __future__ import annotations

from typing import TypeAlias

import libcst as cst

from .actions import KeepOnDevice, Target
from .binding import compared_with, demand_understood, halves_of, repeatable
from .delete_transfer import leave_receiver
from .site import Site
from .syntax import Refused, expression

_Comma: TypeAlias = cst.Comma | cst.MaybeSentinel
_NOTHING = cst.SimpleWhitespace("")


def keep_on_device(site: Site, action: KeepOnDevice) -> cst.BaseExpression:
    """The call with its dtype alone, or the receiver if the call has no dtype. Raises Refused.

    `non_blocking` is removed too: without a device there is nothing to wait for.
    """
    demand_understood(site.call, action.target)
    call, dtype = site.call, action.target.dtype
    halves = halves_of(action.target)
    own = _own_dtype(action.target)
    if any(index != own and not repeatable(arg, index, halves) for index, arg in enumerate(call.args)):
        raise Refused("An argument that would go does more than to name a placement.")
    return dtype_alone(call, action.target) if dtype else leave_receiver(site)


def dtype_alone(call: cst.Call, target: Target) -> cst.Call:
    """The call as a `.to` with its dtype and no other argument."""
    dtype, own = target.dtype, _own_dtype(target)
    assert dtype
    if own is None:
        value = expression(compared_with(dtype, call.args))
        kept = cst.Arg(value, cst.Name("dtype"), equal=cst.AssignEqual(_NOTHING, _NOTHING))
    else:
        kept = call.args[own]
    if call.args:
        last = call.args[-1]
        kept = kept.with_changes(comma=_closing_comma(kept.comma, last.comma))
        if isinstance(last.whitespace_after_arg, cst.ParenthesizedWhitespace):
            kept = kept.with_changes(whitespace_after_arg=last.whitespace_after_arg)
    func = cst.ensure_type(call.func, cst.Attribute)
    return call.with_changes(func=func.with_changes(attr=cst.Name("to")), args=[kept])


def _own_dtype(target: Target) -> int | None:
    """The index of the argument that gives the dtype and not also the device; None if there is none."""
    dtype = target.dtype
    return dtype.argument if dtype and (not target.device or dtype.argument != target.device.argument) else None


def _closing_comma(own: _Comma, last: _Comma) -> _Comma:
    """The comma of the last argument, or no comma, with the comment of the kept argument."""
    if isinstance(own, cst.Comma) and isinstance(last, cst.Comma):
        before, after = own.whitespace_after, last.whitespace_after
        if isinstance(before, cst.ParenthesizedWhitespace) and isinstance(after, cst.ParenthesizedWhitespace):
            return own.with_changes(whitespace_after=before.with_changes(last_line=after.last_line))
    return last
