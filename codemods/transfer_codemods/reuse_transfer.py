"""`x.to(d)` that repeats an earlier transfer becomes the name of the earlier result."""

from __future__ import annotations

import libcst as cst

from .actions import ReuseTransfer
from .evaluation import binds, suspends
from .site import Site
from .syntax import Refused


def reuse_transfer(site: Site, action: ReuseTransfer) -> cst.BaseExpression:
    """The expression that replaces the call: the name. Raises Refused if the call does more than move."""
    if binds(site.call) or suspends(site.call):
        raise Refused("The call binds a name or waits for something.")
    site.draft.residue[site.original] = None
    return cst.Name(action.name, lpar=site.call.lpar, rpar=site.call.rpar)
