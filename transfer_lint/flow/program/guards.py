"""Guards in the source: tests of the placement of a module, and tests of whether a value is a tensor."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from transfer_lint.flow.program.modules import Module

_BUILTIN = ("int", "float", "bool", "str", "list", "tuple", "dict")
_NO_TENSORS = frozenset({*(f"builtins.{name}" for name in _BUILTIN), "numpy.ndarray", "PIL.Image.Image"})
"""Classes of which no tensor is an instance."""


def tested_for_tensor(module: Module, test: ast.AST) -> tuple[ast.Name, bool] | None:
    """`x` of a test that depends on whether it is a tensor, and the outcome if it is one; None for other tests.

    `isinstance(x, torch.Tensor)`, also with other classes beside it, `torch.is_tensor(x)`, `hasattr(x, "item")` are
    true of a tensor, `isinstance(x, np.ndarray)` is not.
    """
    match test:
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name() as name, kind], keywords=[]):
            kinds = {module.dotted(each) for each in _alternatives(kind)}
            if "torch.Tensor" in kinds:
                return name, True
            return (name, False) if kinds <= _NO_TENSORS else None
        case ast.Call(func=ast.Attribute(attr="is_tensor") as func, args=[ast.Name() as name], keywords=[]):
            return (name, True) if module.dotted(func) == "torch.is_tensor" else None
        case ast.Call(func=ast.Name(id="hasattr"), args=[ast.Name() as name, ast.Constant(value=attribute)]):
            return (name, True) if attribute in module.project.knowledge.tensor_methods else None
    return None


def _alternatives(kind: ast.expr) -> Sequence[ast.expr]:
    """The classes of `(A, B)` and `A | B`."""
    match kind:
        case ast.Tuple(elts=classes):
            return classes
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_alternatives(left), *_alternatives(right)]
    return [kind]


@dataclass(frozen=True)
class ModuleGuard:
    """`any(t.device != device or t.dtype != dtype ... for t in chain(module.parameters(), module.buffers()))`."""

    module: ast.expr
    device: ast.expr | None
    dtype: ast.expr | None


def module_guard(test: ast.expr) -> ModuleGuard | None:
    """The test as a module guard, or None. A module guard is false only if every weight has the compared placement."""
    match test:
        case ast.Call(
            func=ast.Name(id="any"),
            args=[
                ast.GeneratorExp(
                    elt=condition,
                    generators=[ast.comprehension(target=ast.Name(id=name), iter=source, ifs=[], is_async=0)],
                )
            ],
            keywords=[],
        ):
            module = _weights_of(source)
            if module is None:
                return None
            device = dtype = None
            parts = (
                condition.values
                if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.Or)
                else [condition]
            )
            for part in parts:
                device = device or _compared(part, name, "device")
                dtype = dtype or _compared_dtype(part, name)
            return ModuleGuard(module, device, dtype) if device or dtype else None
    return None


def _weights_of(source: ast.expr) -> ast.expr | None:
    """`m` of `chain(m.parameters(), m.buffers())`."""
    match source:
        case ast.Call(
            func=ast.Name() | ast.Attribute(attr="chain"),
            args=[
                ast.Call(func=ast.Attribute(value=first, attr="parameters"), args=[]),
                ast.Call(func=ast.Attribute(value=second, attr="buffers"), args=[]),
            ],
        ) if ast.dump(first) == ast.dump(second):
            return first
    return None


def _compared(part: ast.expr, name: str, half: str) -> ast.expr | None:
    """`d` of `t.device != d`."""
    match part:
        case ast.Compare(
            left=ast.Attribute(value=ast.Name(id=found), attr=attribute), ops=[ast.NotEq()], comparators=[right]
        ) if found == name and attribute == half:
            return right
    return None


def _compared_dtype(part: ast.expr, name: str) -> ast.expr | None:
    """`dt` of `t.dtype != dt and (t.is_floating_point() or t.is_complex())`, in either order."""
    if isinstance(part, ast.BoolOp) and isinstance(part.op, ast.And) and len(part.values) == 2:
        for one, other in (part.values, part.values[::-1]):
            dtype = _compared(one, name, "dtype")
            if dtype is not None and _asks_floating(other, name):
                return dtype
        return None
    return _compared(part, name, "dtype")


def _asks_floating(part: ast.expr, name: str) -> bool:
    """Whether a test is true for exactly the tensors that `Module.to(dtype=...)` casts: floating and complex ones."""
    match part:
        case ast.BoolOp(op=ast.Or(), values=values):
            asked = {_asked_kind(value, name) for value in values}
            return asked == {"is_floating_point", "is_complex"}
    return False


def _asked_kind(part: ast.expr, name: str) -> str:
    match part:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr=attribute), args=[]) if found == name:
            return attribute
    return "?"
