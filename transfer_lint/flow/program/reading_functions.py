"""Functions of the tree that do nothing but read their first argument: `def to_number(x): return x.item()`."""

from __future__ import annotations

import ast

from transfer_lint.flow.program.modules import FunctionInfo
from transfer_lint.flow.program.syntax import nodes_of

_READS = frozenset({"item", "nonzero", "numpy", "tolist"})
_SAME = frozenset(
    {"astype", "clone", "cpu", "detach", "double", "flatten", "float", "reshape", "squeeze", "to", "unbind",
     "unsqueeze", "view"}
)  # fmt: skip
"""What is done to a tensor before or after it is read, and computes nothing."""
_SHORT = 16  # statements


def reads_argument(info: FunctionInfo) -> str:
    """The method with which a short function reads its first argument, and returns what that gives; "" if it does not.

    Memoised on the function.
    """
    known: str | None = getattr(info.node, "_transfer_lint_reads_argument", None)
    if known is None:
        known = _found(info)
        info.node._transfer_lint_reads_argument = known  # type: ignore[union-attr]
    return known


def _found(info: FunctionInfo) -> str:
    if info.owner is not None or not info.parameters:
        return ""
    statements = [node for node in nodes_of(info.node) if isinstance(node, ast.stmt)]
    if len(statements) > _SHORT or any(isinstance(node, ast.For | ast.While | ast.With) for node in statements):
        return ""
    name = info.parameters[0].arg
    values = (node.value for node in statements if isinstance(node, ast.Return) and node.value is not None)
    return next((method for value in values if (method := _read_of(value, name))), "")


def _read_of(node: ast.expr, name: str) -> str:
    """`numpy` of `x.detach().cpu().numpy()`, if `x` is the name; "" if the chain reads nothing."""
    method = ""
    while not isinstance(node, ast.Name):
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr=called)) if called in _READS:
                method = called
            case ast.Call(func=ast.Attribute(value=inner, attr=called)) if called in _SAME:
                pass
            case ast.Attribute(value=inner, attr="data") | ast.Subscript(value=inner):
                pass
            case _:
                return ""
        node = inner
    return method if node.id == name else ""
