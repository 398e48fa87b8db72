"""Symbols (symbolic values): each stands for one unknown value."""

from __future__ import annotations

from collections.abc import Iterator


class Symbol:
    """One unknown value. Equal only to itself; interned by `Symbols`.

    parent, name: the symbol is the attribute `name` of the object `parent`, as it was at function entry. With an empty
        name: an attribute as it was at a later epoch. With a name but no parent: a module-level variable.
    line: where the symbol was made (0: at function entry). A symbol made inside a loop stands for a different value in
        every iteration.
    lines: this line, and those where the objects were made that it is an attribute of.
    at_entry: it stands for what existed at function entry, and so do the objects that it is an attribute of.
    is_global: it stands for a module-level variable.
    label: its readable form, for messages.
    in_terms: whether a term is about it: it was taken for a device or dtype, or for what has one.
    renames: it is no value of its own, but stands for one of those that meet where paths meet, or for one that an
        earlier iteration has made.
    """

    __slots__ = ("at_entry", "in_terms", "is_global", "label", "line", "lines", "name", "parent", "renames")

    def __init__(self, label: str, parent: Symbol | None, name: str, line: int) -> None:
        self.label = label
        self.parent = parent
        self.name = name
        self.line = line
        self.in_terms = self.renames = False
        self.is_global = parent is None and bool(name)
        above = parent.lines if parent is not None else ()
        self.lines: tuple[int, ...] = above if line in above else (line, *above)
        self.at_entry = self.lines == (0,)

    def made_within(self, first: int, last: int) -> bool:
        """Whether the symbol, or one that it is an attribute of, was made on lines first..last (both included)."""
        return any(first <= line <= last for line in self.lines)

    def lineage(self) -> Iterator[Symbol]:
        """The symbol, its parent, the parent's parent, and so on."""
        symbol: Symbol | None = self
        while symbol is not None:
            yield symbol
            symbol = symbol.parent

    def is_initial(self) -> bool:
        """Whether it stands for a value that existed at function entry."""
        return not any(symbol.line or (symbol.parent is not None and not symbol.name) for symbol in self.lineage())

    def __repr__(self) -> str:
        return f"<{self.label}@{self.line}>"


class Symbols:
    """Interns symbols: one symbol per program point and part.

    has_weights: True once a weight has been met, which is a tensor that moves with its module.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], Symbol] = {}
        self.has_weights = False

    def make(
        self, key: tuple[object, ...], label: str, line: int, parent: Symbol | None = None, name: str = ""
    ) -> Symbol:
        """The symbol for `key`, made on the first call."""
        symbol = self._made.get(key)
        if symbol is None:
            symbol = self._made[key] = Symbol(label, parent, name, line)
            symbol.renames = key[0] in ("phi", "aged")
        return symbol
