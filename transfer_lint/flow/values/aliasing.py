"""May-alias and part-of relations between the objects of one function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.values import Object, Value


@dataclass(slots=True)
class Sharing:
    """Which objects may have to do with which: one for a whole function, whatever the path.

    is_module: whether an object is proved to be a module. apart: whether two objects surely share nothing, as far as
    the places where they were made tell.
    wholes: symbol -> symbols whose objects it may be a part of; parts: the same the other way. twins: symbol -> symbols
    that may be the same object. owners: symbol -> the object, with its class, that it stands for. captured: a function
    or generator made here -> the locals (by name) and objects that it may change whenever it runs.
    """

    is_module: Callable[[Value], bool]
    apart: Callable[[Symbol, Symbol], bool]
    wholes: dict[Symbol, set[Symbol]] = field(default_factory=dict)
    parts: dict[Symbol, set[Symbol]] = field(default_factory=dict)
    twins: dict[Symbol, dict[Symbol, None]] = field(default_factory=dict)
    owners: dict[Symbol, Object] = field(default_factory=dict)
    captured: dict[Symbol, tuple[str | Symbol, ...]] = field(default_factory=dict)

    def captured_by(self, ident: Symbol) -> list[str | Symbol]:
        """What the function or generator that the symbol may stand for may change."""
        return [held for one in (ident, *self.twins.get(ident, ())) for held in self.captured.get(one, ())]

    def alias(self, part: Symbol, whole: Symbol) -> None:
        """`part` may be a part of `whole`, or the same."""
        if part is not whole:
            self.wholes.setdefault(part, set()).add(whole)
            self.parts.setdefault(whole, set()).add(part)

    def twin(self, one: Symbol, other: Symbol) -> None:
        """The two may be the very same object."""
        self.twins.setdefault(one, {})[other] = None
        self.twins.setdefault(other, {})[one] = None

    def related(self, idents: Iterable[Symbol]) -> set[Symbol]:
        """The objects, all that they may be parts of, and all that may be a part of one of these."""
        return _closure(_closure(idents, self.wholes), self.parts)

    def has_no_weights(self, ident: Symbol) -> bool:
        """Whether the symbol is known to stand for something that is no module."""
        owner = self.owners.get(ident)
        return owner is not None and owner.cls is not None and not self.is_module(owner)

    def proved_module(self, ident: Symbol) -> bool:
        """Whether the symbol is known to stand for a module."""
        return ident in self.owners and self.is_module(self.owners[ident])


def _closure(idents: Iterable[Symbol], leads: Mapping[Symbol, set[Symbol]]) -> set[Symbol]:
    found = set(idents)
    stack = list(found)
    while stack:
        fresh = leads.get(stack.pop(), set()) - found
        found |= fresh
        stack += fresh
    return found
