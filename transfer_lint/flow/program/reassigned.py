"""What a module binds and code assigns in other ways: `config.device = ...` elsewhere, `globals()[name] = ...`."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import nodes_of, spelled
from transfer_lint.flow.program.unnamed_sets import ANY, unnamed_sets

_UNNAMED = ("setattr", "vars(", "__dict__", "sys.modules")
"""What a text has that assigns attributes of modules under names that it may not write out."""
_OWN = ("globals()", "exec(", "sys.modules")
"""The same of a text that so assigns what its own module binds."""


class Reassigned:
    """What modules of a project bind and other code assigns, found out when it is asked for."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[tuple[Module, str], bool] = {}
        self._importers: dict[Module, Sequence[str]] = {}
        self._unnamed: dict[Module, Sequence[tuple[ast.expr, frozenset[str]]]] = {}
        self._aliases: dict[Module, Sequence[ast.alias]] = {}
        self._owners: dict[Module, dict[str, list[ast.expr]]] = {}

    @classmethod
    def of_project(cls, project: Project) -> Reassigned:
        """That of a project, found out once."""
        found: Reassigned = project.memo.setdefault(cls, cls(project))
        return found

    def holds(self, module: Module, name: str) -> bool:
        """Whether code assigns what the module binds, or may do so, other than by a statement for the bare name."""
        key = module, name
        if key not in self._known:
            self._known[key] = self._assigns_own(module, name) or self._is_assigned(module, name)
        return self._known[key]

    def _assigns_own(self, module: Module, name: str) -> bool:
        """Whether the module does so itself. What it executes may be anything."""
        if not any(map(module.holds, _OWN)):
            return False
        executes = any(isinstance(node, ast.Call) and spelled(node.func) == "exec" for node in nodes_of(module.tree))
        return executes or self._assigns(module, frozenset({"globals()", "sys.modules[__name__]"}), name)

    def _is_assigned(self, module: Module, name: str) -> bool:
        """Whether another file does so: one that imports the module."""
        project, near = self._project, module.path
        stem = near.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]
        if module not in self._importers:
            self._importers[module] = [path for path in project.importing(stem, near) if path != near]
        shown = (*((f".{name}",) if project.assigns(name, near) else ()), *_UNNAMED)
        for path in self._importers[module]:
            if any(project.holds(path, text, near) for text in shown):
                other = project.module(path, near)
                if other is not None and self._assigns(other, self._names_of(other, stem), name):
                    return True
        return False

    def _assigns(self, other: Module, owners: frozenset[str], name: str) -> bool:
        """Whether a file assigns the attribute of something that is called so, or may do so."""

        def is_module(owner: ast.expr) -> bool:
            text = spelled(owner)
            return text in owners or last_name(owner) in owners or text.startswith("sys.modules[")

        if other.holds(f".{name}") and any(map(is_module, self._owners_of(other).get(name, ()))):
            return True
        if other not in self._unnamed:
            self._unnamed[other] = [(target, frozenset(names)) for target, names in unnamed_sets(other.tree)]
        return any(is_module(target) and not {name, ANY}.isdisjoint(names) for target, names in self._unnamed[other])

    def _owners_of(self, other: Module) -> dict[str, list[ast.expr]]:
        """Attribute -> what a file assigns it of, or deletes it from."""
        if other not in self._owners:
            owners = self._owners[other] = {}
            for node in nodes_of(other.tree):
                if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                    owners.setdefault(node.attr, []).append(node.value)
        return self._owners[other]

    def _names_of(self, other: Module, stem: str) -> frozenset[str]:
        """What a file calls a module that it imports."""
        if other not in self._aliases:
            imports = (node for node in nodes_of(other.tree) if isinstance(node, ast.Import | ast.ImportFrom))
            self._aliases[other] = [alias for node in imports for alias in node.names]
        aliases = (alias for alias in self._aliases[other] if alias.name.split(".")[-1] == stem)
        return frozenset({stem, *(alias.asname for alias in aliases if alias.asname)})
