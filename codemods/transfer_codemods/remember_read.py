"""A host read that is the same for every layer of a step is done by a function that remembers the last one."""

from __future__ import annotations

import re
from typing import TypeGuard

import libcst as cst

from .actions import RememberRead
from .site import Site
from .syntax import Refused, descendants, source


def remember_read(site: Site, action: RememberRead) -> cst.BaseExpression:
    """The expression that replaces the call: the call of a new function of the module. Raises Refused.

    Its argument is the value that stays the same object: it is compared by identity with the last one, which is kept
    alive, so that no other tensor can get its address. torch.compile follows that, but not a `functools.lru_cache`.
    """
    argument = re.sub(r"\W+", "_", action.source.rpartition("[")[2] or action.source).strip("_") or "value"
    read = _index_first(site.call) if action.index_first else site.call
    roots = [node for node in descendants(read) if _is(node, action.source)]
    names = {node.value for node in descendants(read) if isinstance(node, cst.Name) and not _is_label(node, read)}
    inside = {node.value for root in roots for node in descendants(root) if isinstance(node, cst.Name)}
    if len(roots) != 1 or names - inside or not argument.isidentifier():
        raise Refused("The read depends on more than the one value that stays the same for a step.")
    body = source(cst.ensure_type(read.deep_replace(roots[0], cst.Name(argument)), cst.Call))
    if body not in site.draft.helpers:
        name, kept = site.draft.names.fresh(f"_read_{argument}"), site.draft.names.fresh(f"_last_{argument}")
        last = "last" if argument != "last" else "last_one"
        code = (
            f"{kept} = object(), None\n\n\n"
            f"def {name}({argument}):\n"
            f'    """Read once a step: every layer is given the same object."""\n'
            f"    global {kept}\n"
            f"    {last} = {kept}\n"
            f"    if {last}[0] is not {argument}:\n"
            f"        {last} = {kept} = {argument}, {body}\n"
            f"    return {last}[1]\n"
        )
        site.draft.helpers[body] = (name, cst.parse_module(code).body)
    name = site.draft.helpers[body][0]
    return cst.Call(cst.Name(name), [cst.Arg(roots[0])], lpar=site.call.lpar, rpar=site.call.rpar)


def _index_first(read: cst.Call) -> cst.Call:
    """`x[0].item()` for `x.cpu()[0].item()`."""
    item = cst.ensure_type(cst.ensure_type(read.func, cst.Attribute).value, cst.Subscript)
    brought = cst.ensure_type(cst.ensure_type(item.value, cst.Call).func, cst.Attribute).value
    return cst.ensure_type(read.with_deep_changes(item, value=brought), cst.Call)


def _is(node: cst.CSTNode, spelled: str) -> TypeGuard[cst.BaseExpression]:
    return isinstance(node, (cst.Name, cst.Attribute, cst.Subscript)) and _plain(source(node)) == _plain(spelled)


def _plain(code: str) -> str:
    return re.sub(r"\s+", "", code).replace('"', "'")


def _is_label(node: cst.Name, read: cst.Call) -> bool:
    """Whether a name is only the attribute in `x.name`, or the keyword of an argument."""
    for part in descendants(read):
        if (isinstance(part, cst.Attribute) and part.attr is node) or (
            isinstance(part, cst.Arg) and part.keyword is node
        ):
            return True
    return False
