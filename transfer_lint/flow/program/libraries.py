"""Libraries: whether a function works with torch, or with arrays."""

from __future__ import annotations

import ast

from transfer_lint.flow.program.modules import ARRAYS, Module
from transfer_lint.flow.program.syntax import nodes_of


def works_on_tensors(module: Module, function: ast.AST) -> bool:
    """Whether a function computes with torch, and neither makes nor takes arrays."""
    computes, arrays = _libraries(module, function)
    return computes and not arrays


def works_on_arrays(module: Module, function: ast.AST) -> bool:
    """Whether a function makes or takes arrays."""
    return _libraries(module, function)[1]


def _libraries(module: Module, function: ast.AST) -> tuple[bool, bool]:
    """Whether a function computes with torch, and whether it makes or takes arrays. Memoised on the function."""
    known: tuple[bool, bool] | None = getattr(function, "_transfer_lint_libraries", None)
    if known is None:
        of, computes, arrays = module.project.knowledge, False, False
        for node in nodes_of(function):
            match node:
                case ast.Attribute(attr="numpy" | "from_numpy"):
                    arrays = True
                case ast.Name(id=name) if name in module.bindings:
                    arrays |= module.dotted(node).partition(".")[0] in ARRAYS
                case ast.Call(func=ast.Attribute() as func):
                    called = module.dotted(func)
                    computes |= called in of.combine or called in of.tuples
        known = computes, arrays
        function._transfer_lint_libraries = known  # type: ignore[attr-defined]
    return known
