"""Definitions that a tree does not use: functions and classes that no code in it names, nor what only those name."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import nodes_of

_FINDS_HEIRS = ("__init_subclass__", "__subclasses__")
_ANY_NAME = frozenset({"globals", "vars"})
_ANY_TEXT = frozenset({"eval", "exec"})
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_DEEPEST = 4  # definitions that name one another
_MOST = 12  # files that are looked at
_BY_TEXT = (r"import_module\((?!\s*[rf]?['\"])", r"pydoc\.locate\(", r"hydra\b", r"_target_\b")
"""What takes the names of classes from configurations, which are not read."""
_PLAIN_BASES = frozenset({"builtins.object", "torch.nn.Module"})  # that call no method by its name but `forward`


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
        as a whole, or by nobody, may be there for users, for a configuration, or for `getattr`. A class is not unused
        where the tree makes classes by names from configurations. Or the file is one that ComfyUI loads of a node pack,
        which has no such users. Or it is a method that the tree names nowhere, though it uses its class.
        """
        return self._holds(function.module, function.qualname.partition(".")[0]) or self._is_method_unused(function)

    def _holds(self, module: Module, name: str, depth: int = 0) -> bool:
        key = module, name
        if key not in self._known:
            self._known[key] = False  # for definitions that name one another
            self._known[key] = self._is_unused(module, name, depth)
        return self._known[key]

    def _is_unused(self, module: Module, name: str, depth: int) -> bool:
        definition = next((node for node in module.tree.body if getattr(node, "name", "") == name), None)
        if not isinstance(definition, ast.FunctionDef | ast.ClassDef) or definition.decorator_list or depth > _DEEPEST:
            return False
        near = module.path
        if self._is_used_in(module, name, depth) or self._project.matching(rf"{name}(?<=[.\"']{name})[\"']", near):
            return False
        users = self._users_in_pack(name, near) if self._project.is_loaded(near) else self._importers(name, near)
        if users is None or any(self._is_used_by(path, near, name, depth) for path in users if path != near):
            return False
        if not isinstance(definition, ast.ClassDef):
            return True
        if not self._project.is_loaded(near) and any(self._project.matching(text, near) for text in _BY_TEXT):
            return False
        return not (definition.bases and any(self._project.mentioning(text, near) for text in _FINDS_HEIRS))

    def _users_in_pack(self, name: str, near: str) -> Sequence[str] | None:
        """The files that ComfyUI loads of a pack and that hold a name; None if these are too many."""
        users = [path for path in self._project.matching(_as_word(name), near) if self._project.is_loaded(path)]
        return users if len(users) <= _MOST else None

    def _importers(self, name: str, near: str) -> Sequence[str] | None:
        """The files that import a name; None if these are too many, or others may use it, too."""
        stem = near.rpartition("/")[2].removesuffix(".py")
        by_name = rf"from[ \t]+(?:[.\w]*\.)?{re.escape(stem)}[ \t]+import[ \t]+[\w(]"
        if not self._project.matching(by_name, near) or self._project.importing(stem, near):
            return None
        users = dict.fromkeys((*self._project.importing(name, near), *self._project.taking(stem, name, near)))
        return list(users) if len(users) <= _MOST else None

    def _is_used_by(self, path: str, near: str, name: str, depth: int) -> bool:
        """Whether another file does more than to import it. A package's own file imports it for users."""
        in_pack = self._project.is_loaded(near)
        module = self._project.module(path, near) if in_pack or not path.endswith("__init__.py") else None
        if module is None or (module.stars and not in_pack):
            return True
        aliases = (alias for node in nodes_of(module.tree) for alias in getattr(node, "names", ()))
        if any(isinstance(alias, ast.alias) and alias.name == name and alias.asname for alias in aliases):
            return True
        return self._is_used_in(module, name, depth)

    def _is_used_in(self, module: Module, name: str, depth: int) -> bool:
        """Whether a file names it in code that is no part of a definition that the tree does not use.

        What `eval` is given may name anything, but in a node pack it is a formula of the user's. `locals` of a function
        holds no definition of the file.
        """
        unnamed = _ANY_NAME if self._project.is_loaded(module.path) else _ANY_NAME | _ANY_TEXT
        for statement in module.tree.body:
            defined = getattr(statement, "name", "")
            given = unnamed | _locals_of(statement)
            named = defined != name and any(_names(node, name, given) for node in nodes_of(statement))
            if named and not self._holds(module, defined, depth + 1):
                return True
        return False

    def _is_method_unused(self, function: FunctionInfo) -> bool:
        owner, name = function.owner, function.name
        if owner is None or function.node.decorator_list or name.startswith("__") or name == "forward":
            return False
        if any(isinstance(base, str) and base not in _PLAIN_BASES for base in owner.lineage):
            return False
        used, near = owner.name, function.module.path
        if not self._project.matching(rf"{_as_word(used)}(?<!class {used})", near):
            return False  # it is there for users, with all that it has
        in_pack = self._project.is_loaded(near)
        named = self._project.matching(rf"{_as_word(name)}(?<!def {name})", near)
        return not any(self._project.is_loaded(path) or not in_pack for path in named)


def _as_word(name: str) -> str:
    """A pattern for a name. It begins with a literal, which makes the search fast."""
    return rf"{name}\b(?<!\w{name})"


def _locals_of(statement: ast.stmt) -> frozenset[str]:
    """What gives the names of a file where it stands in this statement of it."""
    return frozenset() if isinstance(statement, _DEFINITIONS) else frozenset({"locals"})


def _names(node: ast.AST, name: str, unnamed: frozenset[str]) -> bool:
    """Whether code reads the name, or an attribute of that name, or what takes names that are not written out."""
    if isinstance(node, ast.Attribute):
        return node.attr == name
    return isinstance(node, ast.Name) and (node.id == name or node.id in unnamed)
