"""Instantiation: the summary of a function of the tree, instantiated at one call site."""

from __future__ import annotations

import ast
from dataclasses import replace
from itertools import groupby

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.mutations import handed_over, written
from transfer_lint.flow.interpret.objects import store
from transfer_lint.flow.program.modules import FunctionInfo
from transfer_lint.flow.values.records import Epoch, Record
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.summary import Summary, is_initial
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import RESULT_OF, Known, Term, TermKind, Why, merge_why
from transfer_lint.flow.values.values import (
    Constant,
    Function,
    Host,
    Object,
    Placed,
    Tensor,
    Tuple,
    Value,
    objects_of,
    symbols_of,
)


def bind(info: FunctionInfo, arguments: dict[str, Value]) -> dict[str, Value] | None:
    """Parameter name -> argument; None if unpacked arguments make it unknown, or no parameter takes the receiver."""
    if any(key.startswith("*") for key in arguments):
        return None
    names = [p.arg for p in (*info.node.args.posonlyargs, *info.node.args.args)]
    bound: dict[str, Value] = {}
    offset = 0
    if "" in arguments:
        if not names:
            return None
        bound[names[0]] = arguments[""]
        offset = 1
    for key, value in arguments.items():
        if key.isdigit():
            position = int(key) + offset
            if position < len(names):
                bound[names[position]] = value
        elif key:
            bound[key] = value
    return bound


class Instantiation:
    """One call: it instantiates a summary in the caller's state."""

    def __init__(
        self,
        caller: Frame,
        info: FunctionInfo,
        summary: Summary,
        arguments: dict[str, Value],
        node: ast.expr,
        state: State,
    ) -> None:
        self.caller = caller
        self.info = info
        self.summary = summary
        self.arguments = arguments
        self.node = node
        self.state = state
        self.roots = {symbol: name for name, symbol in summary.parameters.items()}
        self.found: dict[Symbol, Value] = {}
        self.copied: set[Symbol] = set()
        self.before = state  # the state at the call, in which the summary's symbols are read
        receiver = arguments.get(info.parameters[0].arg) if info.owner is not None and info.parameters else None
        # The proof of the receiver's class is a part of the proof that this function is called.
        self.here: Why = receiver.why if isinstance(receiver, Object) else ()
        self.by_module = receiver is not None and caller.is_module(receiver)
        if info.name != "__init__":
            self.here = (*self.here, caller.fact(node, f"{RESULT_OF}`{info.qualname}`"))

    def result(self) -> Value:
        """Apply the effects and return the result."""
        changed = self.summary.effects
        changes = bool(changed) or self.summary.forgets or self.summary.changes_module
        for symbol in self.summary.attempted:
            self.lookup(symbol)
        for symbol, record in changed:  # look up every symbol before anything changes
            self.lookup(symbol)
            for value in record.attributes.values():
                for spoken in symbols_of(value):
                    self.lookup(spoken)
        for spoken in symbols_of(self.summary.result):
            self.lookup(spoken)
        if changes:
            self.before = self.state.copy()
        self._attempt()
        epoch = f"{self.caller.epoch(self.node)} all"
        if self.summary.forgets:
            self.state.forget_everything(epoch, self.node.lineno)
        elif self.summary.changes_module:
            self.state.havoc_all((), epoch, self.node.lineno, module_level=True)
        for forgotten, several in groupby(changed, lambda effect: _is_forgotten(effect[1])):
            if forgotten:
                owners = [self.lookup(symbol) for symbol, _ in several]
                self.state.havoc_all(owners, self.caller.epoch(self.node), self.node.lineno)
            else:
                for symbol, record in several:
                    self._apply(symbol, record)
        if self.summary.replaces_data:
            self.caller.replaces_data = True
            self.state.replace_data(self.caller.epoch(self.node), self.node.lineno)
        self._note_mutations()
        return self.carried(self.summary.result)

    def _attempt(self) -> None:
        """An exception may leave the callee, after some of what it does."""
        attempts, tried = self.summary.attempts, [self.lookup(symbol) for symbol in self.summary.attempted]
        own = self.state.sharing.attempts
        own.objects.update(dict.fromkeys(part for value in tried for part in objects_of(value)))
        own.module_level |= attempts.module_level
        own.everything |= attempts.everything
        if not self.caller.handlers:
            return
        partly = self.state.copy()
        epoch, line = f"{self.caller.epoch(self.node)} partly", self.node.lineno
        if attempts.everything:
            partly.forget_everything(epoch, line)
        else:
            partly.havoc_all(tried, epoch, line, module_level=attempts.module_level)
            for value in tried:
                if isinstance(value, Object):
                    partly.displace(value, epoch, line)
        if self.summary.replaces_data:
            partly.replace_data(epoch, line)
        self.caller.may_raise(partly)

    def _note_mutations(self) -> None:
        """Record the mutations of the callee. A tensor that it made may still be a view of a tensor of the caller."""
        for symbol, sure in self.summary.mutations:
            if symbol is not None and self.summary.rooted(symbol):
                value = self.lookup(symbol)
                (written if sure else handed_over)(self.caller, self.node, (value,))
            else:
                self.caller.mutations.setdefault((self.node, None), False)

    def lookup(self, symbol: Symbol) -> Value:
        """The caller's value for a symbol of the callee. Memoised."""
        if symbol not in self.found:
            self.found[symbol] = self._look(symbol)
        return self.found[symbol]

    def _look(self, symbol: Symbol) -> Value:
        name = self.roots.get(symbol)
        if name is not None:
            if name in self.arguments:
                return self.arguments[name]
            default = self.info.defaults.get(name)
            if isinstance(default, ast.Constant):
                return Constant(default.value)
        elif symbol.is_global:
            return self.caller.callees.global_named(symbol.name, self.caller.symbols)
        elif symbol.parent is not None and symbol.name and self.summary.rooted(symbol):
            owner = self.lookup(symbol.parent)
            if isinstance(owner, Object):
                return self.state.read(owner, symbol.name)
        return Object(self.caller.symbols.make(("carried", id(self.node), symbol), symbol.label, self.node.lineno))

    def known(self, known: Known | None) -> Known | None:
        """A placement of the callee, in terms of the caller; None if not known, or not valid in autocast here."""
        if known is None:
            return None
        outside = known.outside_autocast
        if outside and self.caller.around.autocast:
            return None
        symbol = known.term.symbol
        if symbol is None:
            return replace(known, why=merge_why(self.here, known.why))
        value = self.lookup(symbol)
        own = self._own(known.term.kind, value)
        if own is None:
            kind = known.term.kind
            fresh = (
                value.ident
                if isinstance(value, Object | Tensor | Host)
                else self.caller.symbol(self.node, symbol.label)
            )
            own = Known(Term(kind, symbol=fresh, role=known.term.role))
        return Known(own.term, merge_why(self.here, known.why, own.why), outside or own.outside_autocast)

    def _own(self, kind: TermKind, value: Value) -> Known | None:
        """What a term of this kind means in the caller, with `value` for its symbol; None if that is not known."""
        match kind, value:
            case TermKind.VALUE, _:
                term = self.caller.placed_by(value)
                if isinstance(value, Placed):
                    return value.known
                return Known(term) if term is not None else None
            case TermKind.DEVICE_OF, Tensor():
                return value.device or Known(value.device_term())
            case TermKind.DTYPE_OF, Tensor():
                return value.dtype or Known(value.dtype_term())
            case TermKind.DEVICE_OF, Object():
                return value.placed[0]
            case TermKind.DTYPE_OF, Object():
                return value.placed[1]
            case TermKind.WEIGHTS_DEVICE | TermKind.WEIGHTS_DTYPE, Object():
                record = self.before.record(value.ident)
                known = record.device if kind is TermKind.WEIGHTS_DEVICE else record.dtype
                if known is not None:
                    return replace(known, why=merge_why(known.why, value.why))
                return Known(Term(kind, symbol=self.before.anchor(value.ident, record)), value.why)
        return None

    def carried(self, value: Value) -> Value:
        """A value of the callee, in terms of the caller."""
        match value:
            case Tensor():
                return self._tensor(value)
            case Object():
                return self._object(value)
            case Placed():
                known = self.known(value.known)
                assert known is not None
                return Placed(known, value.is_dtype)
            case Tuple():
                return Tuple(tuple(self.carried(item) for item in value.items))
            case Host():
                return Host(
                    self.caller.symbols.make(
                        ("carried", id(self.node), value.ident), value.ident.label, self.node.lineno
                    ),
                    value.array,
                )
            case Function():
                receiver = self.carried(value.receiver) if value.receiver is not None else None
                return Function(value.info, receiver, tuple((key, self.carried(v)) for key, v in value.given))
        return value

    def _tensor(self, value: Tensor) -> Value:
        own = self.lookup(value.ident)
        device, dtype = self.known(value.device), self.known(value.dtype)
        why = merge_why(self.here, value.why)
        if isinstance(own, Tensor) and self.summary.rooted(value.ident):
            return replace(own, device=device or own.device, dtype=dtype or own.dtype)
        ident = own.ident if isinstance(own, Object) else self.caller.symbol(self.node, value.ident.label)
        computed = value.computed or self.by_module
        self.caller.symbols.has_weights |= value.weight
        return Tensor(
            ident,
            device,
            dtype,
            value.scalar,
            value.optional,
            value.weight,
            computed=computed,
            made=self._made(value),
            shares=self._shared(value),
            why=why,
        )

    def _made(self, value: Tensor) -> ast.Call | None:
        """The factory call of the callee that made a tensor; None for a random one: it has to stay where it is."""
        call, random = value.made, self.caller.knowledge.random_factories
        return call if call is not None and self.info.module.dotted(call.func) not in random else None

    def _shared(self, value: Tensor) -> frozenset[Symbol]:
        """The symbols of the caller's tensors that a tensor from the callee may share memory with."""
        given = (self.lookup(symbol) for symbol in value.shares if self.summary.rooted(symbol))
        return frozenset().union(*(v.memory() if isinstance(v, Tensor) else () for v in given))

    def _object(self, value: Object) -> Value:
        own = self.lookup(value.ident)
        if self.summary.rooted(value.ident):
            if isinstance(own, Object) and own.cls is None and value.cls is not None:
                return Object(own.ident, value.cls, merge_why(self.here, value.why), value.optional)
            return own
        assert isinstance(own, Object)
        placed = self.known(value.placed[0]), self.known(value.placed[1])
        result = Object(own.ident, value.cls, merge_why(self.here, value.why), value.optional, placed, value.or_host)
        if value.ident not in self.copied:
            self.copied.add(value.ident)
            self._copy_code(value.ident, own.ident)
            record = self.summary.heap.get(value.ident)
            if record is not None:
                attributes = {name: self.carried(held) for name, held in record.attributes.items()}
                self.state.sharing.placed |= record.device is not None
                self.state.heap[own.ident] = Record(
                    None,
                    attributes,
                    self.known(record.device),
                    self.known(record.dtype),
                    Epoch(self.caller.epoch(self.node), self.node.lineno),
                    made=record.made,
                )
        return result

    def _copy_code(self, ident: Symbol, own: Symbol) -> None:
        """What the callee knows of a function or generator that it returns."""
        later = self.summary.later.get(ident)
        if later is not None:
            values = [self.lookup(one) for one in later.changes if isinstance(one, Symbol)]
            changes = tuple(part for value in values for part in objects_of(value))
            self.state.sharing.later[own] = later._replace(changes=changes)
            for one in later.changes:
                if isinstance(one, Symbol) and one not in self.copied and not self.summary.rooted(one):
                    self.copied.add(one)
                    self._copy_code(one, next(iter(objects_of(self.lookup(one))), own))

    def _apply(self, symbol: Symbol, record: Record) -> None:
        owner = self.lookup(symbol)
        epoch, line = self.caller.epoch(self.node), self.node.lineno
        if not isinstance(owner, Object):
            if record.epoch:
                self.state.havoc(owner, epoch, line)
            return
        if record.epoch:
            self.state.havoc(owner, epoch, line)
            if record.moved is not None:  # before that it was moved, so anything that it may be was moved
                self.state.displace(owner, epoch, line)
        for name, value in record.attributes.items():
            if not is_initial(symbol, name, value):
                store(self.caller, owner, name, self.carried(value), self.node, self.state)
        if record.anchor is not None and not record.epoch:
            self.state.displace(owner, epoch, line)
        if record.device is not None or record.dtype is not None:
            moved = self.caller.fact(self.node, f"`{{}}` ({self.info.qualname}) moves it")
            device, dtype = self.known(record.device), self.known(record.dtype)
            self.state.place(
                owner, device.because(moved) if device else None, dtype.because(moved) if dtype else None, epoch, line
            )


def _is_forgotten(record: Record) -> bool:
    """Whether all that an effect says of an object is that unknown code may have changed it, and moved nothing."""
    return record.moved is None and record.says_nothing()
