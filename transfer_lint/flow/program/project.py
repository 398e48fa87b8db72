"""The linted tree, read on demand.

A module is parsed when it is first needed. A tree need not be an importable package: node packs live in folders with
hyphens in their names. So modules are identified by path.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator, Sequence
from contextlib import suppress

from transfer_lint.files.sources import Sources
from transfer_lint.flow.knowledge import Knowledge, default_knowledge
from transfer_lint.flow.program.modules import Binding, ClassInfo, Import, Module
from transfer_lint.flow.program.tree_texts import TreeTexts

# If no file of a tree holds one of these, nothing sets the default device of factories.
DEFAULT_DEVICE = ("set_default_device", "set_default_tensor_type", "with torch.device", "with device")


class Project:
    """The source trees that one run looks at, read on demand."""

    def __init__(self, sources: Sources, knowledge: Knowledge | None = None) -> None:
        self.sources = sources
        self.knowledge = knowledge or default_knowledge()
        self._modules: dict[str, Module | None] = {}
        self._trees: dict[str, TreeTexts] = {}
        self._imported: dict[tuple[str, Import, str | None], Module | None] = {}
        self._reached: dict[tuple[str, Import], frozenset[str] | None] = {}

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

    # ---- what the texts of the tree around a file say ------------------------------------------------------------

    def _texts(self, near: str) -> TreeTexts:
        """The tree that `near` belongs to."""
        folder = posixpath.dirname(near)
        if folder not in self._trees:
            files = tuple(self.sources.python_files(near))
            known = next((tree for tree in self._trees.values() if tree.files == files), None)
            self._trees[folder] = known or TreeTexts(files, self.sources.read)
        return self._trees[folder]

    def mentioning(self, text: str, near: str) -> Sequence[str]:
        """The files of the tree around `near` that hold a piece of text."""
        return self._texts(near).holding(text)

    def importing(self, name: str, near: str) -> Sequence[str]:
        """The files with an import statement that names `name`, or that imports all of a module of that name."""
        return self._texts(near).importing(name)

    def calling(self, name: str, near: str) -> Sequence[str]:
        """The files that call a method of that name."""
        return self._texts(near).calling(name)

    def definitions(self, name: str, near: str) -> int:
        """How many methods (or nested functions) of the tree have that name."""
        return self._texts(near).definitions(name)

    def assigns(self, attribute: str, near: str) -> bool:
        """Whether code of the tree assigns the attribute on anything that is not named `self`."""
        return self._texts(near).assigns(attribute)

    def overriding(self, name: str, attribute: str, near: str) -> Iterator[str]:
        """The files with a class that seems to inherit from the class `name`, and may define or assign `attribute`."""
        return self._texts(near).overriding(name, attribute)

    def star_may_bind(self, importer: Module, star: Import, name: str) -> bool:
        """Whether importing all of a module may bind a name, by the texts that this leads to: none is parsed."""
        reached = self._reached_by(importer.path, star)
        return reached is None or not reached.isdisjoint(self._texts(importer.path).binding(name))

    def _reached_by(self, importer: str, star: Import) -> frozenset[str] | None:
        """The files that importing all of a module leads to; None if some of them are not in the tree."""
        key = (importer, star)
        if key not in self._reached:
            texts = self._texts(importer)
            found: set[str] = set()
            pending = [key]
            while pending:
                for path in self._candidates(*pending.pop()):
                    if path not in found and texts.has(path):
                        found.add(path)
                        pending += [(path, inner) for inner in texts.stars(path)]
            self._reached[key] = frozenset(found) if star.level == 0 or found else None
        return self._reached[key]

    # ---- imports -------------------------------------------------------------------------------------------------

    def package(self, path: str) -> str:
        """The folder of the outermost package that a file belongs to (its own folder if it is in no package)."""
        folder = posixpath.dirname(path)
        while folder and self._texts(path).has(posixpath.join(posixpath.dirname(folder), "__init__.py")):
            folder = posixpath.dirname(folder)
        return folder

    def module_for(self, importer: Module, found: Import, name: str | None = None) -> Module | None:
        """The module of the tree that an import names (with `name`: that submodule of it); None if there is none."""
        key = (importer.path, found, name)
        if key not in self._imported:
            self._imported[key] = self._find(importer, found, name)
        return self._imported[key]

    def _find(self, importer: Module, found: Import, name: str | None) -> Module | None:
        modules = map(self.module, self._candidates(importer.path, found, name))
        return next((module for module in modules if module is not None), None)

    def _candidates(self, importer: str, found: Import, name: str | None = None) -> Iterator[str]:
        """The files that an import may mean, the nearest first. That of a relative import need not exist."""
        parts = [p for p in found.module.split(".") if p] + ([name] if name else [])
        here = posixpath.dirname(importer)
        if found.level:
            folders = [posixpath.normpath(posixpath.join(here, *[".."] * (found.level - 1)) or ".")]
        elif parts:
            folders = self._folders_above(importer)
        else:
            return
        for folder in folders:
            stem = posixpath.normpath(posixpath.join(folder, *parts))
            for path in (f"{stem}.py", posixpath.normpath(posixpath.join(stem, "__init__.py"))):
                if found.level or self._texts(importer).has(path):
                    yield path

    def _folders_above(self, near: str) -> list[str]:
        """The file's folder and the folders above it in its tree: an absolute import may start from any of these."""
        folder = posixpath.dirname(near)
        found = [folder]
        while folder:
            folder = posixpath.dirname(folder)
            if not self._texts(near).has_folder(folder):
                break
            found.append(folder)
        return found

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
