"""Abstract values: what an expression may evaluate to. They never change. (Not all `frozen`, which is slow to make.)"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, Module
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Known, Term, TermKind, Why


@dataclass(slots=True, unsafe_hash=True)
class Tensor:
    """A tensor. Its placement never changes, except by `.data = ...`: then the state forgets it.

    device, dtype: None if not known; then each equals only this tensor's own (see `device_term`, `dtype_term`).
    scalar: True for 0-dim, False for n-dim, None if not known. Only an n-dim operand decides where a result is.
    optional: the value may be None instead.
    weight: it is, or may be, a parameter or buffer: it moves with its module.
    uncast: a buffer that may hold integers, which a move of its module to another dtype does not cast.
    computed: a model computed it.
    likely_host: it was computed from tensors of the host and from what is not known.
    made: the call of the factory that made it, or that made what it was computed from; None if anything else went in.
    shares: other tensors that it may share memory with: writing to it may write to them.
    moved_from: the transfers that moved it from an accelerator to the host.
    why: the facts that prove that it is a tensor.
    """

    ident: Symbol
    device: Known | None = None
    dtype: Known | None = None
    scalar: bool | None = None
    optional: bool = False
    weight: bool = False
    uncast: bool = False
    computed: bool = False
    likely_host: bool = False
    made: ast.Call | None = None
    shares: frozenset[Symbol] = frozenset()
    moved_from: frozenset[ast.Call] = frozenset()
    why: Why = field(default=(), compare=False)

    def memory(self) -> frozenset[Symbol]:
        """The symbols of this tensor and of those that it may share memory with."""
        return self.shares if self.shares and self.ident.renames else self.shares | {self.ident}

    def device_term(self) -> Term:
        """The term of its device; if that is not known, "the device of this tensor" (`DEVICE_OF`)."""
        return self.device.term if self.device else Term(TermKind.DEVICE_OF, symbol=self.ident)

    def dtype_term(self) -> Term:
        """The term of its dtype; if that is not known, "the dtype of this tensor" (`DTYPE_OF`)."""
        return self.dtype.term if self.dtype else Term(TermKind.DTYPE_OF, symbol=self.ident)


@dataclass(slots=True, unsafe_hash=True)
class Object:
    """Anything with mutable state: module, instance, list, dict, or an unknown value. Its record is in the heap.

    cls: its class if proved (a class of the tree, or the dotted name of one outside it), else None.
    why: the facts that prove its class.
    optional: the value may be None instead.
    placed: its device and dtype, if it turns out to be a tensor.
    or_host: it is either a tensor, or a value on the host without tensor methods.
    """

    ident: Symbol
    cls: ClassInfo | str | None = None
    why: Why = field(default=(), compare=False)
    optional: bool = False
    placed: tuple[Known | None, Known | None] = (None, None)
    or_host: bool = False

    @property
    def is_placed(self) -> bool:
        """Whether something has been said of its placement."""
        return self.ident.in_terms or self.placed != (None, None)


@dataclass(frozen=True, slots=True)
class Placed:
    """A `torch.device` or `torch.dtype` object (or a string that is used as one)."""

    known: Known
    is_dtype: bool


@dataclass(slots=True, unsafe_hash=True)
class Constant:
    """A literal: str, int, float, bool, None ..."""

    value: Hashable

    @property
    def item(self) -> str | None:
        """What the record of a container calls its item of this key; None if another key may mean the same item.

        `-1` may be any item of a list, and `True` and `1.0` are the key `1`.
        """
        whole = type(self.value) is int and self.value >= 0
        return f"[{self.value!r}]" if whole or isinstance(self.value, str | bytes | None) else None


@dataclass(slots=True, unsafe_hash=True)
class Host:
    """A value that is certainly on the host and not a tensor: a number, a string, a numpy array (`array`)."""

    ident: Symbol
    array: bool = False


@dataclass(frozen=True, slots=True)
class Tuple:
    """A tuple of known length."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the tree; `receiver` is bound to its first parameter.

    given: arguments bound by a `functools.partial`: positional ones under "0", "1" ..., the others under their keyword.
    """

    info: FunctionInfo
    receiver: Value | None = None
    given: tuple[tuple[str, Value], ...] = ()

    def parts(self) -> Iterator[Value]:
        """The values bound to it: the receiver, and the arguments of `given`."""
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


MOST_ITEMS = 300
"""Values in a tuple and the tuples in it; more are not told apart."""


def is_large(value: Tuple) -> bool:
    """Whether a tuple holds more values than are worth telling apart, with those of the tuples in it."""
    count, stack = 0, [value]
    while stack and count <= MOST_ITEMS:
        items = stack.pop().items
        count += len(items)
        stack += [item for item in items if isinstance(item, Tuple)]
    return count > MOST_ITEMS


def symbols_of(value: Value) -> Iterator[Symbol]:
    """Every symbol in a value: its own, and those of its terms, items and bound values."""
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


def objects_of(value: Value) -> Iterator[Symbol]:
    """The symbols of the objects in a value: its own, and those of its items and bound values."""
    if isinstance(value, Object):
        yield value.ident
    elif isinstance(value, Tuple):
        for item in value.items:
            yield from objects_of(item)
    elif isinstance(value, Function):
        for part in value.parts():
            yield from objects_of(part)


def is_module(value: Value, knowledge: Knowledge) -> bool:
    """Whether the value is proved to be a torch.nn.Module whose weights all move together."""
    if not isinstance(value, Object) or value.cls is None:
        return False
    return value.cls.is_module if isinstance(value.cls, ClassInfo) else knowledge.is_module_class(value.cls)
