"""Where the values of tensors may change in place."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transfer_lint.flow.values import Object, Symbol, Tensor, Tuple, Value

if TYPE_CHECKING:
    from transfer_lint.flow.interpreter import Interpreter


@dataclass(frozen=True)
class Change:
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


def written(self: Interpreter, node: ast.AST, values: Iterable[Value]) -> None:
    """The tensors among the values are written to here."""
    for value in values:
        if isinstance(value, Tensor):
            for symbol in value.memory():
                self.changes[node, symbol] = True
        elif isinstance(value, Object) and value.cls is None:
            self.changes[node, value.ident] = True


def handed_over(self: Interpreter, node: ast.AST, values: Iterable[Value]) -> None:
    """Somebody unknown is handed the values here."""
    for value in values:
        if isinstance(value, Tensor):
            for symbol in value.memory():
                self.changes.setdefault((node, symbol), False)
        elif isinstance(value, Object):
            self.changes.setdefault((node, None), False)
        elif isinstance(value, Tuple):
            handed_over(self, node, value.items)


def method_writes(self: Interpreter, name: str, arguments: Iterable[str]) -> bool:
    """Whether a method of tensors writes to its receiver or another operand."""
    knowledge = self.knowledge
    given = knowledge.tensor_changes_with.get(name)
    return name in knowledge.tensor_changes or (given is not None and not given.exact.isdisjoint(arguments))


def function_writes(self: Interpreter, name: str, arguments: Iterable[str]) -> bool:
    """Whether a function outside the tree writes to one of its operands."""
    knowledge = self.knowledge
    given = knowledge.function_changes_with.get(name)
    return name in knowledge.function_changes or (given is not None and not given.exact.isdisjoint(arguments))
