"""Given tensors: parameters that are annotated as numbers, and that the file's own calls give items of tensors.

`self.step(x, sigma=sigmas[i])` with `sigmas: Tensor`: whatever `sigma: float` says, it is a tensor.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.syntax import nodes_of

_TENSORS = ("torch.Tensor", "torch.FloatTensor", "torch.LongTensor")
_NUMBERS = ("builtins.int", "builtins.float")
_ROUNDS = 3  # of calls that hand them on


def given_tensors(module: Module) -> Mapping[tuple[str, str], ast.Call]:
    """(qualified name of a function, name of its parameter) -> a call that gives it one. Memoised on the tree."""
    known: dict[tuple[str, str], ast.Call] | None = getattr(module.tree, "_transfer_lint_given", None)
    if known is None:
        known = {}
        named: dict[str, list[FunctionInfo]] = {}
        for info in module.functions:
            if any(argument.annotation and _is_number(module, argument) for argument in info.parameters):
                named.setdefault(info.name, []).append(info)
        for _ in range(_ROUNDS if named else 0):
            before = len(known)
            for caller in module.functions:
                for called, name, call in _gives(caller, named, known):
                    known.setdefault((called.qualname, name), call)
            if len(known) == before:
                break
        module.tree._transfer_lint_given = known  # type: ignore[attr-defined]
    return known


def _gives(
    caller: FunctionInfo, named: Mapping[str, list[FunctionInfo]], known: Mapping[tuple[str, str], ast.Call]
) -> Iterator[tuple[FunctionInfo, str, ast.Call]]:
    """The functions, their number parameters and the calls in which a function gives them a tensor."""
    module = caller.module
    whole = {a.arg for a in caller.parameters if a.annotation and module.dotted(a.annotation) in _TENSORS}
    one = {a.arg for a in caller.parameters if (caller.qualname, a.arg) in known}
    if not whole and not one:
        return
    for call in nodes_of(caller.node):
        match call:
            case ast.Call(func=ast.Name(id=name)):
                own = 0
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                own = 1
            case _:
                continue
        for called in named.get(name, ()):
            if bool(own) != (called.owner is not None) or (own and called.owner is not caller.owner):
                continue
            parameters = called.parameters[own:]
            placed = list(zip(parameters, call.args, strict=False))
            placed += [(a, k.value) for k in call.keywords for a in parameters if a.arg == k.arg]
            for argument, value in placed:
                if _is_number(module, argument) and _is_tensor(value, whole, one):
                    yield called, argument.arg, call


def _is_number(module: Module, argument: ast.arg) -> bool:
    return argument.annotation is not None and module.dotted(argument.annotation) in _NUMBERS


def _is_tensor(node: ast.expr, whole: set[str], one: set[str]) -> bool:
    match node:
        case ast.Subscript(value=ast.Name(id=name), slice=key):
            return name in whole and not (isinstance(key, ast.Constant) and isinstance(key.value, str))
        case ast.Name(id=name):
            return name in one
    return False
