"""ComfyUI's node sockets: what a pack's node classes declare."""

from __future__ import annotations

import ast

from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import nodes_of


def serves_node(owner: ClassInfo, info: FunctionInfo) -> bool:
    """Whether ComfyUI calls the method: it is the FUNCTION of its class, or of a class in the file that inherits it."""
    if owner.node_function == info.name:
        return True
    return any(cls.node_function == info.name and cls.method(info.name) is info for cls in info.module.classes.values())


def input_type(owner: ClassInfo, name: str) -> str | None:
    """The type that INPUT_TYPES declares for an input ("COMBO" for a list of choices); None if none is found."""
    method = owner.method("INPUT_TYPES")
    if method is None:
        return None
    for node in nodes_of(method.node):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == name:
                match value:
                    case ast.Tuple(elts=[ast.Constant(value=str() as kind), *_]):
                        return kind
                    case ast.Tuple(elts=[ast.List(), *_]):
                        return "COMBO"
    return None


def nodes_near(project: Project, module: Module) -> list[ClassInfo]:
    """The classes that may be nodes: those of the module's own pack if it declares RETURN_TYPES, else of the tree.

    A tree may hold a pack twice, as a copy or a release. The nodes of one copy are connected to one another only.
    """
    paths = project.mentioning("RETURN_TYPES", module.path)
    here = project.package(module.path, module.path)
    own = [path for path in paths if project.package(path, module.path) == here]
    modules = (project.module(path, module.path) for path in own or paths)
    return [cls for found in modules if found is not None for cls in found.classes.values()]


def outputs(cls: ClassInfo, kind: str) -> list[int]:
    """The positions of the outputs of a node that have the type `kind`."""
    value = cls.attributes.get("RETURN_TYPES")
    items = value.elts if isinstance(value, ast.Tuple) else ()
    return [n for n, item in enumerate(items) if isinstance(item, ast.Constant) and item.value == kind]
