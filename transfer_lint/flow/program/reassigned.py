"""What a module binds and other files assign, too: `import config`, then `config.device = ...`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import nodes_of

_SETTERS = frozenset({"setattr", "delattr", "vars"})
_UNNAMED = ("setattr(", "delattr(", "vars(", "__dict__")  # what may assign a name that is not written out


class Reassigned:
    """What files of a project assign of one another, found out when it is asked for."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[tuple[Module, str], bool] = {}
        self._unnamed: dict[Module, list[str]] = {}

    @classmethod
    def of_project(cls, project: Project) -> Reassigned:
        """That of a project, found out once."""
        found: Reassigned = project.memo.setdefault(cls, cls(project))
        return found

    def holds(self, module: Module, name: str) -> bool:
        """Whether another file assigns what the module binds, or may do so under a name that is not written out."""
        key = module, name
        if key not in self._known:
            self._known[key] = any(_assigns(other, _stem(module), name) for other in self._others(module, name))
        return self._known[key]

    def _others(self, module: Module, name: str) -> Iterator[Module]:
        """The files that import the module, and may assign it by what stands in their texts."""
        project, near = self._project, module.path
        if module not in self._unnamed:
            importing = [path for path in project.importing(_stem(module), near) if path != near]
            self._unnamed[module] = [p for p in importing if any(project.holds(p, text, near) for text in _UNNAMED)]
        paths = dict.fromkeys(self._unnamed[module])
        if project.assigns(name, near):
            importing = [path for path in project.importing(_stem(module), near) if path != near]
            paths.update(dict.fromkeys(path for path in importing if project.holds(path, f".{name}", near)))
        for path in paths:
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
