"""Functions of the tree that do nothing but read their first argument: `def to_number(x): return x.item()`.

A lambda that a module gives a name is one, too.
"""

from __future__ import annotations

import ast

from transfer_lint.flow.program.modules import FunctionNode
from transfer_lint.flow.program.syntax import bindings, nodes_of

_READS = frozenset({"item", "nonzero", "numpy", "tolist"})
_SAME = frozenset(
    {"astype", "clone", "cpu", "detach", "double", "flatten", "float", "reshape", "squeeze", "to", "unbind",
     "unsqueeze", "view"}
)  # fmt: skip
"""What is done to a tensor before or after it is read, and computes nothing."""
_SHORT = 16  # statements


def reads_argument(node: FunctionNode | ast.Lambda) -> str:
    """The method with which a short function reads its first argument, and returns what that gives; "" if it does not.

    It is no method of a class. Memoised on the node.
    """
    known: str | None = getattr(node, "_transfer_lint_reads_argument", None)
    if known is None:
        known = _found(node)
        node._transfer_lint_reads_argument = known  # type: ignore[union-attr]
    return known


def _found(node: FunctionNode | ast.Lambda) -> str:
    parameters = [*node.args.posonlyargs, *node.args.args]
    statements = [part for part in nodes_of(node) if isinstance(part, ast.stmt)]
    if not parameters or len(statements) > _SHORT:
        return ""
    if any(isinstance(part, ast.For | ast.While | ast.With) for part in statements):
        return ""
    name = parameters[0].arg
    returned = [part.value for part in statements if isinstance(part, ast.Return) and part.value is not None]
    values = [node.body] if isinstance(node, ast.Lambda) else returned
    if any(isinstance(value, ast.Name) and value.id == name for value in values):  # `x = x.numpy()`, and returned
        values += [v for t, v in bindings(node) if isinstance(t, ast.Name) and t.id == name and v is not None]
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
