"""The linted tree, read on demand.

A module is parsed when it is first needed. A tree need not be an importable package: node packs live in folders with
hyphens in their names. So modules are identified by path.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, cast

from transfer_lint.files.scan import words
from transfer_lint.files.sources import Sources
from transfer_lint.flow.knowledge import Knowledge, default_knowledge
from transfer_lint.flow.program.modules import Binding, ClassInfo, Import, Module
from transfer_lint.flow.program.text_facts import TextFacts
from transfer_lint.flow.program.trees import Answer, Question, Trees
from transfer_lint.flow.program.unnamed_sets import GETS_UNNAMED

# If no file of a tree holds one of these, nothing sets the default device of factories.
_DEFAULT_DEVICE = ("set_default_device", "set_default_tensor_type", "with torch.device", "with device")
_SETS_DEFAULT_DEVICE = re.compile(r"\bset_default_(?:device|tensor_type)\b|^\s*with (?:torch\.)?device", re.MULTILINE)


class Project:
    """The source trees that one run looks at, read on demand.

    facts: what is known of texts from the projects before. watched: whether it is to be known of every expression what
    it gives, as a picture needs it.
    """

    def __init__(self, sources: Sources, knowledge: Knowledge | None = None, facts: TextFacts | None = None) -> None:
        self.sources = sources
        self.knowledge = knowledge or default_knowledge()
        self.facts = facts or TextFacts()
        self.facts.begin()
        self.watched = False
        self._modules: dict[str, Module | None] = {}
        self._imported: dict[tuple[str, Import, str | None], Module | None] = {}
        self.trees = Trees(sources, self.facts)
        self.memo: dict[object, Any] = {}  # what the layers above keep about this project; it is freed with it

    def add(self, path: str, text: str) -> Module:
        """Parse `text` as the file at `path`, unless that has been done. Raises what `Module` raises."""
        known = self._modules.get(path)
        if known is not None and known.text == text:
            return known
        module = Module(self, path, text, self.facts.tree(path, text))
        self._modules[path] = module
        return module

    def module(self, path: str, near: str) -> Module | None:
        """The module at `path`, for the file `near`; None if there is no such file or it does not parse."""
        text = self._ask(near, "text", path)
        if path not in self._modules:
            self._modules[path] = None
            if isinstance(text, str):
                # The error is reported when that file is checked. Here, nothing is known of the module.
                with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                    self._modules[path] = Module(self, path, text, self.facts.tree(path, text))
        return self._modules[path]

    @property
    def characters(self) -> int:
        """How much source has been parsed for this project."""
        return sum(len(module.text) for module in self._modules.values() if module is not None)

    def holds(self, path: str, text: str, near: str) -> bool:
        """Whether the file at `path` holds a piece of text. It is not parsed for that."""
        held = self._ask(near, "text", path)
        return isinstance(held, str) and text in held

    # ---- questions about the tree around a file, see Trees -------------------------------------------------------

    def _ask(self, near: str, name: str, *arguments: str | int | None) -> Answer:
        return self.trees.ask(Question(near, name, arguments))

    def mentioning(self, text: str, near: str) -> Sequence[str]:
        """The files of the tree around `near` that hold a piece of text."""
        return cast("tuple[str, ...]", self._ask(near, "holding", text))

    def matching(self, pattern: str, near: str) -> Sequence[str]:
        """The files of the tree around `near` in whose text a regular expression finds something."""
        return cast("tuple[str, ...]", self._ask(near, "matching", pattern))

    def sets_default_device(self, near: str) -> bool:
        """Whether a file of the tree may set the default device of factories, for good or in a `with`."""
        paths = dict.fromkeys(path for word in _DEFAULT_DEVICE for path in self.mentioning(word, near))
        return any(_sets_default_device(cast("str | None", self._ask(near, "text", path)) or "") for path in paths)

    def sets(self, attribute: str, near: str) -> bool:
        """Whether code of the tree may assign the attribute under a name that it does not write out, on any object."""
        return cast(bool, self._ask(near, "sets", attribute))

    def names(self, attribute: str, near: str) -> bool:
        """Whether code of the tree names the attribute where it is not defined, or may get it under another name."""
        named = rf"{words(attribute)}\b(?<!def {attribute})"
        return any(self.matching(pattern, near) for pattern in (named, GETS_UNNAMED))

    def acting(self, near: str) -> Sequence[str]:
        """The special methods of classes of the tree that move or assign something."""
        return cast("tuple[str, ...]", self._ask(near, "acting"))

    def importing(self, name: str, near: str) -> Sequence[str]:
        """The files with an import statement that names `name`, or that imports all of a module of that name."""
        return cast("tuple[str, ...]", self._ask(near, "importing", name))

    def taking(self, stem: str, name: str, near: str) -> Sequence[str]:
        """The files that may read a name from a module called `stem`, or do with that module what is not followed."""
        return cast("tuple[str, ...]", self._ask(near, "taking", stem, name))

    def calling(self, name: str, near: str) -> Sequence[str]:
        """The files that call a method of that name."""
        return cast("tuple[str, ...]", self._ask(near, "calling", name))

    def definitions(self, name: str, near: str) -> int:
        """How many methods (or nested functions) of the tree have that name."""
        return cast(int, self._ask(near, "definitions", name))

    def assigns(self, attribute: str, near: str) -> bool:
        """Whether code of the tree assigns the attribute on anything that is not named `self`."""
        return cast(bool, self._ask(near, "assigns", attribute))

    def overriding(self, name: str, attribute: str, near: str) -> Sequence[str]:
        """The files with a class that seems to inherit from the class `name`, and may define or assign `attribute`."""
        return cast("tuple[str, ...]", self._ask(near, "overriding", name, attribute))

    def star_may_bind(self, importer: Module, star: Import, name: str) -> bool:
        """Whether importing all of a module may bind a name, by the texts that this leads to: none is parsed."""
        return cast(bool, self._ask(importer.path, "star_may_bind", star.module, star.level, name))

    def package(self, path: str, near: str) -> str:
        """The folder of the outermost package that a file of the tree belongs to (its own folder if it is in none)."""
        return cast(str, self._ask(near, "package", path))

    def is_loaded(self, path: str) -> bool | None:
        """Whether ComfyUI loads a file of a node pack; None if it is in no pack, or that is not to be told."""
        return cast("bool | None", self._ask(path, "is_loaded", path))

    # ---- imports -------------------------------------------------------------------------------------------------

    def module_for(self, importer: Module, found: Import, name: str | None = None) -> Module | None:
        """The module of the tree that an import names (with `name`: that submodule of it); None if there is none."""
        key = (importer.path, found, name)
        if key not in self._imported:
            self._imported[key] = self._find(importer, found, name)
        return self._imported[key]

    def _find(self, importer: Module, found: Import, name: str | None) -> Module | None:
        paths = cast("tuple[str, ...]", self._ask(importer.path, "candidates", found.module, found.level, name))
        modules = (self.module(path, importer.path) for path in paths)
        return next((module for module in modules if module is not None), None)

    def external_name(self, importer: Module, found: Import, depth: int = 0) -> str:
        """The dotted name of an import, followed through re-exports; `PATH:NAME` for what the tree itself binds.

        Modules can import a name from each other in a circle: no name is followed through more than 8 of them.
        """
        if found.name is not None and depth < 8:
            module = self.module_for(importer, found)
            if module is not None and module is not importer:
                binding = module.binding(found.name)
                if isinstance(binding, Import):
                    return self.external_name(module, binding, depth + 1)
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


@lru_cache(maxsize=256)
def _sets_default_device(text: str) -> bool:
    return _SETS_DEFAULT_DEVICE.search(text) is not None
