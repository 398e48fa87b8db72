"""The elements of a tensor are read in one call: `[v.item() for v in x.flatten()]` becomes `x.flatten().tolist()`."""

from __future__ import annotations

import libcst as cst

from .site import Site
from .syntax import Refused, comments


def read_at_once(site: Site) -> cst.BaseExpression:
    """The call stays; the list around it becomes one call. Raises Refused."""
    listed = site.draft.parents[site.original]
    if not isinstance(listed, cst.ListComp) or comments(listed):
        raise Refused("The list around the read cannot become one call.")
    site.draft.at_once.add(listed)
    return site.call


def read_of_all(listed: cst.ListComp) -> cst.Call:
    """`x.tolist()` for `[v.item() for v in x]`."""
    return cst.Call(cst.Attribute(listed.for_in.iter, cst.Name("tolist")))
