"""The abstract state at one program point: a memory that is copied at branches, and joined where paths meet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from transfer_lint.flow.values.aliasing import Sharing
from transfer_lint.flow.values.join import join
from transfer_lint.flow.values.memory import InitialAttribute, Memory
from transfer_lint.flow.values.records import AT_ENTRY, Epoch, Record, contents_of, is_empty, joined_records, only_read
from transfer_lint.flow.values.symbols import Symbol, Symbols
from transfer_lint.flow.values.terms import Known
from transfer_lint.flow.values.values import Function, Object, Placed, Tensor, Tuple, Value, objects_of


class Meeting:
    """Where many paths meet, one after another: what has met the same twice and stayed the same is not joined again.

    Most paths into one `except` differ in little. A local is told by its name, a record by its object.
    """

    def __init__(self) -> None:
        self._met: dict[str | Symbol, tuple[object, object]] = {}  # -> (what it has met last, what it is for good)

    def is_over(self, key: str | Symbol, mine: object, other: object) -> bool:
        """Whether the join of the two would be the first of them."""
        met = self._met.get(key)
        return met is not None and met[1] is mine and met[0] is other

    def note(self, key: str | Symbol, other: object, mine: object | None) -> bool:
        """Note a join with `other`. mine: what stayed the same in it; None if something changed.

        Returns whether it will stay the same in every later one.
        """
        over = mine is not None and key in self._met and self._met[key][0] is other
        self._met[key] = other, mine if over else _CHANGED
        return over


_CHANGED = object()

_ROOM = 64
"""Records that a heap may have before it is worth looking for garbage."""


class State(Memory):
    """A memory at one program point.

    guards: the values whose placement an enclosing test has compared.
    """

    __slots__ = ("_room", "guards")

    def __init__(self, symbols: Symbols, initial: InitialAttribute, sharing: Sharing) -> None:
        super().__init__(symbols, initial, sharing)
        self.guards: frozenset[Symbol] = frozenset()
        self._room = _ROOM  # the size of the heap up to which garbage may stay

    def copy(self) -> State:
        """An independent copy. Only the symbols and the relations between objects are shared."""
        self.sharing.spend(1 + len(self.heap) // 8)  # a copy is cheap
        other = State.__new__(State)  # every attribute is set here: there are many copies
        other.symbols, other._initial, other.sharing = self.symbols, self._initial, self.sharing
        other.locals = self.locals.copy()
        other.heap = self.heap.copy()
        other.rest, other.module_rest = self.rest, self.module_rest
        other.guards = self.guards
        other.correlated = self.correlated
        other._room = self._room
        return other

    def become(self, other: State) -> None:
        """Take over the locals and the heap of another state."""
        self.locals = other.locals
        self.become_heap(other)

    def become_heap(self, other: State) -> None:
        """Take over the heap of another state."""
        self.heap, self.rest, self.module_rest = other.heap, other.rest, other.module_rest

    def same_heap(self, other: State) -> bool:
        """Whether the heaps are equal."""
        return (self.heap, self.rest, self.module_rest) == (other.heap, other.rest, other.module_rest)

    def joined(self, other: State, key: tuple[object, ...], line: int, meeting: Meeting | None = None) -> State:
        """The join with another state. `key` names the program point where the two paths meet.

        meeting: where more than two paths meet.
        """
        result = self.copy()
        self.sharing.spend(len(self.heap) + len(self.locals))
        result.guards = self.guards & other.guards
        result._room = max(self._room, other._room)
        if self.correlated is not other.correlated:
            result.correlated = {k: v for k, v in self.correlated.items() if other.correlated.get(k) is v}

        def phi(name: str) -> Callable[[str], Symbol]:
            return lambda path: self.symbols.make(("phi", key, name + path), name.lstrip("."), line)

        bound = self.locals.get
        for name, b in [(name, b) for name, b in other.locals.items() if bound(name) is not b]:
            a = bound(name)
            if a is None:  # unbound on one path: a read that succeeds gets the other path's value
                result.locals[name] = b
            elif meeting is None or not meeting.is_over(name, a, b):
                value = self.merge_values(a, b, phi(name), other, result)
                if meeting is None or not meeting.note(name, b, a if value == a and _is_alone(a) else None):
                    result.locals[name] = value
        here = where_met(key, line)
        if self.rest != other.rest:
            result.rest = joined_records(self.rest, other.rest, {}, here)
        if self.module_rest != other.module_rest:
            result.module_rest = joined_records(self.module_rest, other.module_rest, {}, here)
        alike: dict[tuple[int, int], Record] = {}  # pairs of records without attributes of their own -> their join
        made: dict[tuple[object, ...], Record] = {}  # what such joins come to, by what it says
        at_other = other.heap.get
        differing = [ident for ident, record in self.heap.items() if at_other(ident) is not record]
        differing += [ident for ident in other.heap if ident not in self.heap]
        for ident in differing:
            mine, theirs = self.heap.get(ident), at_other(ident)
            if mine is not None and theirs is not None and (joined := alike.get((id(mine), id(theirs)))) is not None:
                if joined is not mine:
                    result.heap[ident] = joined
                continue
            if mine is None or theirs is None:
                known, rest = (mine, other.record(ident)) if theirs is None else (theirs, self.record(ident))
                assert known is not None
                if rest is AT_ENTRY and (known.made or only_read(ident, known)):
                    result.heap[ident] = known
                    continue
            a_record, b_record = mine or self.record(ident), theirs or other.record(ident)
            if not a_record.attributes and not b_record.attributes:
                ids = id(a_record), id(b_record)
                joined = alike.get(ids)
                if joined is None:
                    unknown = a_record.is_unknown_since(here)
                    joined = a_record if unknown else _one_of(made, joined_records(a_record, b_record, {}, here))
                    alike[ids] = joined
                if joined is not a_record:
                    result.heap[ident] = joined
            elif mine is not None and theirs is not None and only_read(ident, mine) and only_read(ident, theirs):
                result.heap[ident] = mine.holding({**mine.attributes, **theirs.attributes})
            elif a_record.attributes is b_record.attributes:
                result.heap[ident] = joined_records(a_record, b_record, a_record.attributes, here)
            elif meeting is not None and meeting.is_over(ident, mine, theirs):
                continue
            elif not a_record.same(b_record):
                record = self._joined_record(other, result, ident, (a_record, b_record), here)
                stays = meeting is not None and mine is not None and theirs is not None and _stays(mine, theirs, record)
                if meeting is None or not meeting.note(ident, theirs, mine if stays else None):
                    result.heap[ident] = record
        return result

    def merge_values(
        self, a: Value, b: Value, phi: Callable[[str], Symbol], other: State | None = None, into: State | None = None
    ) -> Value:
        """`join`, with the heap. `a` is in this state, `b` in `other`, the result in `into` (None: this state)."""
        if isinstance(a, Tuple) and isinstance(b, Tuple) and len(a.items) == len(b.items):
            items: list[Value] = []
            for number, (x, y) in enumerate(zip(a.items, b.items, strict=True)):
                items.append(self.merge_values(x, y, partial(_item, phi, number), other, into))
            return Tuple(tuple(items))
        for mine, theirs, met in self.sharing.meeting:
            if mine == a and theirs == b:
                return met  # an object that leads to itself
        merged = join(a, b, phi)
        if not isinstance(merged, Object | Tuple | Function):
            return merged  # no object
        if isinstance(a, Object) and isinstance(b, Object) and isinstance(merged, Object):
            if merged.ident is a.ident and merged.ident is b.ident:
                return merged
            self._twin(a, b, merged, other or self, into or self)
        origins = {*objects_of(a), *objects_of(b)}
        for part in tuple(objects_of(merged)):
            if part not in origins:
                for origin in origins:
                    self.sharing.alias(part, origin)
        return merged

    def _twin(self, a: Object, b: Object, merged: Object, other: State, into: State) -> None:
        """Make `merged` a twin of `a` and `b`: what is assigned through one of them may be read through another."""
        if merged.ident in (a.ident, b.ident):
            return
        if merged.cls is not None:
            records = self.record(a.ident), other.record(b.ident)
            here = where_met(("twin", merged.ident), 0)
            self.sharing.meeting.append((a, b, merged))
            into.heap[merged.ident] = self._joined_record(other, into, merged.ident, records, here)
            self.sharing.meeting.pop()
        for origin in (a.ident, b.ident):
            self.sharing.twin(merged.ident, origin)

    def learn(self, ident: Symbol, value: Value) -> None:
        """Replace the value that the symbol stands for by a more precise one, in all locals and attributes."""
        self.sharing.spend(len(self.heap) + len(self.locals))
        for name, held in self.locals.items():
            if isinstance(held, Tensor | Object) and held.ident is ident:
                self.locals[name] = value
            elif isinstance(value, Tensor) and isinstance(held, Object) and _is_device_of(held, ident):
                self.locals[name] = Placed(value.device or Known(value.device_term()), is_dtype=False)
        for owner, record in self.heap.items():
            if any(isinstance(v, Tensor | Object) and v.ident is ident for v in record.attributes.values()):
                attributes = {
                    name: value if isinstance(v, Tensor | Object) and v.ident is ident else v
                    for name, v in record.attributes.items()
                }
                self.heap[owner] = record.holding(attributes)

    def forget_garbage(self, *, all_of_it: bool = False) -> None:
        """Drop the records of objects that can no longer be reached, once there may be many or if `all_of_it` is asked.

        Only between statements: while an expression is evaluated, it may hold objects that no name leads to yet.
        """
        if len(self.heap) <= self._room and not all_of_it:
            return
        live = {ident for ident in self.heap if ident.at_entry}
        self._room = max(_ROOM, len(live) * 3 // 2)
        if len(live) == len(self.heap):
            return
        self.sharing.spend(len(self.heap) // 8)  # as cheap as a copy
        parts: dict[Symbol, list[Symbol]] = {}  # of objects met here: what they had held when they were met
        for ident in self.heap:
            if ident.line == 0 and ident not in live:
                for whole in ident.lineage():
                    parts.setdefault(whole, []).append(ident)
        stack = [*live, *contents_of(self.locals.values()).leads]
        live.update(stack)
        while stack:
            ident = stack.pop()
            record = self.heap.get(ident)
            if record is not None and record.attributes:
                fresh = [part for part in record.contents.leads if part not in live]
                live.update(fresh)
                stack += fresh
            if ident in parts:
                fresh = [part for part in parts[ident] if part not in live]
                live.update(fresh)
                stack += fresh
        if not self.heap.keys() <= live:
            self.heap = {ident: record for ident, record in self.heap.items() if ident in live}
        self._room = max(_ROOM, len(self.heap) * 3 // 2)

    def _joined_record(
        self,
        other: State,
        into: State,
        ident: Symbol,
        records: tuple[Record, Record],
        here: Epoch,
    ) -> Record:
        a, b = records
        names = {**a.attributes, **b.attributes}
        attributes: dict[str, Value] = {}
        owner = self.sharing.owners.get(ident) or Object(ident)
        is_list = owner.cls == "builtins.list"
        for name in names:
            x, y = a.attributes.get(name), b.attributes.get(name)
            if x is y and x is not None:
                attributes[name] = x
                continue
            if is_list and (x is None or y is None) and is_empty(a if x is None else b):
                x = y = x or y  # the list is empty on the other path: there is no other item
            x = x or self._initial(self, owner, name, a)
            y = y or self._initial(other, owner, name, b)

            def phi(path: str, name: str = name) -> Symbol:
                return self.symbols.make(("phi", here.name, ident, name + path), f"{ident.label}.{name}", here.line)

            attributes[name] = self.merge_values(x, y, phi, other, into)
        return joined_records(a, b, attributes, here)


def where_met(key: tuple[object, ...], line: int) -> Epoch:
    """The program point of a join with this key."""
    return Epoch(f"join {key}", line)


def _one_of(made: dict[tuple[object, ...], Record], record: Record) -> Record:
    """The first record without attributes that says the same, so that those alike are joined once in the next join."""
    if record.device is not None or record.dtype is not None:
        return record
    return made.setdefault((record.anchor, record.epoch, record.moved, record.made), record)


def _is_alone(value: Value) -> bool:
    """Whether its join changes nothing but the local or attribute that holds it."""
    return not isinstance(value, Tuple) and not (isinstance(value, Object) and value.cls is not None)


def _stays(mine: Record, theirs: Record, joined: Record) -> bool:
    """Whether a record has stayed the same in a join, and its join has changed no other."""
    return (
        len(mine.attributes) == len(theirs.attributes)
        and joined.same(mine)
        and all(map(_is_alone, mine.attributes.values()))
    )


def _item(phi: Callable[[str], Symbol], number: int, path: str) -> Symbol:
    return phi(f"[{number}]{path}")


def _is_device_of(value: Object, ident: Symbol) -> bool:
    """Whether a value is the `.device` of an object, read before it was known that this is a tensor."""
    return value.ident.parent is ident and value.ident.name == "device"
