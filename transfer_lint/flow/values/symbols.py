"""Symbols: what stands for a value of which nothing else is known."""

from __future__ import annotations

from collections.abc import Iterator


class Symbol:
    """One unknown value. Equal only to itself; interned by `Symbols`.

    parent, name: for the attribute `name` of what `parent` stands for, as it was when the function was entered.
    line: where the symbol was made (0: at function entry). A symbol made inside a loop stands for another value in
        every iteration.
    label: how a person would write it.
    """

    __slots__ = ("label", "line", "name", "parent")

    def __init__(self, label: str, parent: Symbol | None, name: str, line: int) -> None:
        self.label = label
        self.parent = parent
        self.name = name
        self.line = line

    def made_within(self, first: int, last: int) -> bool:
        """Whether it, or what it is an attribute of, was made on lines first..last."""
        return any(first <= symbol.line <= last for symbol in self.lineage())

    def lineage(self) -> Iterator[Symbol]:
        """The symbol, what it is an attribute of, what that is one of, and so on."""
        symbol: Symbol | None = self
        while symbol is not None:
            yield symbol
            symbol = symbol.parent

    def is_initial(self) -> bool:
        """Whether it stands for something that was there at function entry."""
        return not any(symbol.line or (symbol.parent is not None and not symbol.name) for symbol in self.lineage())

    def is_global(self) -> bool:
        """Whether it stands for what a name of a module is bound to."""
        return self.parent is None and bool(self.name)

    def __repr__(self) -> str:
        return f"<{self.label}@{self.line}>"


class Symbols:
    """Makes symbols so that the same question about the same place gives the same symbol.

    has_weights: whether a tensor has been met that moves with its module.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], Symbol] = {}
        self.has_weights = False

    def make(
        self, key: tuple[object, ...], label: str, line: int, parent: Symbol | None = None, name: str = ""
    ) -> Symbol:
        """The symbol for `key`."""
        symbol = self._made.get(key)
        if symbol is None:
            symbol = self._made[key] = Symbol(label, parent, name, line)
        return symbol
