"""The abstract domain: terms (what a device or dtype is equal to), and values (what an expression may be).

Two placements are equal only where their terms are. A term is a constant, a call that gives the same answer for the
life of the process, or a property of a *symbol*: one unknown value, read once. Reading `self.device` twice gives the
same symbol as long as nothing may have assigned it in between; that is what makes "the same device" provable without
knowing which device it is.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from transfer_lint.flow.modules import ClassInfo, FunctionInfo, Module


class Symbol:
    """One unknown value. Equal only to itself; interned by `Symbols`.

    parent, name: for the attribute `name` of what `parent` stands for, as it was when the function was entered.
    line: where the symbol was made (0: at function entry). A symbol made inside a loop stands for another value in
        every iteration.
    label: how a person would write it.
    """

    __slots__ = ("label", "line", "name", "parent")

    def __init__(self, label: str, parent: Symbol | None, name: str, line: int) -> None:
        self.label = label
        self.parent = parent
        self.name = name
        self.line = line

    def made_within(self, first: int, last: int) -> bool:
        """Whether it, or what it is an attribute of, was made on lines first..last."""
        return any(first <= symbol.line <= last for symbol in self.lineage())

    def lineage(self) -> Iterator[Symbol]:
        """The symbol, what it is an attribute of, what that is one of, and so on."""
        symbol: Symbol | None = self
        while symbol is not None:
            yield symbol
            symbol = symbol.parent

    def is_initial(self) -> bool:
        """Whether it stands for something that was there at function entry."""
        return not any(symbol.line or (symbol.parent is not None and not symbol.name) for symbol in self.lineage())

    def is_global(self) -> bool:
        """Whether it stands for what a name of a module is bound to."""
        return self.parent is None and bool(self.name)

    def __repr__(self) -> str:
        return f"<{self.label}@{self.line}>"


class Symbols:
    """Makes symbols so that the same question about the same place gives the same symbol.

    has_weights: whether a tensor has been met that moves with its module.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], Symbol] = {}
        self.has_weights = False

    def make(
        self, key: tuple[object, ...], label: str, line: int, parent: Symbol | None = None, name: str = ""
    ) -> Symbol:
        """The symbol for `key`."""
        symbol = self._made.get(key)
        if symbol is None:
            symbol = self._made[key] = Symbol(label, parent, name, line)
        return symbol


class TermKind(Enum):
    """What a term is made of."""

    CONSTANT = "constant"  # `cpu`, `cuda:0`, `torch.float16`
    STABLE = "stable"  # a call with one answer for the life of the process
    VALUE = "value"  # the symbol itself, used as a device or dtype
    DEVICE_OF = "device-of"  # the device of the tensor that the symbol stands for
    DTYPE_OF = "dtype-of"
    DEFAULT_DEVICE = "default-device"  # where factories put what no device is asked for, when they were called
    WEIGHTS_DEVICE = "weights-device"  # where the weights of the module that the symbol stands for are
    WEIGHTS_DTYPE = "weights-dtype"


@dataclass(frozen=True, slots=True)
class Term:
    """What a device or a dtype is equal to."""

    kind: TermKind
    name: str = ""
    symbol: Symbol | None = None

    def __str__(self) -> str:
        if self.symbol is None:
            return f"{self.name}()" if self.kind is TermKind.STABLE else self.name
        match self.kind:
            case TermKind.DEFAULT_DEVICE:
                return "the default device"
            case TermKind.DEVICE_OF:
                return f"{self.symbol.label}.device"
            case TermKind.DTYPE_OF:
                return f"{self.symbol.label}.dtype"
            case TermKind.WEIGHTS_DEVICE:
                return f"the device of {self.symbol.label}'s weights"
            case TermKind.WEIGHTS_DTYPE:
                return f"the dtype of {self.symbol.label}'s weights"
        return self.symbol.label


def constant(name: str) -> Term:
    """A device or dtype spelled out."""
    return Term(TermKind.CONSTANT, name)


@dataclass(frozen=True, slots=True)
class Fact:
    """One step of a proof: something said of a place in a file. Rendered only when a finding needs it.

    text: may hold `{}`, which stands for the source of `node`.
    """

    module: Module
    node: ast.AST
    text: str


Why: TypeAlias = tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A term with the facts that prove it. Equality is the term's.

    outside_autocast: holds only where no autocast region surrounds the caller.
    """

    term: Term
    why: Why = field(default=(), compare=False)
    outside_autocast: bool = field(default=False, compare=False)

    def because(self, *facts: Fact) -> Known:
        """The same with these facts put first."""
        return replace(self, why=merge_why(facts, self.why))


def merge_why(*parts: Why) -> Why:
    """All facts in order, each once."""
    return tuple(dict.fromkeys(fact for part in parts for fact in part))


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor. Its placement never changes (`.data =` aside, which the state forgets).

    device, dtype: None where nothing is known beyond "its own".
    scalar: True for 0-dim, False for n-dim, None if not known. Only an n-dim operand decides where a result is.
    optional: it may be None instead.
    weight: a parameter or buffer (or perhaps one): it moves with its module.
    uncast: a buffer that may hold integers, whose dtype its module's moves leave alone.
    computed: a model has computed it.
    made: the factory's call that has made it, or what it was computed from, as long as nothing else went into it.
    shares: other tensors whose memory it may share: writing to it may write to them.
    moved_from: the transfers that brought it from an accelerator to where it is.
    why: how it is known to be a tensor.
    """

    ident: Symbol
    device: Known | None = None
    dtype: Known | None = None
    scalar: bool | None = None
    optional: bool = False
    weight: bool = False
    uncast: bool = False
    computed: bool = False
    made: ast.Call | None = None
    shares: frozenset[Symbol] = frozenset()
    moved_from: frozenset[ast.Call] = frozenset()
    why: Why = field(default=(), compare=False)

    def memory(self) -> frozenset[Symbol]:
        """Itself, and what it may share memory with."""
        return self.shares | {self.ident}

    def device_term(self) -> Term:
        """What its device is equal to: at the least itself."""
        return self.device.term if self.device else Term(TermKind.DEVICE_OF, symbol=self.ident)

    def dtype_term(self) -> Term:
        """What its dtype is equal to: at the least itself."""
        return self.dtype.term if self.dtype else Term(TermKind.DTYPE_OF, symbol=self.ident)


@dataclass(frozen=True, slots=True)
class Object:
    """Anything with mutable state: module, instance, list, dict, or an unknown. Its state is in the heap.

    cls: its class where proved (a class of the tree, or the dotted name of one outside).
    why: how the class is known.
    placed: the device and dtype that it has, should it turn out to be a tensor. or_host: it is a tensor, or a value of
        the host that has no methods of a tensor.
    """

    ident: Symbol
    cls: ClassInfo | str | None = None
    why: Why = field(default=(), compare=False)
    optional: bool = False
    placed: tuple[Known | None, Known | None] = (None, None)
    or_host: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A `torch.device` or `torch.dtype` object (or a string that is used as one)."""

    known: Known
    is_dtype: bool


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal: str, int, float, bool, None ..."""

    value: object


@dataclass(frozen=True, slots=True)
class Host:
    """A value that surely lives on the host and is no tensor: a number, a string, a numpy array."""

    ident: Symbol
    array: bool = False


@dataclass(frozen=True, slots=True)
class Tuple:
    """A tuple of known length."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the tree; `receiver` is bound to its first parameter.

    given: arguments that a `functools.partial` has bound: those by position under "0", "1" ..., the others by keyword.
    """

    info: FunctionInfo
    receiver: Value | None = None
    given: tuple[tuple[str, Value], ...] = ()

    def parts(self) -> Iterator[Value]:
        """The values that are bound to it."""
        if self.receiver is not None:
            yield self.receiver
        yield from (value for _, value in self.given)


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the tree, as a value."""

    info: ClassInfo


@dataclass(frozen=True, slots=True)
class External:
    """A module, class or function outside the tree, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Package:
    """A module of the tree, as a value."""

    module: Module


Value: TypeAlias = Tensor | Object | Placed | Constant | Host | Tuple | Function | Class | External | Package

NONE = Constant(None)


def symbols_of(value: Value) -> Iterator[Symbol]:
    """Every symbol that a value speaks of."""
    match value:
        case Tensor():
            yield value.ident
            for known in (value.device, value.dtype):
                if known is not None and known.term.symbol is not None:
                    yield known.term.symbol
        case Object() | Host():
            yield value.ident
        case Placed():
            if value.known.term.symbol is not None:
                yield value.known.term.symbol
        case Tuple():
            for item in value.items:
                yield from symbols_of(item)
        case Function():
            for part in value.parts():
                yield from symbols_of(part)


def join_known(a: Known | None, b: Known | None) -> Known | None:
    """Known on both paths and equal, else unknown; both proofs are kept."""
    if a is None or b is None or a.term != b.term:
        return None
    if a is b or a.why == b.why:
        return a
    return Known(a.term, merge_why(a.why, b.why), a.outside_autocast or b.outside_autocast)


def _perhaps_tensor(value: Value) -> tuple[Known | None, Known | None] | Literal["host"] | None:
    """Where a value is if it is a tensor; "host" for what surely is none and has none of its methods."""
    match value:
        case Tensor():
            return value.device, value.dtype
        case Object(or_host=True):
            return value.placed
        case Host() | Constant() if value != NONE:
            return "host"
    return None


def join(a: Value, b: Value, phi: Callable[[str], Symbol]) -> Value:
    """What is known of a value that is `a` on one path and `b` on another.

    phi: makes the symbol of the merged value; given the path to a part of it ("" for the whole, "[0]" for an item).
    Parts that live in the heap are the state's business (`State.merge_values`).
    """
    if a is b:
        return a
    if a == NONE and isinstance(b, Tensor | Object):
        return replace(b, optional=True)
    if b == NONE and isinstance(a, Tensor | Object):
        return replace(a, optional=True)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        same = a.ident is b.ident
        return Tensor(
            ident=a.ident if same else phi(""),
            device=join_known(a.device, b.device),
            dtype=join_known(a.dtype, b.dtype),
            scalar=a.scalar if a.scalar == b.scalar else None,
            optional=a.optional or b.optional,
            weight=a.weight or b.weight,
            uncast=a.uncast or b.uncast,
            computed=a.computed or b.computed,
            made=a.made if a.made is b.made else None,
            shares=a.shares | b.shares if same else a.memory() | b.memory(),
            moved_from=a.moved_from | b.moved_from,
            why=merge_why(a.why, b.why),
        )
    if isinstance(a, Object) and isinstance(b, Object):
        cls = a.cls if a.cls == b.cls else None
        ident = a.ident if a.ident is b.ident else phi("")
        placed = join_known(a.placed[0], b.placed[0]), join_known(a.placed[1], b.placed[1])
        why = merge_why(a.why, b.why) if cls else ()
        return Object(ident, cls, why, a.optional or b.optional, placed, a.or_host and b.or_host)
    if isinstance(a, Placed) and isinstance(b, Placed) and a.is_dtype == b.is_dtype:
        known = join_known(a.known, b.known) or Known(Term(TermKind.VALUE, symbol=phi("")), a.known.why)
        return Placed(known, a.is_dtype)
    if a == b:
        return a
    pair = _perhaps_tensor(a), _perhaps_tensor(b)
    if all(pair) and not (isinstance(a, Host | Constant) and isinstance(b, Host | Constant)):
        ones = [where for where in pair if where is not None and where != "host"]
        device, dtype = ones[0]
        for also in ones[1:]:
            device, dtype = join_known(device, also[0]), join_known(dtype, also[1])
        return Object(phi(""), placed=(device, dtype), or_host=True)
    if isinstance(a, Host | Constant) and isinstance(b, Host | Constant) and NONE not in (a, b):
        return Host(phi(""))
    for tensor, other in ((a, b), (b, a)):
        if isinstance(tensor, Tensor) and isinstance(other, Object) and other.cls is None:
            half, other_half = other.placed
            return Object(phi(""), placed=(join_known(tensor.device, half), join_known(tensor.dtype, other_half)))
    return Object(phi(""))
