"""Array detours: arrays that are uploaded for arithmetic alone, whose result becomes an array again."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from transfer_lint.flow.program.syntax import bindings, parents
from transfer_lint.flow.results.sites import Site

_FROM_ARRAYS = frozenset({"torch.from_numpy", "torch.tensor", "torch.as_tensor", "torch.Tensor", "torch.FloatTensor"})
_MUCH = frozenset(
    {"argsort", "bmm", "cdist", "cholesky", "conv1d", "conv2d", "conv3d", "einsum", "grid_sample", "interpolate",
     "inverse", "logsumexp", "matmul", "mm", "mv", "nonzero", "solve", "sort", "svd", "topk", "unique"}
)  # fmt: skip
"""What a device does so much faster that copies may be worth it."""


def uploaded_for_arithmetic(site: Site, by_node: Mapping[ast.AST, Site], methods: frozenset[str]) -> Site | None:
    """The upload of an array of which arithmetic alone makes what the site brings back as an array; None without one.

    Names are followed backwards. What else takes part may come from anywhere, but not from a function that is given
    something: it may have been given the upload. methods: those of tensors.
    """
    function, above = site.function, parents(site.statement)
    outer = above.get(site.node)
    if function is None or not (isinstance(outer, ast.Attribute) and outer.attr == "numpy"):
        return None
    bound = [(target, value) for target, value in bindings(function.node) if isinstance(target, ast.Name) and value]
    pending, seen, found = [(site.moved, site.node.lineno)], set[ast.AST](), None
    while pending:
        node, line = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        upload = by_node.get(node)
        if upload is not None and upload.request.device is not None:
            if found is not None or not _is_of_array(upload, bound):
                return None
            found = upload
            continue
        match node:
            case ast.Name(id=name):
                made = [(t.lineno, value) for t, value in bound if t.id == name and t.lineno < line]
                pending += [(value, at) for at, value in made if value and at == max(made, key=lambda m: m[0])[0]]
            case ast.BinOp(left=left, right=right, op=op) if not isinstance(op, ast.MatMult):
                pending += [(left, line), (right, line)]
            case ast.UnaryOp(operand=inner) | ast.Subscript(value=inner):
                pending.append((inner, line))
            case ast.Call(func=ast.Attribute(value=inner, attr=name), args=args) if name in methods - _MUCH:
                whole = [] if site.module.dotted(node.func).startswith("torch.") else [inner]
                pending += [(part, line) for part in (*whole, *args)]
            case ast.Call(args=[], keywords=[]) | ast.Constant() | ast.Attribute():
                pass
            case _:
                return None
    return found


def _is_of_array(upload: Site, bound: Sequence[tuple[ast.Name, ast.expr | None]]) -> bool:
    """Whether what is uploaded is made of an array, perhaps only where it is one."""
    node = upload.moved
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if upload.module.dotted(node.func) in _FROM_ARRAYS:
            return True
        node = node.func.value
    name = node.id if isinstance(node, ast.Name) else ""
    made = (value for target, value in bound if target.id == name and target.lineno < upload.node.lineno)
    return any(isinstance(v, ast.Call) and upload.module.dotted(v.func) in _FROM_ARRAYS for v in made)
