"""Records: what is known of one object in the heap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Known
from transfer_lint.flow.values.values import Host, Object, Tensor, Value


@dataclass(frozen=True, slots=True)
class Record:
    """The state of one object.

    attributes: the known attributes. An item stands under `[key]`; `[]` stands for every item of a list. The mapping
        is never changed in place.
    device, dtype: the placement of a module's weights, if known.
    anchor: the symbol that the placement of the weights refers to while it is not known; a new one each time that they
        may have been moved to an unknown place.
    epoch: "" until unknown code may have changed the object; then the name of that program point. An attribute that
        is not listed has the value that it had at that point.
    line: the line where the epoch began (0: function entry).
    moved: None until something may have moved the object; then the symbol of the last such move. Reading its `.device`
        gives another value after each move.
    made: the object was made in this function. On a path without a record of it, it was not made.
    """

    anchor: Symbol
    attributes: Mapping[str, Value] = field(default_factory=dict)
    device: Known | None = None
    dtype: Known | None = None
    epoch: str = ""
    line: int = 0
    moved: Symbol | None = None
    made: bool = False

    def holding(self, attributes: Mapping[str, Value]) -> Record:
        """A copy with other attributes. (Written out: `dataclasses.replace` is slow, and this is a hot path.)"""
        return Record(self.anchor, attributes, self.device, self.dtype, self.epoch, self.line, self.moved, self.made)

    def same(self, other: Record) -> bool:
        """Whether two records are equal. Fields that differ most often are compared first."""
        return (
            self.anchor is other.anchor
            and self.epoch == other.epoch
            and self.device == other.device
            and self.dtype == other.dtype
            and self.moved is other.moved
            and self.made == other.made
            and self.line == other.line
            and (self.attributes is other.attributes or self.attributes == other.attributes)
        )

    def displaced(self, anchor: Symbol) -> Record:
        """A copy whose weights have an unknown placement, with this anchor."""
        return Record(anchor, self.attributes, None, None, self.epoch, self.line, anchor, self.made)


def only_read(ident: Symbol, record: Record) -> bool:
    """Whether an object is unchanged since function entry: its known attributes were only read, not assigned."""
    return (
        record.anchor is ident
        and not record.epoch
        and not record.made
        and record.device is None
        and record.dtype is None
        and record.moved is None
        and all(_as_at_entry(ident, name, value) for name, value in record.attributes.items())
    )


def _as_at_entry(owner: Symbol, name: str, value: Value) -> bool:
    if isinstance(value, Tensor | Object):
        return value.ident.parent is owner and value.ident.name == name
    return isinstance(value, Host) and value.ident.parent is owner and value.ident.name == name


def is_empty(record: Record) -> bool:
    """Whether a list was made in this function and is still empty."""
    return record.made and not record.attributes and not record.epoch
