"""Names: looked up in the locals, the surrounding functions, the module and its imports."""

from __future__ import annotations

import ast
import builtins
import sys

from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.program.modules import ARRAYS, Binding, ClassInfo, FunctionInfo, Import, Module
from transfer_lint.flow.program.reassigned import Reassigned
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.values import Class, External, Function, Package, Value

_FIXED = (Class, External, Package)
_WITHOUT_TENSORS = ("builtins", "torch", "einops", *ARRAYS)
"""Packages that have functions, classes and numbers, but no tensors and no modules with weights."""


def lookup(frame: Frame, node: ast.Name, state: State) -> Value:
    """The value of a name that is read."""
    value = state.locals.get(node.id, frame.outer.get(node.id))
    if value is not None:
        return frame.unknown(node, node.id) if node.id in frame.volatile else value
    fixed = frame.callees.fixed_names.setdefault(frame.module, {})
    value = fixed.get(node.id)
    if value is not None:
        return value
    binding = frame.module.binding(node.id)
    if binding is None and node.id in frame.module.bindings:
        return frame.unknown(node, node.id)
    if binding is None and frame.module.stars:
        return External(f"builtins.{node.id}") if _is_builtin(frame, node.id) else frame.unknown(node, node.id)
    if binding is None:
        value = External(f"builtins.{node.id}")
    elif is_reassigned(frame, frame.module, node.id, binding):
        return frame.unknown(node, node.id)
    else:
        value = value_of_binding(frame, frame.module, node.id, binding)
    if isinstance(value, _FIXED):
        fixed[node.id] = value
    return value


def _is_builtin(frame: Frame, name: str) -> bool:
    """Whether a name that `from m import *` may bind stands for the builtin, under the assumption that none does."""
    if not hasattr(builtins, name):
        return False
    frame.assumable.add(Assumption.NO_HIDDEN_CHANGES)
    return Assumption.NO_HIDDEN_CHANGES in frame.callees.assumptions


def may_be_tensor_or_module(value: External) -> bool:
    """Whether what is imported from outside the tree may be a tensor or module that is there, as far as is known."""
    root = value.name.partition(".")[0]
    return root not in _WITHOUT_TENSORS and root not in sys.stdlib_module_names


def is_reassigned(frame: Frame, module: Module, name: str, binding: Binding) -> bool:
    """Whether code assigns what a module binds in a way that the binding does not show, so that it may be anything."""
    if isinstance(binding, Import):
        return False
    known = Reassigned.of_project(frame.project)
    if name in module.bindings:
        return known.holds(module, name)
    targets = (frame.project.module_for(module, star) for star in module.stars)
    return any(target is not None and known.holds(target, name) for target in targets)


def value_of_binding(frame: Frame, module: Module, name: str, binding: Binding, depth: int = 0) -> Value:
    """The value that a module-level binding gives to its name. depth: of how many imports it is what they lead to."""
    match binding:
        case FunctionInfo():
            return Function(binding)
        case ClassInfo():
            return Class(binding)
        case Import():
            return imported(frame, module, binding, depth)
    return frame.callees.global_value(module, name, binding, frame.symbols)


def imported(frame: Frame, module: Module, found: Import, depth: int = 0) -> Value:
    """The value that an import binds.

    Modules can import a name from each other in a circle: no name is followed through more than 8 of them.
    """
    target = frame.project.module_for(module, found)
    if found.name is None:
        return Package(target) if target is not None else External(found.module)
    if target is not None and target is not module and depth < 8:
        binding = target.binding(found.name)
        if binding is not None and not is_reassigned(frame, target, found.name, binding):
            return value_of_binding(frame, target, found.name, binding, depth + 1)
    submodule = frame.project.module_for(module, found, found.name)
    if submodule is not None:
        return Package(submodule)
    return External(frame.project.external_name(module, found))
