"""Mutations: places that may write to tensors in place."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from transfer_lint.flow.values.symbols import Symbol


@dataclass(frozen=True)
class Mutation:
    """One place, `node`, that may write to a tensor in place.

    tensor: the symbol of the tensor; None for any tensor.
    sure: True if it certainly writes; False if unknown code gets the tensor, or something that may hold it.
    """

    node: ast.AST
    tensor: Symbol | None
    sure: bool

    @property
    def position(self) -> tuple[int, int]:
        """(line, column) of the node as `ast` counts: lines from 1, columns in UTF-8 bytes from 0."""
        return getattr(self.node, "lineno", 0), getattr(self.node, "col_offset", 0)
