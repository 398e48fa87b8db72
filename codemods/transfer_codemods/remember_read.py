"""A host read that is the same for every layer of a step is done by a function that caches the last value."""

from __future__ import annotations

import re
from typing import TypeGuard

import libcst as cst

from .actions import RememberRead
from .imports import spelling
from .site import Site
from .syntax import Refused, descendants, source


def remember_read(site: Site, action: RememberRead) -> cst.BaseExpression:
    """The expression that replaces the call: the call of a new function of the module. Raises Refused.

    Its argument is the value that stays the same object. `lru_cache` recognises that by identity, because tensors hash
    by identity, and keeps the last one alive, so that no other tensor can get its address.
    """
    argument = re.sub(r"\W+", "_", action.source.rpartition("[")[2] or action.source).strip("_") or "value"
    roots = [node for node in descendants(site.call) if _is(node, action.source)]
    names = {node.value for node in descendants(site.call) if isinstance(node, cst.Name) and not _is_label(node, site)}
    inside = {node.value for root in roots for node in descendants(root) if isinstance(node, cst.Name)}
    if len(roots) != 1 or names - inside or not argument.isidentifier():
        raise Refused("The read depends on more than the one value that stays the same for a step.")
    body = source(cst.ensure_type(site.call.deep_replace(roots[0], cst.Name(argument)), cst.Call))
    if body not in site.draft.helpers:
        cache = spelling(site, "functools", "lru_cache")
        name = site.draft.names.fresh(f"_read_{argument}")
        code = (
            f"@{cache}(maxsize=1)\n"
            f"def {name}({argument}):\n"
            f'    """Read once a step: every layer is given the same object."""\n'
            f"    return {body}\n"
        )
        site.draft.helpers[body] = (name, cst.ensure_type(cst.parse_statement(code), cst.FunctionDef))
    name = site.draft.helpers[body][0]
    return cst.Call(cst.Name(name), [cst.Arg(roots[0])], lpar=site.call.lpar, rpar=site.call.rpar)


def _is(node: cst.CSTNode, spelled: str) -> TypeGuard[cst.BaseExpression]:
    return isinstance(node, (cst.Name, cst.Attribute, cst.Subscript)) and _plain(source(node)) == _plain(spelled)


def _plain(code: str) -> str:
    return re.sub(r"\s+", "", code).replace('"', "'")


def _is_label(node: cst.Name, site: Site) -> bool:
    """Whether a name is only the attribute in `x.name`, or the keyword of an argument."""
    for part in descendants(site.call):
        if (isinstance(part, cst.Attribute) and part.attr is node) or (
            isinstance(part, cst.Arg) and part.keyword is node
        ):
            return True
    return False
