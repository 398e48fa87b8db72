"""The linted tree, read on demand.

A module is parsed when it is first needed. A tree need not be an importable package: node packs live in folders with
hyphens in their names. So modules are identified by path.
"""

from __future__ import annotations

import ast
import posixpath
import re
from contextlib import suppress
from typing import Any

from transfer_lint.files.sources import Sources
from transfer_lint.flow.knowledge import Knowledge, default_knowledge
from transfer_lint.flow.program.mentions import Mentions
from transfer_lint.flow.program.modules import Binding, ClassInfo, Import, Module

# Words that are searched for in a whole tree. If no file holds the word, what it stands for does not happen.
DEFAULT_DEVICE = ("set_default_device", "set_default_tensor_type", "with torch.device", "with device")
WORDS = ("RETURN_TYPES", "NODE_CLASS_MAPPINGS", "autocast", "set_device", "cuda.device(", *DEFAULT_DEVICE)

_BASES = re.compile(r"^[ \t]*class[ \t]+\w+[ \t]*\(([^)]*)\)", re.MULTILINE)
_ASSIGNED = re.compile(r"([\w\])]+)\.(\w+)\s*(?:,[^=\n]*|:[^=\n]*|[-+*/@|&^%<>]*)=(?!=)")
_SET = re.compile(r"""setattr\([^,]+,\s*["'](\w+)["']""")
_NAME = re.compile(r"[^\W\d]\w*")


class Project:
    """The source trees that one run looks at, read on demand."""

    def __init__(self, sources: Sources, knowledge: Knowledge | None = None) -> None:
        self.sources = sources
        self.knowledge = knowledge or default_knowledge()
        self._modules: dict[str, Module | None] = {}
        self._trees: dict[str, tuple[str, ...]] = {}
        self._mentions: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {}
        self._assigned: dict[tuple[str, ...], frozenset[str]] = {}
        self._heirs: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {}
        self._imported: dict[tuple[str, Import, str | None], Module | None] = {}
        self._above: dict[str, list[str]] = {}
        self._tree_sets: dict[str, frozenset[str]] = {}
        self.mentions = Mentions(self.tree, sources.read)
        self.memo: dict[object, Any] = {}  # what the layers above keep about this project; it is freed with it

    def add(self, path: str, text: str) -> Module:
        """Parse `text` as the file at `path`, unless that has been done. Raises what `Module` raises."""
        known = self._modules.get(path)
        if known is not None and known.text == text:
            return known
        module = Module(self, path, text)
        self._modules[path] = module
        return module

    def module(self, path: str) -> Module | None:
        """The module at `path`; None if there is no such file or it does not parse."""
        if path not in self._modules:
            text = self.sources.read(path)
            self._modules[path] = None
            if text is not None:
                # The error is reported when that file is checked. Here, nothing is known of the module.
                with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                    self._modules[path] = Module(self, path, text)
        return self._modules[path]

    def tree(self, near: str) -> tuple[str, ...]:
        """The Python files of the tree that `near` belongs to."""
        folder = posixpath.dirname(near)
        if folder not in self._trees:
            self._trees[folder] = tuple(self.sources.python_files(near))
        return self._trees[folder]

    def mentioning(self, word: str, near: str) -> tuple[str, ...]:
        """The files of the tree around `near` that hold `word`, one of WORDS. One pass searches for all of them."""
        files = self.tree(near)
        if files not in self._mentions:
            found: dict[str, list[str]] = {known: [] for known in WORDS}
            for path in files:
                text = self.sources.read(path) or ""
                for known, paths in found.items():
                    if known in text:
                        paths.append(path)
            self._mentions[files] = {known: tuple(paths) for known, paths in found.items()}
        return self._mentions[files][word]

    def inheriting(self, name: str, near: str) -> tuple[str, ...]:
        """The files of the tree around `near` with a class statement that names `name` as a base."""
        files = self.tree(near)
        if files not in self._heirs:
            heirs: dict[str, list[str]] = {}
            for path in files:
                text = self.sources.read(path) or ""
                for bases in set(_BASES.findall(text)) if "class" in text else ():
                    for base in set(_NAME.findall(bases)):
                        heirs.setdefault(base, []).append(path)
            self._heirs[files] = {base: tuple(dict.fromkeys(paths)) for base, paths in heirs.items()}
        return self._heirs[files].get(name, ())

    def assigned_from_outside(self, near: str) -> frozenset[str]:
        """Attributes that code of the tree around `near` assigns on anything that is not named `self`."""
        files = self.tree(near)
        if files not in self._assigned:
            found: set[str] = set()
            for path in files:
                text = self.sources.read(path) or ""
                found.update(attribute for owner, attribute in _ASSIGNED.findall(text) if owner != "self")
                found.update(_SET.findall(text))
            self._assigned[files] = frozenset(found)
        return self._assigned[files]

    def package(self, path: str) -> str:
        """The folder of the outermost package that a file belongs to (its own folder if it is in no package)."""
        folder = posixpath.dirname(path)
        while folder and posixpath.join(posixpath.dirname(folder), "__init__.py") in self._tree_set(path):
            folder = posixpath.dirname(folder)
        return folder

    def module_for(self, importer: Module, found: Import, name: str | None = None) -> Module | None:
        """The module of the tree that an import names (with `name`: that submodule of it); None if there is none."""
        key = (importer.path, found, name)
        if key not in self._imported:
            self._imported[key] = self._find(importer, found, name)
        return self._imported[key]

    def _find(self, importer: Module, found: Import, name: str | None) -> Module | None:
        parts = [p for p in found.module.split(".") if p] + ([name] if name else [])
        here = posixpath.dirname(importer.path)
        if found.level:
            folders = [posixpath.normpath(posixpath.join(here, *[".."] * (found.level - 1)) or ".")]
        elif parts:
            folders = self._folders_above(importer.path)
        else:
            return None
        for folder in folders:
            stem = posixpath.normpath(posixpath.join(folder, *parts))
            for path in (f"{stem}.py", posixpath.normpath(posixpath.join(stem, "__init__.py"))):
                if found.level == 0 and path not in self._tree_set(importer.path):
                    continue
                module = self.module(path)
                if module is not None:
                    return module
        return None

    def _folders_above(self, near: str) -> list[str]:
        """The file's folder and the folders above it in its tree: an absolute import may start from any of these."""
        folder = posixpath.dirname(near)
        if folder in self._above:
            return self._above[folder]
        inside = {posixpath.dirname(path) for path in self.tree(near)}
        found = self._above[folder] = [folder]
        while folder:
            folder = posixpath.dirname(folder)
            if not any(path == folder or path.startswith(f"{folder}/" if folder else "") for path in inside):
                break
            found.append(folder)
        return found

    def _tree_set(self, near: str) -> frozenset[str]:
        folder = posixpath.dirname(near)
        if folder not in self._tree_sets:
            self._tree_sets[folder] = frozenset(self.tree(near))
        return self._tree_sets[folder]

    def external_name(self, importer: Module, found: Import) -> str:
        """The dotted name of an import, followed through re-exports; `PATH:NAME` for what the tree itself binds."""
        if found.name is not None:
            module = self.module_for(importer, found)
            if module is not None and module is not importer:
                binding = module.binding(found.name)
                if isinstance(binding, Import):
                    return self.external_name(module, binding)
                return f"{module.path}:{found.name}"
        parts = [p for p in (found.module, found.name) if p]
        return "." * found.level + ".".join(parts)

    def class_named(self, module: Module, node: ast.expr) -> ClassInfo | None:
        """The class of the tree that an expression names; None if it names none."""
        match node:
            case ast.Name():
                return self._class_of(module, module.binding(node.id))
            case ast.Attribute(value=ast.Name(id=name)):
                binding = module.binding(name)
                if isinstance(binding, Import):
                    target = self.module_for(module, binding, binding.name)
                    if target is not None:
                        return self._class_of(target, target.binding(node.attr))
            case ast.Subscript():  # Generic[T]
                return self.class_named(module, node.value)
        return None

    def _class_of(self, module: Module, binding: Binding | None, depth: int = 0) -> ClassInfo | None:
        if isinstance(binding, ClassInfo):
            return binding
        if isinstance(binding, Import) and binding.name is not None and depth < 8:
            target = self.module_for(module, binding)
            if target is not None and target is not module:
                return self._class_of(target, target.binding(binding.name), depth + 1)
        return None
