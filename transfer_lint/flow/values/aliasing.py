"""May-alias and part-of relations between the objects of one function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from transfer_lint.findings import Assumption
from transfer_lint.flow.program.modules import ClassInfo
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.values import Object, Value

MOST_RELATED = 300
"""Objects that may share parts with one another; where there are more, an effect on one is an effect on everything."""


class Later(NamedTuple):
    """What code may do that runs later.

    changes: the locals (by name) and objects that it may change.
    runs_tree: it may run code of the tree, which may change module-level objects.
    certain: it is a function or generator made here; else something that may be one, or lead to one.
    """

    changes: tuple[str | Symbol, ...]
    runs_tree: bool = False
    certain: bool = True


@dataclass(slots=True)
class Attempts:
    """What a function does on some path, even if an exception ends it.

    objects: those that it writes to, moves, or hands to unknown code.
    module_level: it may do anything to what module-level names lead to.
    everything: it may do anything to any object.
    data: it may assign the `.data` of any tensor.
    """

    objects: dict[Symbol, None] = field(default_factory=dict)  # in the order in which they were met
    module_level: bool = False
    everything: bool = False
    data: bool = False


class OverBudget(Exception):
    """A function takes too many steps to interpret."""


@dataclass(slots=True)
class Sharing:
    """May-alias and part-of relations between objects. One for a whole function: they hold on every path.

    is_module: whether an object is proved to be a module.
    assigns_data: whether the tree assigns the `.data` of a tensor.
    may_assign: whether code that is not seen may assign an attribute of an object of a class.
    apart: whether two objects certainly share nothing, judged by where they were made.
    wholes: symbol -> symbols that it may be a part of.
    parts: symbol -> symbols that may be a part of it.
    twins: symbol -> symbols that may be the same object.
    owners: symbol -> the object that it stands for, with its class.
    attempts: what was done on any path.
    settled: modules stay where they were moved until they are moved or handed over by name.
    placed: the placement of some module is, or was, known.
    unsettled: something was forgotten that is kept where modules are settled.
    new: the object that this `__init__` initialises, which is different from every other.
    open: an object changes only through names that the function ties to it.
    hidden: something was forgotten that is kept where changes are open, or might have been.
    budget: how many steps the interpretation may still take; see `spend`.
    later: function or generator, or what may be one -> what it may do when it runs.
    meeting: objects whose records are being joined: those of both paths, and what stands for them after.
    """

    is_module: Callable[[Value], bool]
    apart: Callable[[Symbol, Symbol], bool]
    assigns_data: Callable[[], bool]
    may_assign: Callable[[ClassInfo | str, str], bool]
    wholes: dict[Symbol, set[Symbol]] = field(default_factory=dict)
    parts: dict[Symbol, set[Symbol]] = field(default_factory=dict)
    twins: dict[Symbol, dict[Symbol, None]] = field(default_factory=dict)
    owners: dict[Symbol, Object] = field(default_factory=dict)
    later: dict[Symbol, Later] = field(default_factory=dict)
    attempts: Attempts = field(default_factory=Attempts)
    settled: bool = False
    placed: bool = False
    unsettled: bool = False
    new: Symbol | None = None
    open: bool = False
    hidden: bool = False
    budget: int = sys.maxsize
    meeting: list[tuple[Object, Object, Object]] = field(default_factory=list)
    _related: dict[frozenset[Symbol], set[Symbol] | None] = field(default_factory=dict)
    _modules: dict[Symbol, bool] = field(default_factory=dict)

    def spend(self, steps: int) -> None:
        """Count steps: expressions that are evaluated, and records that are looked at one by one.

        Raises:
            OverBudget: no steps are left.
        """
        self.budget -= steps
        if self.budget < 0:
            raise OverBudget

    def assumable(self) -> set[Assumption]:
        """The assumptions that would tell more about the objects."""
        found = {Assumption.STAYS_WHERE_PUT} if self.placed and (self.settled or self.unsettled) else set()
        return found | {Assumption.NO_HIDDEN_CHANGES} if self.hidden else found

    def may_hide(self) -> bool:
        """Whether a change that no name shows is taken into account where one may be made."""
        self.hidden = True
        return not self.open

    def captured_by(self, ident: Symbol) -> list[str | Symbol]:
        """What a function or generator may change when it runs, if the symbol may stand for one."""
        found: list[str | Symbol] = []
        for one in (ident, *self.twins.get(ident, ())) if self.later else ():
            code = self.later.get(one)
            if code is not None and code.certain:
                found += code.changes
        return found

    def may_run_tree(self, idents: Iterable[Symbol]) -> bool:
        """Whether one of the symbols may stand for code that may run code of the tree."""
        return any(later.runs_tree for later in self.code(*idents))

    def code(self, *idents: Symbol) -> list[Later]:
        """What is known of the code that the symbols may stand for."""
        found: list[Later] = []
        later, twins = self.later, self.twins
        for ident in idents if later else ():
            code = later.get(ident)
            if code is not None:
                found.append(code)
            if ident in twins:
                found += [later[twin] for twin in twins[ident] if twin in later]
        return found

    def code_among(self, idents: Iterable[Symbol]) -> list[Later]:
        """The same, for symbols among which are their twins."""
        later = self.later
        return [later[ident] for ident in idents if ident in later] if later else []

    def alias(self, part: Symbol, whole: Symbol) -> None:
        """Record that `part` may be a part of `whole`, or the same object."""
        if part is whole:
            return
        wholes = self.wholes.setdefault(part, set())
        if whole not in wholes:
            wholes.add(whole)
            self.parts.setdefault(whole, set()).add(part)
            self._related.clear()

    def twin(self, one: Symbol, other: Symbol) -> None:
        """Record that the two symbols may stand for the same object."""
        self.twins.setdefault(one, {})[other] = None
        self.twins.setdefault(other, {})[one] = None

    def know(self, owner: Object) -> None:
        """Note the class of an object, if it is known."""
        if owner.cls is not None and self.owners.get(owner.ident) is not owner:
            self.owners[owner.ident] = owner
            self._modules.pop(owner.ident, None)

    def related(self, idents: Iterable[Symbol]) -> set[Symbol] | None:
        """The objects, everything that they may be a part of, and everything that may be a part of any of these.

        None if there are more of these than are worth looking at one by one. Memoised until a relation is added.
        """
        key = frozenset(idents)
        if key not in self._related:
            wholes = _closure(key, self.wholes)
            self._related[key] = _closure(wholes, self.parts) if wholes is not None else None
        known = self._related[key]
        return known.copy() if known is not None else None

    def has_no_weights(self, ident: Symbol) -> bool:
        """Whether the symbol stands for an object whose class is known and is not a module class."""
        return ident in self.owners and not self.proved_module(ident)

    def proved_module(self, ident: Symbol) -> bool:
        """Whether the symbol is proved to stand for a module. Memoised until another class of it is known."""
        known = self._modules.get(ident)
        if known is None:
            known = self._modules[ident] = ident in self.owners and self.is_module(self.owners[ident])
        return known


def _closure(idents: Iterable[Symbol], leads: Mapping[Symbol, set[Symbol]]) -> set[Symbol] | None:
    found = set(idents)
    stack = [ident for ident in found if ident in leads]
    while stack and len(found) <= MOST_RELATED:
        fresh = leads[stack.pop()] - found
        found |= fresh
        stack += [ident for ident in fresh if ident in leads]
    return found if len(found) <= MOST_RELATED else None
