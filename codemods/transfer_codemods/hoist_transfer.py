"""`x.to(d)` in a loop runs in the first round that gets there, and its result serves the others."""

from __future__ import annotations

import libcst as cst

from .actions import HoistTransfer
from .evaluation import binds, harmless, suspends
from .site import Site
from .syntax import Refused, assign, dotted


def hoist_transfer(site: Site, action: HoistTransfer) -> cst.BaseExpression:
    """What stands in the call's place: a new name, which is `None` before the loop and is bound before the statement
    where it still is. A loop that runs zero times, or never gets there, moves nothing, as before. Raises Refused."""
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
    """The loop around the call, the `count`-th from the inside. Raises Refused where its function has not so many."""
    node: cst.CSTNode = site.original
    while count and node is not site.place.scope:
        child, node = node, site.draft.parents[node]
        count -= isinstance(node, (cst.For, cst.While)) and node.body is child
    if count:
        raise Refused("The call does not stand in so many loops.")
    return node
