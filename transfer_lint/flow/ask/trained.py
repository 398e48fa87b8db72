"""What a step of training trains on: the values that go backward, and the norms of their gradients."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.syntax import LOOPS, ancestors, bindings, calls_in, loops_around, nodes_of
from transfer_lint.flow.program.throttles import is_optimizer
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.scoped import Scoped

_NORMS = frozenset({"clip_grad_norm", "clip_grad_norm_"})
_PLACES = re.compile(r"cuda|device|accelera|\.to\(|gpu|fabric|trainer|deepspeed|distributed|prepare", re.IGNORECASE)
_PARTS = 3  # sums that are parts of one another


def is_trained_on(read: HostRead) -> bool:
    """Whether what is read goes backward in the same function, or script, or is a part of what does, or a norm."""
    return _name_of(read.node) in _trained(read.scope)


def is_in_training(place: Scoped, statement: ast.stmt) -> bool:
    """Whether a loop around a statement goes backward, in the same function."""
    loops = loops_around(place.scope.body, statement)
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "backward"
        for node in (nodes_of(loops[-1]) if loops else ())
    )


def is_of_epoch(read: HostRead) -> bool:
    """Whether each round of a loop over epochs reads it once, as where all data is one batch.

    That loop is the innermost one around the read, or around all calls of its function in the file.
    """
    tree, function = read.module.tree, read.function
    loops = loops_around(read.scope.body, read.statement)
    if loops or function is None:
        return bool(loops) and _counts_epochs(loops[-1])
    around = [_loop_around(tree, call) for call in calls_in(tree) if getattr(call.func, "id", "") == function.name]
    return bool(around) and all(loop is not None and _counts_epochs(loop) for loop in around)


def _loop_around(tree: ast.AST, node: ast.AST) -> ast.AST | None:
    """The innermost loop of the function around a node; None without one."""
    for above in ancestors(tree, node):
        if isinstance(above, ast.FunctionDef):
            return None
        if isinstance(above, LOOPS):
            return above
    return None


def _counts_epochs(loop: ast.AST) -> bool:
    return isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) and "epoch" in loop.target.id.lower()


def values_of(read: HostRead) -> list[ast.expr]:
    """What the function assigns to the name that is read."""
    name = _name_of(read.node)
    return [value for target, value in _assigned(read.scope) if name and target == name]


def names_no_place(module: Module) -> bool:
    """Whether a file names nothing that could put a model on a device, save in comments."""
    known: bool | None = getattr(module.tree, "_transfer_lint_placeless", None)
    if known is None:
        known = all(_PLACES.search(line.partition("#")[0]) is None for line in module.lines)
        module.tree._transfer_lint_placeless = known  # type: ignore[attr-defined]
    return known


def _trained(function: ast.AST) -> frozenset[str]:
    """The names of a function that go backward, or are norms of gradients. Memoised on the function."""
    known: frozenset[str] | None = getattr(function, "_transfer_lint_trained", None)
    if known is None:
        found = set(_going_backward(function))
        for _ in range(_PARTS if found else 0):
            parts = {part for name, value in _assigned(function) if name in found for part in _summands(value)}
            found |= {part for part in parts if "loss" in part.lower()}
        norms = {name for name, value in _assigned(function) if isinstance(value, ast.Call) and _last(value) in _NORMS}
        known = frozenset(found | norms) - _numbers(function)
        function._transfer_lint_trained = known  # type: ignore[attr-defined]
    return known


def _going_backward(function: ast.AST) -> Iterator[str]:
    """`a` of `a.backward()`, `(a / n).backward()`, `scaler.scale(a).backward()` and the like."""
    for node in nodes_of(function):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr="step"), args=[ast.Name(id=name), *_]):
                if is_optimizer(owner) and "loss" in name.lower():
                    yield name
            case ast.Call(func=ast.Attribute(value=owner, attr="backward"), args=args, keywords=keywords):
                given = [*args[:1], *(keyword.value for keyword in keywords if keyword.arg in ("loss", "tensor"))]
                scaled = owner.args[:1] if isinstance(owner, ast.Call) and _last(owner) == "scale" else [owner]
                for value in given or scaled:
                    yield from _summands(value)


def _assigned(function: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for target, value in bindings(function):
        if isinstance(target, ast.Name) and value is not None:
            yield target.id, value
    for node in nodes_of(function):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.value


def _summands(value: ast.expr) -> Iterator[str]:
    """The names that arithmetic is done with."""
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, ast.BinOp):
            pending += [part.left, part.right]
        elif isinstance(part, ast.UnaryOp):
            pending.append(part.operand)
        elif isinstance(part, ast.Name):
            yield part.id


def _numbers(function: ast.AST) -> frozenset[str]:
    """The names to which the function assigns a number of Python somewhere."""
    return frozenset(name for name, value in _assigned(function) if _last(value) in ("float", "item"))


def _name_of(node: ast.expr) -> str:
    """`a` of `a.detach().item()`, `float(a)`, `math.isnan(a)` and `torch.isfinite(a)`; "" for anything else."""
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="math" | "torch")), args=[inner]):
                node = inner
            case ast.Call(func=ast.Name(id="float"), args=[inner]):
                node = inner
            case (
                ast.Call(func=ast.Attribute(value=inner), args=[], keywords=[])
                | ast.Attribute(value=inner, attr="data")
            ):
                node = inner
            case ast.Name(id=name):
                return name
            case _:
                return ""


def _last(node: ast.expr) -> str:
    """The last part of what a call calls."""
    func = node.func if isinstance(node, ast.Call) else None
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
