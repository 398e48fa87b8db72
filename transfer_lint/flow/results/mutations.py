"""Mutations: where the values of tensors may change in place."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from transfer_lint.flow.values.symbols import Symbol


@dataclass(frozen=True)
class Mutation:
    """What happens at `node` may write to a tensor in place.

    tensor: stands for the tensor; None for any tensor there is. sure: it does write; else somebody unknown is handed
    the tensor, or something that may hold it.
    """

    node: ast.AST
    tensor: Symbol | None
    sure: bool

    @property
    def position(self) -> tuple[int, int]:
        """(line, column) where it stands, as `ast` counts."""
        return getattr(self.node, "lineno", 0), getattr(self.node, "col_offset", 0)
