"""Summaries: the effect and the result of a function, as its callers need them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from transfer_lint.findings import Assumption
from transfer_lint.flow.values.aliasing import Attempts, Later
from transfer_lint.flow.values.records import Epoch, Record
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.values import Host, Object, Placed, Tensor, Tuple, Value

MOST_EFFECTS = 100
"""Effects of one function that its callers look at one by one."""


@dataclass(frozen=True)
class Summary:
    """The effect and the result of one function, for symbolic arguments.

    parameters: name -> its symbol.
    result: what it returns.
    heap: the records at its end.
    forgets: it may do anything to any object.
    changes_module: it may do anything to module-level objects.
    attempts: what it may have done if an exception leaves it.
    later: code that it makes -> what that may do when it runs.
    replaces_data: it assigns the `.data` of some tensor.
    mutations: tensors that it may write to in place, and whether it certainly does (see `Mutation`).
    assumptions: those that would tell more about it.
    """

    parameters: Mapping[str, Symbol]
    result: Value
    heap: Mapping[Symbol, Record]
    forgets: bool = False
    changes_module: bool = False
    attempts: Attempts = field(default_factory=Attempts)
    later: Mapping[Symbol, Later] = field(default_factory=dict)
    replaces_data: bool = False
    mutations: frozenset[tuple[Symbol | None, bool]] = frozenset()
    assumptions: frozenset[Assumption] = frozenset()

    @cached_property
    def attempted(self) -> Sequence[Symbol]:
        """The objects that existed at its entry to which it may have done something if an exception leaves it.

        At most MOST_EFFECTS, and in place of others those from which they can be reached.
        """
        near, far = _near_and_far([symbol for symbol in self.attempts.objects if self.rooted(symbol)])
        return [*near, *far]

    def rooted(self, symbol: Symbol) -> bool:
        """Whether the symbol is a parameter, a global, or an attribute path from one, as of function entry."""
        while symbol.parent is not None:
            if not symbol.name:
                return False
            symbol = symbol.parent
        return symbol.is_global or symbol in self.parameters.values()

    @cached_property
    def effects(self) -> Sequence[tuple[Symbol, Record]]:
        """What it does to objects that existed at its entry.

        At most MOST_EFFECTS; where there are more, those far from the parameters become "anything may have been done to
        what is reachable from here".
        """
        found = [(symbol, r) for symbol, r in self.heap.items() if self.rooted(symbol) and _changed(symbol, r)]
        near, far = _near_and_far([symbol for symbol, _ in found])
        unknown = Record(epoch=Epoch("far", 0), moved=Epoch("far", 0))
        kept = set(near)
        return [*(pair for pair in found if pair[0] in kept), *((symbol, unknown) for symbol in far)]


def code_seen_by_callers(
    later: Mapping[Symbol, Later], held: Collection[Symbol], rooted: Callable[[Symbol], bool]
) -> dict[Symbol, Later]:
    """What code may do that a function hands to its callers, told by the objects that these know.

    What is only perhaps code, as the result of an unknown call is, may lead to more of its kind. Where the caller gets
    none of these (`held`), only what they lead to counts: such chains double with each call that holds two calls.
    """
    found: dict[Symbol, Later] = {}
    for ident, code in later.items():
        if code.certain:
            found[ident] = code
        elif ident in held:
            changes, runs_tree, seen = dict[Symbol, None](), code.runs_tree, {ident}
            stack = [one for one in code.changes if isinstance(one, Symbol)]
            while stack:
                one = stack.pop()
                if one in seen:
                    continue
                seen.add(one)
                inner = later.get(one)
                if one in held or rooted(one) or (inner is not None and inner.certain):
                    changes[one] = None
                if inner is not None and not inner.certain and one not in held:
                    runs_tree = runs_tree or inner.runs_tree
                    stack += [part for part in inner.changes if isinstance(part, Symbol)]
            near, far = _near_and_far(list(changes))
            found[ident] = Later((*near, *far), runs_tree, certain=False)
    return found


@dataclass(frozen=True)
class Template:
    """The attributes that an object got where it was made. They hold as long as nothing assigns them.

    summary: of the function that made or initialised the object.
    symbol: the object, in that summary.
    """

    summary: Summary
    symbol: Symbol


def _near_and_far(symbols: Sequence[Symbol]) -> tuple[Sequence[Symbol], Sequence[Symbol]]:
    """Of some objects, those near to the parameters, and others from which all that are not among them can be reached.

    At most MOST_EFFECTS in all.
    """
    if len(symbols) <= MOST_EFFECTS:
        return symbols, ()
    paths = {symbol: tuple(symbol.lineage())[::-1] for symbol in symbols}
    for depth in range(max(map(len, paths.values())) - 1, 0, -1):
        near = [symbol for symbol in symbols if len(paths[symbol]) <= depth]
        far = {path[depth - 1] for path in paths.values() if len(path) > depth}
        if len({*near, *far}) <= MOST_EFFECTS:
            break
    return near, sorted(far, key=lambda symbol: symbol.label)


def _changed(symbol: Symbol, record: Record) -> bool:
    """Whether something was done to an object that existed at function entry."""
    if record.epoch or record.device is not None or record.dtype is not None or record.anchor is not None:
        return True
    return any(not is_initial(symbol, name, value) for name, value in record.attributes.items())


def is_initial(owner: Symbol, name: str, value: Value) -> bool:
    """Whether an attribute is what it was at function entry (it was only read)."""
    match value:
        case Tensor() | Object() | Host():
            return value.ident.parent is owner and value.ident.name == name
        case Placed():
            symbol = value.known.term.symbol
            return symbol is not None and symbol.parent is owner and symbol.name == name
        case Tuple():
            return all(
                isinstance(item, Tensor | Object | Host)
                and item.ident.parent is not None
                and item.ident.parent.parent is owner
                for item in value.items
            )
    return False
