"""`x.to(d)` that has been done before becomes the name of what came of it."""

from __future__ import annotations

import libcst as cst

from .actions import ReuseTransfer
from .evaluation import binds, suspends
from .site import Site
from .syntax import Refused


def reuse_transfer(site: Site, action: ReuseTransfer) -> cst.BaseExpression:
    """What stands in the call's place: the name. Raises Refused where the call does something besides moving."""
    if binds(site.call) or suspends(site.call):
        raise Refused("The call binds a name or waits for something.")
    site.draft.residue[site.original] = None
    return cst.Name(action.name, lpar=site.call.lpar, rpar=site.call.rpar)
