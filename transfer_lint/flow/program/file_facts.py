"""What the search for repetition finds out once for all functions of a file."""

from __future__ import annotations

import ast

from transfer_lint.flow.program.modules import Module


class FileFacts:
    """What is found out once for all functions of a file.

    names_schedules, makes_loaders: whether its text holds a word that is needed for that.
    modules: class -> what its methods use as only modules can be used, as far as it has been asked for.
    steps: function, of any file -> whether a call of it is one step, as far as it has been asked for.
    computing: function, of any file -> whether it computes with tensors, as far as it has been asked for.
    files: the facts of files whose functions this one calls, as far as they have been asked for.
    """

    def __init__(self, module: Module) -> None:
        knowledge = module.project.knowledge
        self.module = module
        self.names_schedules = any(word in module.text for word in knowledge.step_words)
        self.makes_loaders = any(name in module.text for name in knowledge.loaders.exact)
        self.modules: dict[ast.AST, frozenset[str]] = {}
        self.steps: dict[ast.AST, bool] = {}
        self.computing: dict[ast.AST, bool] = {}
        self.files: dict[Module, FileFacts] = {module: self}

    def of(self, module: Module) -> FileFacts:
        """The facts of another file."""
        if module not in self.files:
            other = FileFacts(module)
            other.steps, other.computing, other.files = self.steps, self.computing, self.files
            self.files[module] = other
        return self.files[module]
