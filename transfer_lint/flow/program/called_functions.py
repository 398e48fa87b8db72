"""Called functions: which function of the tree a call runs, by how it is written."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, Import, Module
from transfer_lint.flow.program.syntax import bindings, own_attribute


def called_function(
    module: Module, owner: ClassInfo | None, func: ast.expr, nested: Mapping[str, FunctionInfo]
) -> FunctionInfo | None:
    """The function of the tree that a call runs; None if that is not known.

    One of the file, an imported one, a method of `self`, or one of what the constructor keeps: `self.renderer.render`.
    owner: the class that the call stands in. nested: the functions that are defined around the call.
    """
    match func:
        case ast.Name(id=name):
            found = nested.get(name) or module.binding(name)
            if isinstance(found, Import) and found.name is not None:
                target = module.project.module_for(module, found)
                found = target.binding(found.name) if target is not None else None
            return found if isinstance(found, FunctionInfo) else None
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if owner is not None:
            return _method(owner, name)
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr=part), attr=name) if owner is not None:
            made = _class_of_part(owner, part)
            return _method(made, name) if made is not None else None
    return None


def _method(cls: ClassInfo, name: str) -> FunctionInfo | None:
    methods = (base.methods.get(name) for base in cls.lineage if isinstance(base, ClassInfo))
    return next((method for method in methods if method is not None), None)


def _class_of_part(owner: ClassInfo, part: str) -> ClassInfo | None:
    """The class of the tree of which `__init__` makes `self.part`."""
    start = owner.methods.get("__init__")
    for target, value in bindings(start.node) if start is not None else ():
        if own_attribute(target) == part and isinstance(value, ast.Call):
            return owner.module.project.class_named(owner.module, value.func)
    return None
