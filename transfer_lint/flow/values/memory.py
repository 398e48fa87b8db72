"""Memory: the locals, the heap of objects that they reach, and what reads, writes, moves and unknown code do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from transfer_lint.flow.program.modules import ClassInfo
from transfer_lint.flow.values.aliasing import Later, Sharing
from transfer_lint.flow.values.hidden import gives_tensors, hidden_records, hold_tensor, named_wholes, shared_parts
from transfer_lint.flow.values.records import AT_ENTRY, MADE, Epoch, Record, contents_of
from transfer_lint.flow.values.settled import settled_records
from transfer_lint.flow.values.symbols import Symbol, Symbols
from transfer_lint.flow.values.terms import Known
from transfer_lint.flow.values.values import NONE, Class, Function, Object, Tensor, Tuple, Value, objects_of

LIVE = frozenset({"device", "dtype"})
"""Attributes that a module may compute from its weights."""

TestKey: TypeAlias = tuple[object, ...]
"""A test and the values that it reads: two tests with one key have the same outcome."""

InitialAttribute = Callable[["Memory", Object, str, Record], Value]
_Wanted: TypeAlias = Callable[[Tensor | Object], bool]


class Memory:
    """The locals and the heap.

    rest: the record of every object that is not in the heap.
    module_rest: the same for the objects of module-level variables.
    """

    __slots__ = ("_initial", "correlated", "heap", "locals", "module_rest", "rest", "sharing", "symbols")

    def __init__(self, symbols: Symbols, initial: InitialAttribute, sharing: Sharing) -> None:
        self.locals: dict[str, Value] = {}
        self.heap: dict[Symbol, Record] = {}
        self.rest = self.module_rest = AT_ENTRY
        # test -> local -> (its value, its value where the test was true, where it was false); never changed in place
        self.correlated: Mapping[TestKey, Mapping[str, tuple[Value, Value, Value]]] = {}
        self.symbols = symbols
        self.sharing = sharing
        self._initial = initial

    def record(self, ident: Symbol) -> Record:
        """The record of an object; if nothing has touched the object, the record of function entry."""
        record = self.heap.get(ident)
        if record is not None:
            return record
        return self.module_rest if ident.is_global else self.rest

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
            here = Epoch(f"twin {name} {before.name}", before.line)
            self.heap[twin] = Record(known.anchor, epoch=here, moved=known.moved)
        for other in [ident for ident, record in self.heap.items() if name in record.attributes]:
            if other is not owner.ident and self._may_be(other, owner):
                known = self.record(other)
                line = known.epoch.line if known.epoch is not None else 0
                either = Object(self.symbols.make(("also", other, name, value), f"{other.label}.{name}", line))
                self.heap[other] = known.holding({**known.attributes, name: either})
        record = self.record(owner.ident)
        self.heap[owner.ident] = record.holding({**record.attributes, name: value})
        self.sharing.attempts.objects[owner.ident] = None

    def place(self, owner: Object, device: Known | None, dtype: Known | None, epoch: str, line: int) -> None:
        """Move a module to `device` and `dtype` (None: the move does not change that half)."""
        self.sharing.know(owner)
        self.sharing.placed = True
        named = named_wholes(self.heap, self.sharing, self.reachable, owner.ident) if self.sharing.settled else ()
        for other in (*named, *self._sharing((owner.ident,), epoch, line, moved=True)):
            self._unplace(other, device, dtype, epoch, line)
        self._place(owner.ident, device, dtype, epoch, line, set())
        self._refresh_weights(epoch, line)

    def _place(
        self, ident: Symbol, device: Known | None, dtype: Known | None, epoch: str, line: int, seen: set[Symbol]
    ) -> None:
        seen.add(ident)
        self.sharing.attempts.objects[ident] = None
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
                elif value.cls is None:  # it may be a module; one of another known class (a list, say) does not move
                    self._unplace(value.ident, device, dtype, epoch, line)

    def _sharing(self, idents: Iterable[Symbol], epoch: str, line: int, moved: bool = False) -> list[Symbol]:
        """Other objects that hold one of these and have a known placement, or that may share parts with one of these.

        None under the assumption that modules stay where they were moved. Of too many, everything is forgotten first.
        moved: these objects are moved like modules; one of unknown class may then be any module.
        """
        if self.sharing.settled:
            return []
        wanted = set(idents)
        idents = [*idents, *shared_parts(self.heap, self.sharing, self.reachable, idents)] if moved else idents
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
            if other not in found and (other in placed or self.sharing.proved_module(other)):
                found.update([other] if any(not self._apart(ident, other) for ident in modules) else ())
        found -= wanted
        if not found:
            return []
        self.sharing.unsettled = True
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
        """Whether the symbol may stand for the same object as `owner`, judging by their classes."""
        known = self.sharing.owners.get(ident)
        one, other = known.cls if known is not None else None, owner.cls
        if isinstance(one, ClassInfo) and isinstance(other, ClassInfo):
            return (one in other.lineage or other in one.lineage) and not self._apart(ident, owner.ident)
        alike = one is None or other is None or one == other
        return alike and not self._apart(ident, owner.ident) and self.sharing.may_hide()

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

    def havoc_all(
        self, values: Iterable[Value], epoch: str, line: int, *, module_level: bool = False, replaced: bool = False
    ) -> None:
        """`havoc` for several values at once.

        module_level: forget module-level objects, too, as for a function: code of the tree may run that is not seen,
            and may change other objects in ways that are hidden.
        replaced: at this point all placements are forgotten already, see `replace_data`.
        """
        heap, sharing = self.heap, self.sharing
        touched: dict[Symbol, None] = {}
        where = Epoch(epoch, line)
        values = tuple(values)
        stack = list(values)
        while stack:
            value = stack.pop()
            if isinstance(value, Object):
                if value.ident not in touched:
                    touched.update(self.reachable(value.ident))
            elif isinstance(value, Tuple):
                stack += value.items
            elif isinstance(value, Function):
                module_level = True
                stack += value.parts()
            elif isinstance(value, Class):
                module_level = True
        code = sharing.code_among(touched)
        given = sharing.assigns_data() and gives_tensors(heap, self.locals, values, touched, code)
        module_level = module_level or any(later.runs_tree for later in code)
        if module_level:
            self.module_rest = Record(where, epoch=where)
            sharing.attempts.module_level = True
            found = self.reachable(*[ident for ident in heap if ident.is_global])
            given = given or (sharing.assigns_data() and hold_tensor(heap, found))
            code += sharing.code_among(found)
            touched.update(found)
        unseen = not given and module_level and sharing.assigns_data() and sharing.may_hide()
        if (given or unseen) and not replaced:
            self.replace_data(epoch, line, unseen=unseen)
        if module_level:
            hidden = hidden_records(heap, sharing, self.reachable, touched, where)
            heap.update(hidden)
            if any(record.anchor is where for record in hidden.values()):
                self._refresh_weights(epoch, line)
        if not touched:
            return
        sharing.attempts.objects.update(touched)
        settled = settled_records(heap, sharing, values, touched) if sharing.placed else {}
        if settled and not sharing.settled:
            sharing.unsettled, settled = True, {}
        moves = any(later.certain and later.changes for later in code)  # code that is made here, perhaps
        related = self._sharing(touched, epoch, line, moved=moves)
        heap = self.heap  # it is another one where everything was forgotten
        unknown, moved = Record(where, epoch=where), Record(where, epoch=where, moved=where)
        for ident in touched:
            known = heap.get(ident)
            heap[ident] = settled.get(ident) or (unknown if known is None or known.moved is None else moved)
        self._displace(related, epoch, line)

    def run_unseen(self, values: Iterable[Value], epoch: str, line: int) -> None:
        """Code of the tree that is not interpreted gets the values, which the caller forgets afterwards."""
        values = tuple(values)
        replaced = False
        if self.sharing.assigns_data():
            held = contents_of(values)
            replaced = held.tensors or hold_tensor(self.heap, self.reachable(*held.leads))
            if replaced:
                self.replace_data(epoch, line)
        self.havoc_globals(epoch, line, replaced=replaced)

    def havoc_globals(self, epoch: str, line: int, *, replaced: bool = False) -> None:
        """Code that is not interpreted runs: forget module-level objects, as it may have changed them."""
        values = [Object(ident) for ident in self.heap if ident.is_global]
        self.havoc_all(values, epoch, line, module_level=True, replaced=replaced)

    def displace(self, owner: Object, epoch: str, line: int) -> None:
        """Parts of a module were moved to an unknown place: forget all placements that this may change."""
        self.sharing.know(owner)
        self.sharing.attempts.objects[owner.ident] = None
        self._displace((owner.ident, *self._sharing((owner.ident,), epoch, line, moved=True)), epoch, line)

    def _displace(self, idents: Iterable[Symbol], epoch: str, line: int) -> None:
        self._displace_records(idents, Epoch(epoch, line))
        self._refresh_weights(epoch, line)

    def _displace_records(self, idents: Iterable[Symbol], where: Epoch) -> None:
        displaced: dict[int, Record] = {}  # by the identity of the record before
        for ident in idents:
            if not self.sharing.has_no_weights(ident):
                record = self.record(ident)
                moved = displaced.get(id(record))
                if moved is None:
                    moved = displaced[id(record)] = record.displaced(where)
                self.heap[ident] = moved

    def _refresh_weights(self, epoch: str, line: int) -> None:
        """Weights move with their modules: forget the placement of every tensor that may be a weight."""
        if self.symbols.has_weights:
            self._renew_tensors(lambda v: isinstance(v, Tensor) and v.weight, ("weight", epoch), line)

    def forget_everything(self, epoch: str, line: int) -> None:
        """Anything may have been done to any object."""
        where = Epoch(epoch, line)
        self.heap = {}
        self.rest = self.module_rest = Record(where, epoch=where)
        self.sharing.attempts.everything = True
        self._refresh_weights(epoch, line)

    def replace_data(self, epoch: str, line: int, owner: Value | None = None, *, unseen: bool = False) -> None:
        """`t.data = ...`: forget all placements, as any tensor may be `t` and any module may hold it.

        owner: `t`. Where no changes are hidden, no other name stands for it.
        unseen: code may do so that is not seen. What is not known to be a tensor then stays what it is, if nothing has
            been said of its placement.
        """
        self.correlated = {}
        self.sharing.attempts.data = True
        named = ("data", epoch)
        if isinstance(owner, Tensor | Object) and not self.sharing.may_hide():
            renamed = owner.ident
            self._renew_tensors(lambda v: getattr(v, "ident", None) is renamed, named, line, unknown=True)
            return
        self._renew_tensors(lambda v: not unseen or isinstance(v, Tensor) or v.is_placed, named, line, unknown=True)
        self._displace_records(list(self.heap), Epoch(epoch, line))

    def _renew_tensors(self, wanted: _Wanted, key: tuple[object, ...], line: int, *, unknown: bool = False) -> None:
        """Forget the placement of the wanted tensors, in all locals and attributes.

        unknown: and of what is wanted of the objects that may be tensors.
        """
        renewed = partial(self._renewed, wanted, key, line, unknown)
        self.sharing.spend(len(self.heap) + len(self.locals))
        for name, value in self.locals.items():
            self.locals[name] = renewed(value)
        for ident, record in self.heap.items():
            if not record.attributes or not (record.contents.tensors or (unknown and record.contents.leads)):
                continue
            attributes = {name: renewed(value) for name, value in record.attributes.items()}
            if any(attributes[name] is not value for name, value in record.attributes.items()):
                self.heap[ident] = record.holding(attributes)

    def _renewed(self, wanted: _Wanted, key: tuple[object, ...], line: int, unknown: bool, value: Value) -> Value:
        if unknown and isinstance(value, Object) and value.cls is None and wanted(value):
            symbol = self.symbols.make((*key, value.ident), value.ident.label, line)
            self.sharing.twin(symbol, value.ident)
            self.sharing.alias(symbol, value.ident)
            return replace(value, ident=symbol, placed=(None, None))
        if isinstance(value, Tensor) and wanted(value):
            symbol = self.symbols.make((*key, value.ident), value.ident.label, line)
            return replace(value, ident=symbol, device=None, dtype=None, scalar=None)
        if isinstance(value, Tuple):
            items = tuple(self._renewed(wanted, key, line, unknown, item) for item in value.items)
            return value if all(a is b for a, b in zip(items, value.items, strict=True)) else Tuple(items)
        return value

    def named(self, held: Iterable[str | Symbol]) -> Iterator[Symbol]:
        """The objects among what code changes, where locals are given by name."""
        for one in held:
            yield from objects_of(self.locals.get(one, NONE)) if isinstance(one, str) else (one,)

    def code_of(self, idents: Iterable[Symbol]) -> dict[Symbol, Later]:
        """What is known of the code that the objects may be, and of the code that this leads to, without locals."""
        found: dict[Symbol, Later] = {}
        stack = list(idents) if self.sharing.later else []
        while stack:
            ident = stack.pop()
            code = self.sharing.code(ident) if ident not in found else []
            if code:
                changes = tuple(dict.fromkeys(one for later in code for one in self.named(later.changes)))
                known = any(later.certain for later in code)
                found[ident] = Later(changes, any(later.runs_tree for later in code), known)
                stack += changes
        return found

    def run(self, value: Object, epoch: str, line: int) -> None:
        """The value is called or iterated over: if it is code, or leads to some, that runs."""
        found, stack = {value.ident: None}, [value.ident]
        while stack:
            code = self.sharing.code(stack.pop())
            fresh = [ident for later in code for ident in self.named(later.changes) if ident not in found]
            found.update(dict.fromkeys(fresh))
            stack += fresh
        ran = [ident for ident in found if ident is not value.ident or any(c.certain for c in self.sharing.code(ident))]
        self.havoc_all(
            map(Object, ran), epoch, line, module_level=value.cls is None or self.sharing.may_run_tree(found)
        )

    def reachable(self, *idents: Symbol) -> dict[Symbol, None]:
        """The objects and everything that their known attributes, their captures and their twins lead to."""
        heap, later, twins = self.heap, self.sharing.later, self.sharing.twins
        found = dict.fromkeys(idents)
        stack = list(found)
        while stack:
            here = stack.pop()
            record = heap.get(here)
            if record is not None and record.attributes:
                for target in record.contents.leads:
                    if target not in found:
                        found[target] = None
                        stack.append(target)
            if here in twins:  # what these capture is met at themselves
                for target in twins[here]:
                    if target not in found:
                        found[target] = None
                        stack.append(target)
            if here in later and later[here].certain:
                for target in self.named(later[here].changes):
                    if target not in found:
                        found[target] = None
                        stack.append(target)
        return found
