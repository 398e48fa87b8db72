"""The abstract state at one program point: the locals, and the heap of objects that they reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from transfer_lint.flow.program.modules import ClassInfo
from transfer_lint.flow.values.aliasing import Sharing
from transfer_lint.flow.values.join import join
from transfer_lint.flow.values.records import AT_ENTRY, MADE, Epoch, Record, is_empty, joined_records, only_read
from transfer_lint.flow.values.settled import settled_records
from transfer_lint.flow.values.symbols import Symbol, Symbols
from transfer_lint.flow.values.terms import Known
from transfer_lint.flow.values.values import NONE, Function, Object, Placed, Tensor, Tuple, Value, objects_of

LIVE = frozenset({"device", "dtype"})
"""Attributes that a module may compute from its weights."""

TestKey: TypeAlias = tuple[object, ...]
"""A test and the values that it reads: two tests with one key have the same outcome."""

InitialAttribute = Callable[["State", Object, str, Record], Value]


class State:
    """The abstract state: locals and heap. Copied at branches, joined where paths meet.

    rest: the record of every object that is not in the heap.
    """

    __slots__ = ("_initial", "correlated", "guards", "heap", "locals", "rest", "sharing", "symbols")

    def __init__(self, symbols: Symbols, initial: InitialAttribute, sharing: Sharing) -> None:
        self.locals: dict[str, Value] = {}
        self.heap: dict[Symbol, Record] = {}
        self.rest = AT_ENTRY
        self.guards: frozenset[Symbol] = frozenset()  # values whose placement an enclosing test has compared
        # test -> local -> (its value, its value where the test was true, where it was false); never changed in place
        self.correlated: Mapping[TestKey, Mapping[str, tuple[Value, Value, Value]]] = {}
        self.symbols = symbols
        self.sharing = sharing
        self._initial = initial

    def copy(self) -> State:
        """An independent copy. Only the symbols and the relations between objects are shared."""
        self.sharing.spend(1 + len(self.heap) // 8)  # a copy is cheap
        other = State(self.symbols, self._initial, self.sharing)
        other.locals = dict(self.locals)
        other.heap = dict(self.heap)
        other.rest = self.rest
        other.guards = self.guards
        other.correlated = self.correlated
        return other

    def become(self, other: State) -> None:
        """Take over the locals and the heap of another state."""
        self.locals, self.heap, self.rest = other.locals, other.heap, other.rest

    def record(self, ident: Symbol) -> Record:
        """The record of an object; if nothing has touched the object, the record of function entry."""
        return self.heap.get(ident, self.rest)

    def anchor(self, ident: Symbol, record: Record) -> Symbol:
        """The symbol that the placement of an object's weights refers to while it is not known."""
        where = record.anchor
        return ident if where is None else self.symbols.make(("anchor", ident, where.name), ident.label, where.line)

    def create(self, made: Object) -> None:
        """Add a new object, with no attributes yet."""
        self.sharing.know(made)
        self.heap[made.ident] = MADE

    def read(self, owner: Object, name: str) -> Value:
        """Read an attribute (or `[item]`) of an object."""
        record = self.record(owner.ident)
        self.sharing.know(owner)
        value = record.attributes.get(name)
        # Not assigned so far: it may be a property that is computed from the weights.
        live = name in LIVE and isinstance(value, Object) and value.ident.parent is owner.ident
        if value is None or live:
            value = self._initial(self, owner, name, record)
            record = self.record(owner.ident)
            self.heap[owner.ident] = record.holding({**record.attributes, name: value})
        return value

    def write(self, owner: Object, name: str, value: Value) -> None:
        """Assign an attribute (or `[item]`)."""
        self.sharing.know(owner)
        for twin in self.sharing.twins.get(owner.ident, ()):
            known = self.record(twin)
            before = known.epoch or Epoch("", 0)
            self.heap[twin] = Record(known.anchor, epoch=Epoch(f"twin {name} {before.name}", before.line))
        for other in self.sharing.instances if isinstance(owner.cls, ClassInfo) else ():
            known = self.record(other)
            if name in known.attributes and other is not owner.ident and self._may_be(other, owner):
                line = known.epoch.line if known.epoch is not None else 0
                either = Object(self.symbols.make(("also", other, name, value), f"{other.label}.{name}", line))
                self.heap[other] = known.holding({**known.attributes, name: either})
        record = self.record(owner.ident)
        self.heap[owner.ident] = record.holding({**record.attributes, name: value})

    def place(self, owner: Object, device: Known | None, dtype: Known | None, epoch: str, line: int) -> None:
        """Move a module to `device` and `dtype` (None: the move does not change that half)."""
        self.sharing.know(owner)
        self.sharing.placed = True
        for other in self._sharing((owner.ident,), epoch, line, moved=True):
            self._unplace(other, device, dtype, epoch, line)
        self._place(owner.ident, device, dtype, epoch, line, set())
        self._refresh_weights(epoch, line)

    def _place(
        self, ident: Symbol, device: Known | None, dtype: Known | None, epoch: str, line: int, seen: set[Symbol]
    ) -> None:
        seen.add(ident)
        record = self.record(ident)
        kept = {name: v for name, v in record.attributes.items() if not (isinstance(v, Tensor) and v.weight)}
        self.heap[ident] = replace(
            record,
            attributes=kept,
            device=device or record.device,
            dtype=dtype or record.dtype,
            moved=Epoch(epoch, line),
        )
        for value in kept.values():
            if isinstance(value, Object) and value.ident not in seen:
                if self.sharing.is_module(value):
                    self._place(value.ident, device, dtype, epoch, line, seen)
                elif (
                    value.cls is None
                ):  # it may be a module; an object of another known class (a list, say) does not move
                    self._unplace(value.ident, device, dtype, epoch, line)

    def _sharing(self, idents: Iterable[Symbol], epoch: str, line: int, moved: bool = False) -> list[Symbol]:
        """Other objects that hold one of these and have a known placement, or that may share parts with one of these.

        None under the assumption that modules stay where they were moved. Where there are too many, everything is
        forgotten first.
        moved: these objects are moved like modules; one of unknown class may then be any module.
        """
        if self.sharing.settled:
            return []
        wanted = set(idents)
        # If an object may share parts with another one, a part of the first may be a part of the other, too.
        found = self.sharing.related({ancestor for ident in idents for ancestor in ident.lineage()})
        if found is None:
            self.sharing.unsettled = True
            self.forget_everything(epoch, line)
            return []
        placed = {i: None for i, record in self.heap.items() if record.device is not None or record.dtype is not None}
        found.update(owner for owner in placed if not wanted.isdisjoint(self.reachable(owner)))
        modules = [i for i in idents if self.sharing.proved_module(i) or (moved and not self.sharing.has_no_weights(i))]
        for other in self.heap if modules else ():
            if (other in placed or self.sharing.proved_module(other)) and other not in found:
                found.update([other] if any(not self._apart(ident, other) for ident in modules) else ())
        found -= wanted
        self.sharing.unsettled |= bool(found)
        known = [other for other in self.heap if other in found]  # the order is the same in every run
        return known + sorted(found - self.heap.keys(), key=lambda symbol: (symbol.line, symbol.label))

    def _apart(self, one: Symbol, other: Symbol) -> bool:
        """Whether two objects are certainly different, given that neither is known to lead to the other."""
        made = self.record(one).made, self.record(other).made
        if all(made):
            return True
        if any(made):  # an older object is a part of an object made here only if it was stored there
            return (other if made[0] else one).is_initial()
        return self.sharing.apart(one, other)

    def _may_be(self, ident: Symbol, owner: Object) -> bool:
        """Whether the symbol may stand for the same object as `owner`, judging by two known classes of the tree."""
        known = self.sharing.owners.get(ident)
        one, other = known.cls if known is not None else None, owner.cls
        if not isinstance(one, ClassInfo) or not isinstance(other, ClassInfo):
            return False
        return (one in other.lineage or other in one.lineage) and not self._apart(ident, owner.ident)

    def _unplace(self, ident: Symbol, device: Known | None, dtype: Known | None, epoch: str, line: int) -> None:
        """Part of the object was moved: forget each half of its placement that the move may have changed."""
        record = self.record(ident)
        where = Epoch(epoch, line)
        self.heap[ident] = replace(
            record,
            device=record.device if device is None or record.device == device else None,
            dtype=record.dtype if dtype is None or record.dtype == dtype else None,
            anchor=where,
            moved=where,
        )

    def havoc(self, value: Value, epoch: str, line: int) -> None:
        """Unknown code got the value: forget everything reachable from it, as that code may have changed it."""
        self.havoc_all((value,), epoch, line)

    def havoc_all(self, values: Iterable[Value], epoch: str, line: int) -> None:
        """`havoc` for several values at once. For a function, module-level objects are forgotten, too."""
        touched: dict[Symbol, None] = {}
        stack = list(values)
        while stack:
            value = stack.pop()
            if isinstance(value, Object):
                if value.ident not in touched:
                    touched.update(dict.fromkeys(self.reachable(value.ident)))
            elif isinstance(value, Tuple):
                stack += value.items
            elif isinstance(value, Function):
                stack += [Object(ident) for ident in self.heap if ident.is_global()]
                stack += value.parts()
        if not touched:
            return
        settled = settled_records(self.heap, self.sharing, values, touched) if self.sharing.placed else {}
        if settled and not self.sharing.settled:
            self.sharing.unsettled, settled = True, {}
        sharing = self._sharing(touched, epoch, line)
        where = Epoch(epoch, line)
        unknown = Record(where, epoch=where)
        for ident in touched:
            self.heap[ident] = settled.get(ident) or unknown
        self._displace(sharing, epoch, line)

    def havoc_globals(self, epoch: str, line: int) -> None:
        """Code that is not interpreted runs: forget module-level objects, as it may have changed them."""
        self.havoc_all([Object(ident) for ident in self.heap if ident.is_global()], epoch, line)

    def displace(self, owner: Object, epoch: str, line: int) -> None:
        """Parts of a module were moved to an unknown place: forget all placements that this may change."""
        self.sharing.know(owner)
        self._displace((owner.ident, *self._sharing((owner.ident,), epoch, line, moved=True)), epoch, line)

    def _displace(self, idents: Iterable[Symbol], epoch: str, line: int) -> None:
        where = Epoch(epoch, line)
        displaced: dict[int, Record] = {}  # by the identity of the record before
        for ident in idents:
            if not self.sharing.has_no_weights(ident):
                record = self.record(ident)
                if id(record) not in displaced:
                    displaced[id(record)] = record.displaced(where)
                self.heap[ident] = displaced[id(record)]
        self._refresh_weights(epoch, line)

    def _refresh_weights(self, epoch: str, line: int) -> None:
        """Weights move with their modules: forget the placement of every tensor that may be a weight."""
        if self.symbols.has_weights:
            self._renew_tensors(lambda tensor: tensor.weight, ("weight", epoch), line)

    def forget_everything(self, epoch: str, line: int) -> None:
        """Anything may have been done to any object."""
        where = Epoch(epoch, line)
        self.heap = {}
        self.rest = Record(where, epoch=where)
        self._refresh_weights(epoch, line)

    def replace_data(self, epoch: str, line: int) -> None:
        """`t.data = ...`: forget all placements, as any tensor may be `t` and any module may hold it."""
        self.correlated = {}
        self._renew_tensors(lambda tensor: True, ("data", epoch), line, unknown=True)
        self._displace(list(self.heap), epoch, line)

    def _renew_tensors(
        self, wanted: Callable[[Tensor], bool], key: tuple[object, ...], line: int, *, unknown: bool = False
    ) -> None:
        """Forget the placement of the wanted tensors, in all locals and attributes.

        unknown: and of what may be a tensor.
        """

        def renewed(value: Value) -> Value:
            if unknown and isinstance(value, Object) and value.cls is None:
                symbol = self.symbols.make((*key, value.ident), value.ident.label, line)
                self.sharing.twin(symbol, value.ident)
                self.sharing.alias(symbol, value.ident)
                return replace(value, ident=symbol, placed=(None, None))
            if isinstance(value, Tensor) and wanted(value):
                symbol = self.symbols.make((*key, value.ident), value.ident.label, line)
                return replace(value, ident=symbol, device=None, dtype=None, scalar=None)
            if isinstance(value, Tuple):
                items = tuple(renewed(item) for item in value.items)
                return value if all(a is b for a, b in zip(items, value.items, strict=True)) else Tuple(items)
            return value

        self.sharing.spend(len(self.heap) + len(self.locals))
        for name, value in self.locals.items():
            self.locals[name] = renewed(value)
        for ident, record in self.heap.items():
            kinds = (Tensor, Tuple, Object) if unknown else (Tensor, Tuple)
            if not record.attributes or not any(type(v) in kinds for v in record.attributes.values()):
                continue
            attributes = {name: renewed(value) for name, value in record.attributes.items()}
            if any(attributes[name] is not value for name, value in record.attributes.items()):
                self.heap[ident] = record.holding(attributes)

    def reachable(self, ident: Symbol) -> Iterator[Symbol]:
        """The object and everything that its known attributes and its captures lead to."""
        seen = {ident}
        stack = [ident]
        while stack:
            here = stack.pop()
            yield here
            record = self.heap.get(here)
            targets = [t for value in (record.attributes.values() if record else ()) for t in objects_of(value)]
            for held in self.sharing.captured_by(here):
                targets += objects_of(self.locals.get(held, NONE)) if isinstance(held, str) else [held]
            for target in targets:
                if target not in seen:
                    seen.add(target)
                    stack.append(target)

    def joined(self, other: State, key: tuple[object, ...], line: int) -> State:
        """The join with another state. `key` names the program point where the two paths meet."""
        result = self.copy()
        self.sharing.spend(len(self.heap) + len(self.locals))
        result.guards = self.guards & other.guards
        if self.correlated is not other.correlated:
            result.correlated = {k: v for k, v in self.correlated.items() if other.correlated.get(k) is v}

        def phi(name: str) -> Callable[[str], Symbol]:
            return lambda path: self.symbols.make(("phi", key, name + path), name.lstrip("."), line)

        for name, b in other.locals.items():
            a = self.locals.get(name)
            if a is None:  # unbound on one path: a read that succeeds gets the other path's value
                result.locals[name] = b
            elif a is not b:
                result.locals[name] = self.merge_values(a, b, phi(name), other, result)
        here = Epoch(f"join {key}", line)
        if self.rest != other.rest:
            result.rest = joined_records(self.rest, other.rest, {}, here)
        alike: dict[tuple[int, int], Record] = {}  # pairs of records without attributes of their own -> their join
        at_other = other.heap.get
        differing = [ident for ident, record in self.heap.items() if at_other(ident) is not record]
        differing += [ident for ident in other.heap if ident not in self.heap]
        for ident in differing:
            mine, theirs = self.heap.get(ident), at_other(ident)
            if mine is None or theirs is None:
                known, rest = (mine, other.rest) if theirs is None else (theirs, self.rest)
                assert known is not None
                if rest is AT_ENTRY and (known.made or only_read(ident, known)):
                    result.heap[ident] = known
                    continue
            elif only_read(ident, mine) and only_read(ident, theirs):
                result.heap[ident] = mine.holding({**mine.attributes, **theirs.attributes})
                continue
            a_record, b_record = mine or self.rest, theirs or other.rest
            if not a_record.attributes and not b_record.attributes:
                if a_record.is_unknown_since(here):
                    continue
                ids = id(a_record), id(b_record)
                joined = alike.get(ids)
                if joined is None:
                    joined = alike[ids] = joined_records(a_record, b_record, a_record.attributes, here)
                result.heap[ident] = joined
            elif a_record.attributes is b_record.attributes:
                result.heap[ident] = joined_records(a_record, b_record, a_record.attributes, here)
            elif not a_record.same(b_record):
                result.heap[ident] = self._joined_record(other, result, ident, (a_record, b_record), here)
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
        merged = join(a, b, phi)
        if isinstance(a, Object) and isinstance(b, Object) and isinstance(merged, Object):
            self._twin(a, b, merged, other or self, into or self)
        origins = {*objects_of(a), *objects_of(b)}
        for part in objects_of(merged):
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
            here = Epoch(f"join {('twin', merged.ident)}", 0)
            into.heap[merged.ident] = self._joined_record(other, into, merged.ident, records, here)
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

    def forget_garbage(self) -> None:
        """Drop the records of objects that can no longer be reached. Only between statements: while an expression is
        evaluated, it may hold objects that no name leads to yet."""
        if all(ident.line == 0 for ident in self.heap):
            return
        self.sharing.spend(len(self.heap))
        live = {ident for ident in self.heap if ident.line == 0}
        stack = [*live, *(part for value in self.locals.values() for part in objects_of(value))]
        live.update(stack)
        while stack:
            record = self.heap.get(stack.pop())
            for value in record.attributes.values() if record else ():
                for part in objects_of(value):
                    if part not in live:
                        live.add(part)
                        stack.append(part)
        if len(live) < len(self.heap):
            self.heap = {ident: record for ident, record in self.heap.items() if ident in live}

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


def _item(phi: Callable[[str], Symbol], number: int, path: str) -> Symbol:
    return phi(f"[{number}]{path}")


def _is_device_of(value: Object, ident: Symbol) -> bool:
    """Whether a value is the `.device` of an object, read before it was known that this is a tensor."""
    return value.ident.parent is ident and value.ident.name == "device"
