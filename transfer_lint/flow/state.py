"""What is known at one point of a function: its locals, and the heap of objects that they reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from transfer_lint.flow.values import (
    NONE,
    Function,
    Known,
    Object,
    Symbol,
    Symbols,
    Tensor,
    Tuple,
    Value,
    join,
    join_known,
)


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
    made: the object was made in this function; a path on which it has no record is one on which it is not made.
    """

    anchor: Symbol
    attributes: Mapping[str, Value] = field(default_factory=dict)
    device: Known | None = None
    dtype: Known | None = None
    epoch: str = ""
    line: int = 0
    made: bool = False


@dataclass(slots=True)
class Sharing:
    """Which objects may have to do with which: one for a whole function, whatever the path.

    aliases: symbol -> symbols whose objects it may share parts with (both ways). twins: symbol -> symbols that may be
    the same object. owners: symbol -> the object, with its class, that it stands for. captured: a function or generator
    made here -> the locals (by name) and objects that it may change whenever it runs.
    """

    aliases: dict[Symbol, set[Symbol]] = field(default_factory=dict)
    twins: dict[Symbol, set[Symbol]] = field(default_factory=dict)
    owners: dict[Symbol, Object] = field(default_factory=dict)
    captured: dict[Symbol, frozenset[str | Symbol]] = field(default_factory=dict)

    def captured_by(self, ident: Symbol) -> set[str | Symbol]:
        """What the function or generator that the symbol may stand for may change."""
        return {held for one in (ident, *self.twins.get(ident, ())) for held in self.captured.get(one, ())}

    def alias(self, part: Symbol, whole: Symbol) -> None:
        """`part` may share something with `whole`, and with all that `whole` may share something with."""
        for other in {whole, *self.aliases.get(whole, ())} - {part}:
            self.aliases.setdefault(part, set()).add(other)
            self.aliases.setdefault(other, set()).add(part)

    def twin(self, one: Symbol, other: Symbol) -> None:
        """The two may be the very same object."""
        self.twins.setdefault(one, set()).add(other)
        self.twins.setdefault(other, set()).add(one)


InitialAttribute = Callable[["State", Object, str, Record], Value]


class State:
    """Locals and heap. Copied at branches, joined where they meet."""

    __slots__ = ("_initial", "guards", "heap", "locals", "sharing", "symbols")

    def __init__(self, symbols: Symbols, initial: InitialAttribute, sharing: Sharing) -> None:
        self.locals: dict[str, Value] = {}
        self.heap: dict[Symbol, Record] = {}
        self.guards: frozenset[Symbol] = frozenset()  # whose placement an enclosing test has compared
        self.symbols = symbols
        self.sharing = sharing
        self._initial = initial

    def copy(self) -> State:
        """An independent state that knows the same."""
        other = State(self.symbols, self._initial, self.sharing)
        other.locals = dict(self.locals)
        other.heap = dict(self.heap)
        other.guards = self.guards
        return other

    def record(self, ident: Symbol) -> Record:
        """The state of an object; that of function entry if nothing has touched it."""
        return self.heap.get(ident) or Record(anchor=ident)

    def create(self, made: Object) -> None:
        """A new object, with no attributes yet."""
        self.heap[made.ident] = Record(anchor=made.ident, made=True)

    def read(self, owner: Object, name: str) -> Value:
        """An attribute (or `[item]`) of an object."""
        record = self.record(owner.ident)
        if owner.cls is not None:
            self.sharing.owners[owner.ident] = owner
        value = record.attributes.get(name)
        if value is None:
            value = self._initial(self, owner, name, record)
            record = self.record(owner.ident)
            self.heap[owner.ident] = replace(record, attributes={**record.attributes, name: value})
        return value

    def write(self, owner: Object, name: str, value: Value) -> None:
        """Assign an attribute (or `[item]`)."""
        for twin in self.sharing.twins.get(owner.ident, ()):
            known = self.record(twin)
            self.heap[twin] = Record(known.anchor, epoch=f"twin {name} {known.epoch}", line=known.line)
        record = self.record(owner.ident)
        self.heap[owner.ident] = replace(record, attributes={**record.attributes, name: value})

    def place(self, owner: Object, device: Known | None, dtype: Known | None, epoch: str, line: int) -> None:
        """A module is moved: `device` and `dtype` as far as the move says them (None: that half stays)."""
        for other in self._sharing(owner.ident):
            self._unplace(other, device, dtype, epoch, line)
        self._place(owner.ident, device, dtype, set())
        self._refresh_weights(epoch, line)

    def _place(self, ident: Symbol, device: Known | None, dtype: Known | None, seen: set[Symbol]) -> None:
        seen.add(ident)
        record = self.record(ident)
        kept = {name: v for name, v in record.attributes.items() if not (isinstance(v, Tensor) and v.weight)}
        self.heap[ident] = replace(record, attributes=kept, device=device or record.device, dtype=dtype or record.dtype)
        for value in kept.values():
            if isinstance(value, Object) and value.ident not in seen:
                self._place(value.ident, device, dtype, seen)

    def _sharing(self, *idents: Symbol) -> list[Symbol]:
        """Objects (others) that hold one of the objects and have a placement, or that may share something with one."""
        wanted = set(idents)
        # A part of something that may share with another is a part of that other, too.
        whole = {ancestor for ident in idents for ancestor in ident.lineage()}
        found = {other for ident in whole for other in self.sharing.aliases.get(ident, ())}
        placed = [i for i, record in self.heap.items() if record.device is not None or record.dtype is not None]
        found.update(owner for owner in placed if not wanted.isdisjoint(self.reachable(owner)))
        return sorted(found - wanted, key=lambda symbol: (symbol.line, symbol.label))

    def _unplace(self, ident: Symbol, device: Known | None, dtype: Known | None, epoch: str, line: int) -> None:
        """Part of the object was moved: it keeps only what the move agrees with."""
        record = self.record(ident)
        anchor = self.symbols.make(("anchor", ident, epoch), ident.label, line)
        self.heap[ident] = replace(
            record,
            device=record.device if device is None or record.device == device else None,
            dtype=record.dtype if dtype is None or record.dtype == dtype else None,
            anchor=anchor,
        )

    def havoc(self, value: Value, epoch: str, line: int) -> None:
        """Something unknown got hold of the value: whatever is reachable from it may have changed."""
        if isinstance(value, Tuple):
            for item in value.items:
                self.havoc(item, epoch, line)
        if isinstance(value, Function) and value.receiver is not None:
            self.havoc(value.receiver, epoch, line)
        if not isinstance(value, Object):
            return
        touched = list(self.reachable(value.ident))
        sharing = self._sharing(*touched)
        for ident in touched:
            anchor = self.symbols.make(("anchor", ident, epoch), ident.label, line)
            self.heap[ident] = Record(anchor=anchor, epoch=epoch, line=line)
        for other in sharing:
            record = self.record(other)
            anchor = self.symbols.make(("anchor", other, epoch), other.label, line)
            self.heap[other] = replace(record, device=None, dtype=None, anchor=anchor)
        self._refresh_weights(epoch, line)

    def _refresh_weights(self, epoch: str, line: int) -> None:
        """A local that holds a parameter moves with its module: forget where it was."""
        for name, value in self.locals.items():
            if isinstance(value, Tensor) and value.weight:
                symbol = self.symbols.make(("weight", name, epoch), value.ident.label, line)
                self.locals[name] = replace(value, ident=symbol, device=None, dtype=None)

    def reachable(self, ident: Symbol) -> Iterator[Symbol]:
        """The object and all that its known attributes lead to."""
        seen = {ident}
        stack = [ident]
        while stack:
            here = stack.pop()
            yield here
            record = self.heap.get(here)
            targets = [t for value in (record.attributes.values() if record else ()) for t in _objects(value)]
            for held in self.sharing.captured_by(here):
                targets += _objects(self.locals.get(held, NONE)) if isinstance(held, str) else [held]
            for target in targets:
                if target not in seen:
                    seen.add(target)
                    stack.append(target)

    def joined(self, other: State, key: tuple[object, ...], line: int) -> State:
        """What holds on either of two paths. `key` names the place where they meet."""
        result = self.copy()
        result.guards = self.guards & other.guards

        def phi(name: str) -> Callable[[str], Symbol]:
            return lambda path: self.symbols.make(("phi", key, name + path), name.lstrip("."), line)

        for name, b in other.locals.items():
            a = self.locals.get(name)
            if a is None:  # unbound on one path: where it is read, it has the other's value
                result.locals[name] = b
            elif a is not b:
                result.locals[name] = self.merge_values(a, b, phi(name), other, result)
        for ident in self.heap.keys() | other.heap.keys():
            mine, theirs = self.heap.get(ident), other.heap.get(ident)
            if mine is theirs:
                continue
            if mine is None or theirs is None:
                known = mine or theirs
                assert known is not None
                if known.made:
                    result.heap[ident] = known
                    continue
            records = self.record(ident), other.record(ident)
            if records[0] != records[1]:
                result.heap[ident] = self._joined_record(other, result, ident, records, key, line)
        return result

    def merge_values(
        self, a: Value, b: Value, phi: Callable[[str], Symbol], other: State | None = None, into: State | None = None
    ) -> Value:
        """`values.join`, with the heap: `a` lives in this state, `b` in `other`, the result in `into` (all: this)."""
        if isinstance(a, Tuple) and isinstance(b, Tuple) and len(a.items) == len(b.items):
            items: list[Value] = []
            for number, (x, y) in enumerate(zip(a.items, b.items, strict=True)):
                items.append(self.merge_values(x, y, partial(_item, phi, number), other, into))
            return Tuple(tuple(items))
        merged = join(a, b, phi)
        if isinstance(a, Object) and isinstance(b, Object) and isinstance(merged, Object):
            self._twin(a, b, merged, other or self, into or self)
        origins = {*_objects(a), *_objects(b)}
        for part in _objects(merged):
            if part not in origins:
                for origin in origins:
                    self.sharing.alias(part, origin)
        return merged

    def _twin(self, a: Object, b: Object, merged: Object, other: State, into: State) -> None:
        """`merged` is the one or the other: what is assigned through one name may be read through another."""
        if merged.ident in (a.ident, b.ident):
            return
        if merged.cls is not None:
            records = self.record(a.ident), other.record(b.ident)
            key = ("twin", merged.ident)
            into.heap[merged.ident] = self._joined_record(other, into, merged.ident, records, key, 0)
        for origin in (a.ident, b.ident):
            self.sharing.twin(merged.ident, origin)

    def learn(self, ident: Symbol, value: Value) -> None:
        """More is known of the value that the symbol stands for, under whatever name."""
        for name, held in self.locals.items():
            if isinstance(held, Tensor | Object) and held.ident is ident:
                self.locals[name] = value
        for owner, record in self.heap.items():
            if any(isinstance(v, Tensor | Object) and v.ident is ident for v in record.attributes.values()):
                attributes = {
                    name: value if isinstance(v, Tensor | Object) and v.ident is ident else v
                    for name, v in record.attributes.items()
                }
                self.heap[owner] = replace(record, attributes=attributes)

    def forget_garbage(self) -> None:
        """Drop the records of objects that nothing leads to any more. Only between statements: an expression under
        way may hold objects that no name leads to yet."""
        live = {ident for ident in self.heap if ident.line == 0}
        stack = [*live, *(part for value in self.locals.values() for part in _objects(value))]
        live.update(stack)
        while stack:
            record = self.heap.get(stack.pop())
            for value in record.attributes.values() if record else ():
                for part in _objects(value):
                    if part not in live:
                        live.add(part)
                        stack.append(part)
        if len(live) < len(self.heap):
            self.heap = {ident: record for ident, record in self.heap.items() if ident in live}

    def forget_placements(self, epoch: str, line: int) -> None:
        """Some tensor has become another one under its own name: nothing is known to be where it was."""

        def forgotten(value: Value, key: object) -> Value:
            if not isinstance(value, Tensor):
                return value
            ident = self.symbols.make(("forgotten", key, epoch), value.ident.label, line)
            return Tensor(ident, optional=value.optional, weight=value.weight, why=value.why)

        self.locals = {name: forgotten(value, name) for name, value in self.locals.items()}
        for ident, record in self.heap.items():
            attributes = {name: forgotten(value, (ident, name)) for name, value in record.attributes.items()}
            anchor = self.symbols.make(("anchor", ident, epoch), ident.label, line)
            self.heap[ident] = replace(record, attributes=attributes, device=None, dtype=None, anchor=anchor)

    def displace(self, owner: Object, epoch: str, line: int) -> None:
        """Parts of a module were moved somewhere, or replaced."""
        if owner.ident not in self.heap:
            return
        for ident in (owner.ident, *self._sharing(owner.ident)):
            record = self.record(ident)
            anchor = self.symbols.make(("anchor", ident, epoch), ident.label, line)
            self.heap[ident] = replace(record, device=None, dtype=None, anchor=anchor)
        self._refresh_weights(epoch, line)

    def _joined_record(
        self,
        other: State,
        into: State,
        ident: Symbol,
        records: tuple[Record, Record],
        key: tuple[object, ...],
        line: int,
    ) -> Record:
        a, b = records
        names = a.attributes.keys() | b.attributes.keys()
        attributes: dict[str, Value] = {}
        owner = self.sharing.owners.get(ident) or Object(ident)
        for name in names:
            x = a.attributes.get(name) or self._initial(self, owner, name, a)
            y = b.attributes.get(name) or self._initial(other, owner, name, b)

            def phi(path: str, name: str = name) -> Symbol:
                return self.symbols.make(("phi", key, ident, name + path), f"{ident.label}.{name}", line)

            attributes[name] = self.merge_values(x, y, phi, other, into)
        device, dtype = join_known(a.device, b.device), join_known(a.dtype, b.dtype)
        same = (
            a.anchor is b.anchor and (a.device is None) == (b.device is None) and (a.dtype is None) == (b.dtype is None)
        )
        anchor = a.anchor if same else self.symbols.make(("anchor", ident, key), ident.label, line)
        epoch, begin = (a.epoch, a.line) if a.epoch == b.epoch else (f"join {key}", line)
        return Record(anchor, attributes, device, dtype, epoch, begin, a.made and b.made)


def _objects(value: Value) -> Iterator[Symbol]:
    if isinstance(value, Object):
        yield value.ident
    elif isinstance(value, Tuple):
        for item in value.items:
            yield from _objects(item)
    elif isinstance(value, Function) and value.receiver is not None:
        yield from _objects(value.receiver)


def _item(phi: Callable[[str], Symbol], number: int, path: str) -> Symbol:
    return phi(f"[{number}]{path}")
