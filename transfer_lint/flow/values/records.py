"""Records: what is known of one object in the heap.

A record does not name its object, so that one record serves all objects to which the same has happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Known, join_known
from transfer_lint.flow.values.values import Class, Function, Host, Object, Tensor, Tuple, Value, objects_of, symbols_of


class Contents(NamedTuple):
    """What is among the values that the attributes of a record hold.

    leads: the objects in them, also in tuples and bound to functions. classed: the values that are objects of a known
    class. tensors: whether there are tensors, also in tuples. code: whether there are functions or classes.
    """

    leads: tuple[Symbol, ...] = ()
    classed: tuple[Object, ...] = ()
    tensors: bool = False
    code: bool = False


_NOTHING = Contents()


class Epoch(NamedTuple):
    """A program point from which on something is not known. name: of the point. line: where it is."""

    name: str
    line: int


@dataclass(slots=True)
class Record:
    """The state of one object. Never changed in place. (Not `frozen`, which makes records slow to make.)

    attributes: the known attributes. An item stands under `[key]`; `[]` stands for every item of a list. The mapping
        is never changed in place.
    device, dtype: the placement of a module's weights, if known.
    anchor: None until the weights may have been moved to an unknown place; then the point where they last were. A
        placement that is not known is that of this point.
    epoch: None until unknown code may have changed the object; then that program point. An attribute that is not listed
        has the value that it had at that point.
    moved: None until something may have moved the object; then the last such move. Reading its `.device` gives another
        value after each move.
    made: the object was made in this function. On a path without a record of it, it was not made.
    """

    anchor: Epoch | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)
    device: Known | None = None
    dtype: Known | None = None
    epoch: Epoch | None = None
    moved: Epoch | None = None
    made: bool = False
    _contents: Contents | None = field(default=None, init=False, compare=False, repr=False)
    _lines: frozenset[int] | None = field(default=None, init=False, compare=False, repr=False)

    @property
    def contents(self) -> Contents:
        """What the attributes hold. Memoised."""
        known = self._contents
        if known is None:
            known = self._contents = contents_of(self.attributes.values()) if self.attributes else _NOTHING
        return known

    @property
    def lines(self) -> frozenset[int]:
        """The lines of all symbols in the attributes, see `Symbol.lines`. Memoised."""
        if self._lines is None:
            symbols = (symbol for value in self.attributes.values() for symbol in symbols_of(value))
            self._lines = frozenset(line for symbol in symbols for line in symbol.lines)
        return self._lines

    def holding(self, attributes: Mapping[str, Value]) -> Record:
        """A copy with other attributes. (Written out: `dataclasses.replace` is slow, and this is a hot path.)"""
        return Record(self.anchor, attributes, self.device, self.dtype, self.epoch, self.moved, self.made)

    def same(self, other: Record) -> bool:
        """Whether two records are equal. Fields that differ most often are compared first."""
        return (
            self.anchor == other.anchor
            and self.epoch == other.epoch
            and self.device == other.device
            and self.dtype == other.dtype
            and self.moved == other.moved
            and self.made == other.made
            and (self.attributes is other.attributes or self.attributes == other.attributes)
        )

    def says_nothing(self) -> bool:
        """Whether nothing is known of the object but since when."""
        placed = self.device is not None or self.dtype is not None
        return self.epoch is not None and not placed and not self.attributes and not self.made

    def is_unknown_since(self, here: Epoch) -> bool:
        """Whether nothing at all is known of the object, from a program point on."""
        return self.says_nothing() and self.epoch == here and self.anchor == here and self.moved == here

    def displaced(self, where: Epoch) -> Record:
        """A copy whose weights were moved to an unknown place."""
        return Record(where, self.attributes, None, None, self.epoch, where, self.made)


def contents_of(values: Iterable[Value]) -> Contents:
    """What is among some values."""
    leads: list[Symbol] = []
    classed: list[Object] = []
    tensors = code = False
    for value in values:
        if isinstance(value, Object):
            leads.append(value.ident)
            if value.cls is not None:
                classed.append(value)
        elif isinstance(value, Tensor):
            tensors = True
        elif isinstance(value, Tuple):
            inner = contents_of(value.items)
            leads += inner.leads
            tensors = tensors or inner.tensors
        elif isinstance(value, Function):
            leads += objects_of(value)
            code = True
        elif isinstance(value, Class):
            code = True
    return Contents(tuple(leads), tuple(classed), tensors, code)


AT_ENTRY = Record()
"""The record of an object that nothing has touched since function entry."""

MADE = Record(made=True)
"""The record of a new object without attributes."""


def only_read(ident: Symbol, record: Record) -> bool:
    """Whether an object is unchanged since function entry: its known attributes were only read, not assigned."""
    return (
        record.anchor is None
        and record.epoch is None
        and not record.made
        and record.device is None
        and record.dtype is None
        and record.moved is None
        and all(is_as_at_entry(ident, name, value) for name, value in record.attributes.items())
    )


def is_as_at_entry(owner: Symbol, name: str, value: Value) -> bool:
    """Whether a value is what the attribute was when its owner was first met."""
    if isinstance(value, Tensor | Object):
        return value.ident.parent is owner and value.ident.name == name
    return isinstance(value, Host) and value.ident.parent is owner and value.ident.name == name


def is_empty(record: Record) -> bool:
    """Whether a list was made in this function and is still empty."""
    return record.made and not record.attributes and not record.epoch


def joined_records(a: Record, b: Record, attributes: Mapping[str, Value], here: Epoch) -> Record:
    """The join of two records at a program point, with attributes that are joined already."""
    alike = a.anchor == b.anchor and (a.device is None, a.dtype is None) == (b.device is None, b.dtype is None)
    return Record(
        a.anchor if alike else here,
        attributes,
        join_known(a.device, b.device),
        join_known(a.dtype, b.dtype),
        a.epoch if a.epoch == b.epoch else here,
        a.moved if a.moved == b.moved else here,
        a.made and b.made,
    )
