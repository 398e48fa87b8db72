"""What is known of one object, and which objects may have to do with which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from transfer_lint.flow.values import Host, Known, Object, Symbol, Tensor, Value


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
