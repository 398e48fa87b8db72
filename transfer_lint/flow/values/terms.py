"""Terms (what a device or dtype is equal to), and the facts that prove them.

Two placements are proved equal only if their terms are equal. A term is a constant, a call with one result for the
life of the process, or a property of a symbol, which is one unknown value. Reading `self.device` twice gives the same
symbol unless something may have assigned it in between. So "the same device" can be proved without knowing which
device it is.

Terms and facts never change. (They are not `frozen`, which is slow to make.)
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain, islice
from typing import TypeAlias

from transfer_lint.findings import Assumption
from transfer_lint.flow.knowledge import Knowledge, Role, role_of_device
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.values.symbols import Symbol


class TermKind(Enum):
    """The kinds of terms."""

    CONSTANT = "constant"  # `cpu`, `cuda:0`, `torch.float16`
    STABLE = "stable"  # a call with one result for the life of the process
    VALUE = "value"  # the symbol itself, used as a device or dtype
    DEVICE_OF = "device-of"  # the device of the tensor that the symbol stands for
    DTYPE_OF = "dtype-of"
    DEFAULT_DEVICE = "default-device"  # the default device of a factory, at the time of its call
    WEIGHTS_DEVICE = "weights-device"  # the device of the weights of the module that the symbol stands for
    WEIGHTS_DTYPE = "weights-dtype"


@dataclass(slots=True, unsafe_hash=True)
class Term:
    """What a device or a dtype is equal to.

    role: the role of a device that a symbol stands for, as far as the program shows it.
    """

    kind: TermKind
    name: str = ""
    symbol: Symbol | None = None
    role: Role | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.symbol is not None:
            self.symbol.in_terms = True

    @property
    def has_name(self) -> bool:
        """Whether it can be told in words of the program: not if it is that of `a result`, or `an item`."""
        return self.symbol is None or not self.symbol.label.startswith(("a ", "an "))

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
    """The term of a device or dtype that is spelled out."""
    return Term(TermKind.CONSTANT, name)


RESULT_OF = "`{}` is the result of "
"""How a fact begins that is one about a function of the tree, at its call."""


@dataclass(slots=True, unsafe_hash=True)
class Fact:
    """One step of a proof: a statement about a place in a file. Rendered only when a finding needs it.

    text: the statement; `{}` in it stands for the source of `node`.
    assumption: what the statement rests on, if it is not proved.
    """

    module: Module
    node: ast.AST
    text: str
    assumption: Assumption | None = None


Why: TypeAlias = tuple[Fact, ...]


@dataclass(slots=True, unsafe_hash=True)
class Known:
    """A term with the facts that prove it. Two are equal if their terms are equal.

    outside_autocast: it holds only if no autocast region surrounds the call of this function.
    """

    term: Term
    why: Why = field(default=(), compare=False)
    outside_autocast: bool = field(default=False, compare=False)

    def because(self, *facts: Fact) -> Known:
        """A copy with these facts added in front."""
        return self.proved_by(merge_why(facts, self.why))

    def proved_by(self, why: Why) -> Known:
        """A copy with another proof. (Written out: `dataclasses.replace` is slow, and this is a hot path.)"""
        return Known(self.term, why, self.outside_autocast)


_LONGEST_PROOF = 48  # facts; a finding shows fewer


def merge_why(*parts: Why) -> Why:
    """All facts in order, without duplicates. Of a very long proof, the beginning and what is assumed."""
    told = [part for part in parts if part]
    if len(told) < 2:
        return told[0] if told else ()
    if len(told) == 2 and told[0] is told[1]:
        return told[0]
    facts = tuple(dict.fromkeys(chain.from_iterable(told)))
    if len(facts) <= _LONGEST_PROOF:
        return facts
    later = (fact for fact in facts[_LONGEST_PROOF:] if fact.assumption is not None)
    return (*facts[:_LONGEST_PROOF], *islice(later, _LONGEST_PROOF))


def join_known(a: Known | None, b: Known | None) -> Known | None:
    """The join: the common term with both proofs if the terms are known and equal, else None (not known)."""
    if a is b:
        return a
    if a is None or b is None or a.term != b.term:
        return None
    if a.why == b.why:
        return a
    return Known(a.term, merge_why(a.why, b.why), a.outside_autocast or b.outside_autocast)


def spelled_role(term: Term) -> Role | None:
    """The role of a device, as far as its spelling or its term says it; None if not known."""
    return role_of_device(term.name) if term.kind is TermKind.CONSTANT else term.role


def role_of(term: Term, knowledge: Knowledge) -> Role | None:
    """The role of the device that a term stands for; None if not known."""
    return knowledge.role_of_function(term.name) if term.kind is TermKind.STABLE else spelled_role(term)
