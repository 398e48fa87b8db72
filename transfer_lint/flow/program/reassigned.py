"""Module-level variables that other files assign, too: `import config`, then `config.device = ...`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import nodes_of

_SETTERS = frozenset({"setattr", "delattr", "vars"})
_UNNAMED = ("setattr(", "delattr(", "vars(", "__dict__")  # what may assign a name that is not written out


def is_reassigned(project: Project, module: Module, name: str) -> bool:
    """Whether another file of the tree assigns a variable of the module, or may do so under a name not written out.

    Memoised in the project.
    """
    known: dict[tuple[str, str], bool] = project.memo.setdefault(is_reassigned, {})
    key = module.path, name
    if key not in known:
        known[key] = any(_assigns(other, _stem(module), name) for other in _others(project, module, name))
    return known[key]


def _others(project: Project, module: Module, name: str) -> Iterator[Module]:
    """The files that import the module, and may assign it by what stands in their texts."""
    near = module.path
    shown = (*((f".{name}",) if project.assigns(name, near) else ()), *_UNNAMED)
    for path in project.importing(_stem(module), near):
        if path != near and any(project.holds(path, text, near) for text in shown):
            other = project.module(path, near)
            if other is not None:
                yield other


def _stem(module: Module) -> str:
    """What the module is imported as."""
    return module.path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]


def _assigns(other: Module, stem: str, name: str) -> bool:
    nodes = nodes_of(other.tree)
    names = {stem}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname for alias in node.names if alias.asname and alias.name.split(".")[-1] == stem}
    for node in nodes:
        match node:
            case ast.Attribute(value=owner, attr=attr, ctx=ast.Store() | ast.Del()) if attr == name:
                if last_name(owner) in names:
                    return True
            case ast.Attribute(value=owner, attr="__dict__") if last_name(owner) in names:
                return True
            case ast.Call(func=ast.Name(id=called), args=[owner, *rest]) if called in _SETTERS:
                written = rest[0].value if rest and isinstance(rest[0], ast.Constant) else name
                if last_name(owner) in names and written == name:
                    return True
    return False
