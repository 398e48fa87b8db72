"""Definitions that a tree does not use: functions and classes that no code in it names."""

from __future__ import annotations

import ast
import re

from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import nodes_of

_FINDS_HEIRS = ("__init_subclass__", "__subclasses__")


class Unused:
    """The functions and classes of a project that nothing in it names, found out when they are asked for."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[tuple[Module, str], bool] = {}

    @classmethod
    def of_project(cls, project: Project) -> Unused:
        """Those of a project, found out once."""
        found: Unused = project.memo.setdefault(cls, cls(project))
        return found

    def holds(self, function: FunctionInfo) -> bool:
        """Whether a function is, or is part of, a definition that the tree does not use.

        It stands in a file from which the tree imports others, each by its name: whatever is in a file that is imported
        as a whole, or by nobody, may be there for users, for a configuration, or for `getattr`.
        """
        key = function.module, function.qualname.partition(".")[0]
        if key not in self._known:
            self._known[key] = self._is_unused(*key)
        return self._known[key]

    def _is_unused(self, module: Module, name: str) -> bool:
        definition = next((node for node in module.tree.body if getattr(node, "name", "") == name), None)
        if not isinstance(definition, ast.FunctionDef | ast.ClassDef) or definition.decorator_list:
            return False
        if any(_names(node, name) for node in nodes_of(module.tree)):
            return False
        near, stem = module.path, module.path.rpartition("/")[2].removesuffix(".py")
        by_name = rf"from[ \t]+(?:[.\w]*\.)?{re.escape(stem)}[ \t]+import[ \t]+[\w(]"
        if not self._project.matching(by_name, near) or self._project.importing(stem, near):
            return False
        as_text = rf"{name}(?<=[.\"']{name})[\"']"
        if self._project.taking(stem, name, near) or self._project.matching(as_text, near):
            return False
        heirs = isinstance(definition, ast.ClassDef) and definition.bases
        return not (heirs and any(self._project.mentioning(text, near) for text in _FINDS_HEIRS))


def _names(node: ast.AST, name: str) -> bool:
    """Whether code reads the name, or names that it does not write out."""
    return isinstance(node, ast.Name) and node.id in (name, "globals")
