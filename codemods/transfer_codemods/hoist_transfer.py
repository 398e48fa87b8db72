"""`x.to(d)` in a loop runs only in the first iteration that reaches it; the others use its result."""

from __future__ import annotations

import libcst as cst

from .actions import HoistTransfer
from .evaluation import binds, harmless, suspends
from .site import Site
from .syntax import Refused, assign, dotted


def hoist_transfer(site: Site, action: HoistTransfer) -> cst.BaseExpression:
    """The expression that replaces the call: a new name. Raises Refused.

    The name is `None` before the loop, and is bound to the moved value before the call's statement if it still is
    `None`. A loop that runs zero times, or never reaches the call, moves nothing, as before.
    """
    place = site.place
    if place.statement is None or place.in_class:
        raise Refused("The call is evaluated only sometimes within its statement, so nothing can be put before that.")
    if not all(harmless(node, site.draft.residue) for node in place.earlier):
        raise Refused("Its statement evaluates something else before the call, which may matter to it.")
    if binds(site.call) or suspends(site.call):
        raise Refused("The call binds a name or waits for something.")
    loop = _loop_around(site, action.loops)
    name = site.draft.names.fresh(f"{(dotted(site.receiver) or 'value').rpartition('.')[2]}_moved", place.scope)
    site.draft.before[loop].append(assign(name, cst.Name("None")))
    site.guard_before(lambda room: f"{name} is None", [assign(name, site.call)])
    site.draft.residue[site.original] = None
    return cst.Name(name)


def _loop_around(site: Site, count: int) -> cst.CSTNode:
    """The `count`-th loop around the call, from the innermost. Raises Refused if there are fewer in its scope."""
    node: cst.CSTNode = site.original
    while count and node is not site.place.scope:
        child, node = node, site.draft.parents[node]
        count -= isinstance(node, (cst.For, cst.While)) and node.body is child
    if count:
        raise Refused("The call does not stand in so many loops.")
    return node
