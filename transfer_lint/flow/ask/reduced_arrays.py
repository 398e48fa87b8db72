"""Arrays that the host reads from a device only to reduce them to a number: the device could send the number alone."""

from __future__ import annotations

import ast

from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.syntax import nodes_of, parents
from transfer_lint.flow.results.reads import HostRead

_REDUCING = frozenset({"all", "any", "count_nonzero", "max", "mean", "min", "nanmean", "nansum", "prod", "std", "sum"})
_SIZES = frozenset({"shape", "size", "ndim"})
_SHAPING = frozenset({"astype", "flatten", "ravel", "reshape", "squeeze"})


def is_reduced(read: HostRead) -> bool:
    """Whether all that is done with an array, or its local, is to reduce it to a number, or to ask for its shape.

    `errors = x.cpu().numpy()`, `total += errors.sum()`, `good += np.count_nonzero(errors < 1)`.
    """
    if read.function is None or read.method != "numpy":
        return False
    above = {**parents(read.function.node), **parents(read.statement)}
    node = _shaped(read.node, above)
    if _is_reduced(node, above):
        return True
    match read.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is node:
            named = [n for n in nodes_of(read.function.node) if isinstance(n, ast.Name) and n.id == name]
            uses = [use for use in named if isinstance(use.ctx, ast.Load)]
            return bool(uses) and all(_is_size(use, above) or _is_reduced(_shaped(use, above), above) for use in uses)
    return False


def _shaped(node: ast.expr, above: dict[ast.AST, ast.AST]) -> ast.expr:
    """A value with the methods that are called on it and change nothing but its shape or dtype."""
    while isinstance(held := above.get(node), ast.Attribute) and held.attr in _SHAPING:
        call = above.get(held)
        if not isinstance(call, ast.Call) or call.func is not held:
            return node
        node = call
    return node


def _is_reduced(node: ast.expr, above: dict[ast.AST, ast.AST]) -> bool:
    """Whether a value, perhaps compared or computed with a number, is reduced to a number."""
    while isinstance(held := above.get(node), ast.BinOp | ast.Compare | ast.UnaryOp):
        others = (part for part in ast.iter_child_nodes(held) if part is not node and isinstance(part, ast.expr))
        if not all(isinstance(part, ast.Constant) for part in others):
            return False
        node = _shaped(held, above)
    call = above.get(held) if isinstance(held, ast.Attribute) else held
    if not isinstance(call, ast.Call) or last_name(call.func) not in _REDUCING or call.keywords:
        return False
    return (call.func is held and not call.args) or (isinstance(call.func, ast.Attribute) and call.args == [node])


def _is_size(node: ast.expr, above: dict[ast.AST, ast.AST]) -> bool:
    """Whether nothing but the shape of a value is asked for: `x.shape[0]`, `len(x)`."""
    held = above.get(node)
    if isinstance(held, ast.Attribute):
        return held.attr in _SIZES
    return isinstance(held, ast.Call) and last_name(held.func) == "len"
