"""Handed tensors: parameters to which every call of the file that is known hands a tensor, by how that was made."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, Module
from transfer_lint.flow.program.syntax import bindings, nodes_of
from transfer_lint.flow.program.tensor_uses import makes_tensor, parameter_use

_ROUNDS = 3  # of calls that hand them on
_TENSORS = ("torch.Tensor", "torch.FloatTensor", "torch.LongTensor")


def handed_tensors(module: Module) -> Mapping[tuple[str, str], ast.Call]:
    """(qualified name of a function, name of its parameter) -> a call that hands it a tensor. Memoised on the tree."""
    known: dict[tuple[str, str], ast.Call] | None = getattr(module.tree, "_transfer_lint_handed", None)
    if known is None:
        known = {}
        given: dict[tuple[str, str], list[tuple[FunctionInfo, ast.Call, ast.expr]]] = {}
        for caller in module.functions:
            for called, call in calls_of(caller):
                for name, value in arguments(called, call):
                    if any(argument.arg == name and argument.annotation for argument in called.parameters):
                        continue
                    given.setdefault((called.qualname, name), []).append((caller, call, value))
        for _ in range(_ROUNDS):
            before = len(known)
            for key, places in given.items():
                if key not in known and all(_is_tensor(value, call, caller, known) for caller, call, value in places):
                    known[key] = places[0][1]
            if len(known) == before:
                break
        module.tree._transfer_lint_handed = known  # type: ignore[attr-defined]
    return known


def calls_of(caller: FunctionInfo) -> Iterator[tuple[FunctionInfo, ast.Call]]:
    """The calls of functions of the file, of methods of `self`, and of modules that the object keeps."""
    module, owner = caller.module, caller.owner
    for node in nodes_of(caller.node):
        found: object = None
        match node:
            case ast.Call(func=ast.Name(id=name)):
                found = module.binding(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)) if owner is not None:
                found = _method(owner, name) or _forward_of_part(owner, name)
        if isinstance(found, FunctionInfo) and isinstance(node, ast.Call) and found.module is module:
            yield found, node


def _method(owner: ClassInfo, name: str, depth: int = _ROUNDS) -> FunctionInfo | None:
    """The method of a class, or of a base that the file itself holds: what is memoised must rest on this file alone."""
    if name in owner.methods or depth == 0:
        return owner.methods.get(name)
    named = (base.id for base in owner.node.bases if isinstance(base, ast.Name))
    bases = (owner.module.classes[each] for each in named if each in owner.module.classes)
    return next((found for base in bases if (found := _method(base, name, depth - 1)) is not None), None)


def _forward_of_part(owner: ClassInfo, name: str) -> FunctionInfo | None:
    """The `forward` of what `self.name` is made of in the constructor: a class of the file."""
    start = owner.methods.get("__init__")
    for target, value in bindings(start.node) if start is not None else ():
        match target, value:
            case ast.Attribute(value=ast.Name(id="self"), attr=attr), ast.Call(func=ast.Name(id=cls)) if attr == name:
                made = owner.module.classes.get(cls)
                return made.methods.get("forward") if made is not None else None
    return None


def arguments(called: FunctionInfo, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The parameters that a call gives arguments, and these."""
    if any(isinstance(part, ast.Starred) for part in call.args):
        return
    bound = called.owner is not None and "builtins.staticmethod" not in called.decorators
    names = [argument.arg for argument in called.parameters]
    for name, value in (*zip(names[bound:], call.args, strict=False), *((k.arg, k.value) for k in call.keywords)):
        if name in names:
            yield name, value


def _is_tensor(node: ast.expr, call: ast.Call, caller: FunctionInfo, known: Mapping[tuple[str, str], ast.Call]) -> bool:
    """Whether an argument is what a function of torch makes, a local of that, or such a parameter of the caller."""
    if not isinstance(node, ast.Name):
        return makes_tensor(caller.module, node)
    made = [
        (target.lineno, value)
        for target, value in bindings(caller.node)
        if isinstance(target, ast.Name) and target.id == node.id and target.lineno < call.lineno
    ]
    if made:
        value = max(made, key=lambda pair: pair[0])[1]
        return value is not None and makes_tensor(caller.module, value)
    argument = next((each for each in caller.parameters if each.arg == node.id), None)
    if argument is None:
        return False
    if argument.annotation is not None:
        return caller.module.dotted(argument.annotation) in _TENSORS
    return (caller.qualname, node.id) in known or parameter_use(caller, node.id) is not None
