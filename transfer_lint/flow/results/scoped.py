"""What transfers, reads, calls and waits have in common: the code around them."""

from __future__ import annotations

import ast
from typing import TypeAlias

from transfer_lint.flow.program.modules import FunctionInfo, Module

Scope: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


class Scoped:
    """A place in a function, or at the top level of a file (function: None)."""

    module: Module
    function: FunctionInfo | None

    @property
    def scope(self) -> Scope:
        """The function that holds the place, or the whole file."""
        return self.function.node if self.function is not None else self.module.tree
