"""Summaries: the effect and the result of a function, as its callers need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from transfer_lint.findings import Assumption
from transfer_lint.flow.values.records import Record
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.values import Value


@dataclass(frozen=True)
class Summary:
    """The effect and the result of one function, for symbolic arguments.

    parameters: name -> its symbol.
    result: what it returns.
    heap: the records at its end.
    replaces_data: it assigns the `.data` of some tensor.
    mutations: tensors that it may write to in place, and whether it certainly does (see `Mutation`).
    assumptions: those that would tell more about it.
    """

    parameters: Mapping[str, Symbol]
    result: Value
    heap: Mapping[Symbol, Record]
    replaces_data: bool = False
    mutations: frozenset[tuple[Symbol | None, bool]] = frozenset()
    assumptions: frozenset[Assumption] = frozenset()

    def rooted(self, symbol: Symbol) -> bool:
        """Whether the symbol is a parameter, a global, or an attribute path from one, as of function entry."""
        while symbol.parent is not None:
            if not symbol.name:
                return False
            symbol = symbol.parent
        return symbol.is_global() or symbol in self.parameters.values()


@dataclass(frozen=True)
class Template:
    """The attributes that an object got where it was made. They hold as long as nothing assigns them.

    summary: of the function that made or initialised the object.
    symbol: the object, in that summary.
    """

    summary: Summary
    symbol: Symbol
