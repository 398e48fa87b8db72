"""`x.to(d)` of a tensor runs only if it would move something."""

from __future__ import annotations

import libcst as cst

from .actions import GuardTensor
from .binding import Fit, fit
from .evaluation import harmless, reads
from .site import Site
from .syntax import Room, assign, expression


def guard_tensor(site: Site, action: GuardTensor) -> cst.BaseExpression:
    """The expression that replaces the call. Raises Refused.

    A whole statement `x = x.to(d)` or `x.to(d)` goes under an `if`. Else, if `x` is a new local or one that may be
    rebound, `if x.device != d: x = x.to(d)` goes before the statement. Else the guard is a ternary, if that is a whole
    value on one line.
    """
    ready = fit(site, action.target)
    if site.is_whole_statement:
        site.guard_own_statement(lambda room: _moves(ready, room))
        return ready.call
    if ready.fresh or (action.rebind and _may_go_before(site)):
        site.guard_before(lambda room: _moves(ready, room), [assign(ready.receiver, ready.call)])
        site.draft.residue[site.original] = None
        return cst.Name(ready.receiver)
    stays = " and ".join(f"{ready.receiver}.{half} == {wanted}" for half, wanted in ready.halves)
    return site.choose(expression(ready.receiver), lambda room: stays, ready.call, one_line=True)


def _may_go_before(site: Site) -> bool:
    """Whether the move may run before everything else in its statement, and nothing there needs the unmoved tensor."""
    place = site.place
    return (
        place.statement is not None
        and not place.in_class
        and isinstance(site.receiver, cst.Name)
        and all(harmless(node, site.draft.residue) for node in place.earlier)
        and not reads(site.receiver.value, place.statement, site.original)
    )


def _moves(ready: Fit, room: Room) -> str:
    return room.joined([f"{ready.receiver}.{half} != {wanted}" for half, wanted in ready.halves], "or")
