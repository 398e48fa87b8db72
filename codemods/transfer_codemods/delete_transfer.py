"""`x.to(d)` becomes `x`."""

from __future__ import annotations

import libcst as cst

from .binding import demand_understood
from .evaluation import suspends
from .site import Site
from .syntax import Refused, bare, receiver_of


def delete_transfer(site: Site) -> cst.BaseExpression:
    """The receiver, in the call's parentheses if it had any. Raises Refused.

    The plan has to know that the arguments need not be evaluated. Refused here: `await`, `yield`, `x := y`, `super()`.
    """
    demand_understood(site.call)
    if any(suspends(arg.value) for arg in site.call.args):
        raise Refused("An argument of the call does more than to name a placement.")
    return leave_receiver(site)


def leave_receiver(site: Site) -> cst.BaseExpression:
    """The receiver, which replaces the call; recorded in the draft."""
    site.draft.residue[site.original] = site.receiver
    left = receiver_of(site.call)
    return bare(left) if isinstance(site.place.parent, (cst.Assign, cst.AnnAssign, cst.Return)) else left
