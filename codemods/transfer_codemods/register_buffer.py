"""`self.x = value` in `__init__` becomes `self.register_buffer("x", value, persistent=False)`."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from .syntax import Refused, descendants, dotted


def assignment_of(call: cst.Call, name: str, parents: Mapping[cst.CSTNode, cst.CSTNode]) -> cst.Assign:
    """The statement in `__init__` of the class around the call that assigns the attribute. Raises Refused."""
    node: cst.CSTNode = call
    while not isinstance(node, cst.ClassDef):
        if node not in parents:
            raise Refused("The call is not in a class.")
        node = parents[node]
    starts = [item for item in node.body.body if isinstance(item, cst.FunctionDef) and item.name.value == "__init__"]
    found = [
        below
        for start in starts
        for below in descendants(start)
        if isinstance(below, cst.Assign) and [dotted(item.target) for item in below.targets] == [f"self.{name}"]
    ]
    if len(found) != 1:
        raise Refused("`__init__` does not assign the attribute in one statement of its own.")
    return found[0]


def registered(assign: cst.Assign, name: str) -> cst.Expr:
    """The statement that registers what another one assigns."""
    call = cst.ensure_type(cst.parse_expression(f'self.register_buffer("{name}", None, persistent=False)'), cst.Call)
    first, value, last = call.args
    return cst.Expr(call.with_changes(args=[first, value.with_changes(value=assign.value), last]), assign.semicolon)
