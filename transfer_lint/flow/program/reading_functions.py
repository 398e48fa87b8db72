"""Functions of the tree that do nothing but read or upload their first argument: `def to_number(x): return x.item()`.

A lambda that a module gives a name is one, too.
"""

from __future__ import annotations

import ast

from transfer_lint.flow.program.kept_values import kept_values
from transfer_lint.flow.program.modules import FunctionInfo, FunctionNode, Module
from transfer_lint.flow.program.syntax import bindings, is_literal, nodes_of, own_attribute

_READS = frozenset({"item", "nonzero", "numpy", "tolist"})
_SAME = frozenset(
    {"astype", "clone", "cpu", "detach", "double", "flatten", "float", "reshape", "squeeze", "to", "unbind",
     "unsqueeze", "view"}
)  # fmt: skip
"""What is done to a tensor before or after it is read, and computes nothing."""
_FROM_HOST = frozenset({"FloatTensor", "as_tensor", "from_numpy", "tensor"})
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


def uploads_argument(node: FunctionNode | ast.Lambda) -> bool:
    """Whether a short function makes a tensor of its first argument, moves it, and returns it.

    `def to_tensor(x): return torch.from_numpy(x).float().to(DEVICE)`. Memoised on the node.
    """
    known: bool | None = getattr(node, "_transfer_lint_uploads_argument", None)
    if known is None:
        parameters = [*node.args.posonlyargs, *node.args.args, *([node.args.vararg] if node.args.vararg else ())]
        returned = [part.value for part in nodes_of(node) if isinstance(part, ast.Return) and part.value is not None]
        values = [node.body] if isinstance(node, ast.Lambda) else returned
        known = bool(parameters) and len(values) == 1 and _uploads(values[0], parameters[0].arg)
        node._transfer_lint_uploads_argument = known  # type: ignore[union-attr]
    return known


def stays_the_same(module: Module, function: FunctionInfo | None, node: ast.expr) -> bool:
    """Whether a value is computed of literals by numpy or math, or is an attribute that `__init__` alone assigns."""
    name = own_attribute(node)
    if name is not None and function is not None and function.owner is not None and function.name != "__init__":
        return bool(kept_values(function.owner, name))
    called = module.dotted(node.func) if isinstance(node, ast.Call) else ""
    if not isinstance(node, ast.Call) or not called.startswith(("numpy.", "math.")) or "random" in called:
        return False
    return all(is_literal(argument) for argument in (*node.args, *(keyword.value for keyword in node.keywords)))


def _uploads(value: ast.expr, name: str) -> bool:
    moved = False
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        first = value.args[0] if value.args else None
        given = first.value if isinstance(first, ast.Starred) else first
        if isinstance(given, ast.Name) and given.id == name and value.func.attr in _FROM_HOST:
            return moved or any(keyword.arg == "device" for keyword in value.keywords)
        if value.func.attr not in _SAME | {"to", "cuda"}:
            return False
        moved = moved or value.func.attr in ("to", "cuda")
        value = value.func.value
    return False


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
