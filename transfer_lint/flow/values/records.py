"""Records: what is known of one object of the heap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Known
from transfer_lint.flow.values.values import Host, Object, Tensor, Value


@dataclass(frozen=True, slots=True)
class Record:
    """The state of one object.

    attributes: what is known of its attributes; items are kept under `[key]`, all items of a list under `[]`.
        Never changed in place.
    device, dtype: where a module's weights are, if known.
    anchor: stands for "wherever the weights are since the last time that something may have moved them".
    epoch: "" until something unknown may have changed the object; then names that place. Attributes that are not
        listed have the value that they had then.
    line: where the epoch began (0: at function entry).
    moved: None until something may have moved it; then stands for the last time. Its `.device` then is another one.
    made: the object was made in this function; a path on which it has no record is one on which it is not made.
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
        """The same with other attributes. (Spelled out: `dataclasses.replace` is slow, and this is a hot path.)"""
        return Record(self.anchor, attributes, self.device, self.dtype, self.epoch, self.line, self.moved, self.made)

    def same(self, other: Record) -> bool:
        """Whether the two say the same: what differs most often is looked at first."""
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
        """The same, but nobody knows where its weights are now."""
        return Record(anchor, self.attributes, None, None, self.epoch, self.line, anchor, self.made)


def only_read(ident: Symbol, record: Record) -> bool:
    """Whether an object is as it was at function entry: its attributes are known because they have been read."""
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
    """Whether a list is as it was made, with nothing in it."""
    return record.made and not record.attributes and not record.epoch
