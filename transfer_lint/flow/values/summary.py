"""What a function does, as its callers need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from transfer_lint.flow.values.records import Record
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.values import Value


@dataclass(frozen=True)
class Summary:
    """The effect of one function.

    parameters: name -> its symbol. result: what it returns. heap: objects as they are at its end. replaces_data: it
    assigns some tensor's `.data`. mutations: tensors that it may write to in place, and whether it surely does (see
    `Mutation`).
    """

    parameters: Mapping[str, Symbol]
    result: Value
    heap: Mapping[Symbol, Record]
    replaces_data: bool = False
    mutations: frozenset[tuple[Symbol | None, bool]] = frozenset()

    def rooted(self, symbol: Symbol) -> bool:
        """Whether the symbol is a parameter, a global, or a path from one, as it was at function entry."""
        while symbol.parent is not None:
            if not symbol.name:
                return False
            symbol = symbol.parent
        return symbol.is_global() or symbol in self.parameters.values()


@dataclass(frozen=True)
class Template:
    """How an object looked where it was made: what its attributes are, as far as nobody has assigned them since."""

    summary: Summary
    symbol: Symbol
