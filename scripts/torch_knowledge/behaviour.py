"""Finds what holds in all runs of one function or method."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from torch_knowledge.operands import (
    Call,
    cast,
    fewer_keywords,
    other_dtypes,
    other_first,
    other_layouts,
    other_numbers,
    with_dtypes,
)
from torch_knowledge.run import Kind, Run, autocast_dtypes, needs_values, placements, run
from torch_knowledge.samples import flags, other_operands, parameters, plain_pool, pools, schemas

DTYPES = (
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.int32,
    torch.int64,
    torch.uint8,
    torch.bool,
    torch.complex64,
)
# Keywords that many functions take, in torch's and in numpy's spelling. They may change the kind of the result.
_KEYWORDS = (
    ("dim", 0),
    ("dim", -1),
    ("axis", 0),
    ("keepdims", True),
    ("device", "meta"),
)
_SPELLINGS = {"dim": "axis", "keepdim": "keepdims", "other": "x2"}
VARIED = 3  # how many calls of one function get all their arguments varied


@dataclass
class Law:
    """A tested statement. It is true if at least one case was seen and none broke it."""

    seen: bool = False
    broken: bool = False

    def observe(self, holds: bool) -> None:
        """Add one case: whether the statement holds in it."""
        self.seen = True
        self.broken |= not holds

    def __bool__(self) -> bool:
        return self.seen and not self.broken


@dataclass
class Behaviour:
    """What a function or method was seen to do.

    kind: the kind of the result, of calls with none of the arguments `unless` and all of `only_with`; None if it
    varies. device: every result is on the device of the tensor operands (the first n-dim one decides). own_device:
    every result is on the device of the first operand, wherever the others are. dtype: every result has the dtype of
    the operands, if these agree. own_dtype: every result has the dtype of the first operand. autocast: the laws about
    dtypes hold under autocast too. n_dim: results are n-dim if an operand is. itself: the result is the first operand,
    the same object. shares: some result uses an operand's memory. changes: some call writes to an operand.
    changes_with: if not empty, only calls with one of these arguments do. dtype_arguments: arguments that may be a
    dtype (by position only the last); the laws about dtypes are about calls without them. needs_values: no call can be
    answered without the tensors' values. other_first: some call has something other than a tensor as its first
    argument.
    """

    kind: Kind | None = None
    unless: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()
    device: Law = field(default_factory=Law)
    own_device: Law = field(default_factory=Law)
    dtype: Law = field(default_factory=Law)
    own_dtype: Law = field(default_factory=Law)
    autocast: Law = field(default_factory=Law)
    n_dim: Law = field(default_factory=Law)
    itself: Law = field(default_factory=Law)
    shares: bool = False
    changes: bool = False
    changes_with: tuple[str, ...] = ()
    dtype_arguments: set[str] = field(default_factory=set)
    needs_values: Law = field(default_factory=Law)
    other_first: bool = False


def observe(function: Callable[..., Any], name: str, receiver: bool) -> Behaviour:
    """Run a function with the sample calls and their variations.

    name: the last part of its dotted name. receiver: it is a method, and the first argument is its receiver.
    """
    sampled = list(_sampled(function, name, receiver))
    runs = [done for done, _ in sampled]
    for chosen in _different(runs):
        runs += [r for call in _variations(chosen.call) if (r := run(function, call, receiver)) is not None]
    found = Behaviour()
    found.kind, found.unless, found.only_with = _kind(function, name, runs, receiver)
    if found.kind in (None, Kind.OTHER):
        found.kind = None
        return found
    runs = [r for r in runs if _within(found, r)]
    basic = [(r, base) for r, base in sampled if _within(found, r)]
    if found.kind is Kind.HOST:
        # Different answers for different values prove it; the same answer for all values does not disprove it.
        found.needs_values.seen = any(needs_values(function, r.call, found.kind) for r, _ in basic)
        return found
    found.other_first = any(r.call.first() is None for r in runs)
    runs = [r for r in runs if r.call.leaves()]
    recast = [
        again
        for r, base in basic
        for dtype in DTYPES
        if dtype != base and (again := run(function, cast(r.call, base, dtype), receiver)) is not None
    ]
    found.changes, found.changes_with = _changes(function, name, runs, receiver)
    for r in [*runs, *recast]:
        found.shares |= r.shares and not r.changes
        found.itself.observe(r.itself)
        _observe_dtype(found, r, receiver)
        _observe_rank(found, r)
    for r in {r.call.pattern(): r for r in [*runs, *(r for r, _ in basic)]}.values():
        _observe_device(found, function, r.call)
    if other_operands(function, name) and not any(len(r.call.leaves()) > 1 for r in runs):
        found.own_device.broken = found.own_dtype.broken = True  # no sample has the other tensor
    if any(tensor.device.type != "cpu" for r in runs for tensor in r.results):
        found.device.broken = found.own_device.broken = True  # an argument says on which device
    if found.kind is Kind.TENSOR:
        for r, _ in basic:
            found.needs_values.observe(needs_values(function, r.call, found.kind))
    if found.dtype or found.own_dtype:
        _observe_autocast(found, function, [r.call for r, _ in basic])
    return found


def _sampled(function: Callable[..., Any], name: str, receiver: bool) -> Iterator[tuple[Run, torch.dtype]]:
    """Runs of the calls that torch accepts, each with the dtype that most of its tensors have."""
    seen: set[str] = set()
    for pool in [*pools().get(name, []), plain_pool()]:
        calls = [*pool.calls, *(fewer for call in pool.calls for fewer in fewer_keywords(call))]
        for number, call in enumerate(calls):
            repeated = number >= len(pool.calls) and call.pattern() in seen
            seen.add(call.pattern())
            if not repeated and call.leaves() and (call.first() is not None or not receiver):
                done = run(function, call, receiver)
                if done is not None:
                    yield done, pool.base


def _within(found: Behaviour, r: Run) -> bool:
    return r.kind is found.kind and not r.keys & set(found.unless) and r.keys >= set(found.only_with)


def _different(runs: Sequence[Run]) -> list[Run]:
    """At most VARIED runs that differ in which arguments they give, those with the fewest first."""
    chosen: dict[frozenset[str], Run] = {}
    for r in runs:
        chosen.setdefault(r.keys, r)
    return sorted(chosen.values(), key=lambda r: (len(r.keys), sorted(r.keys)))[:VARIED]


def _variations(call: Call) -> Iterator[Call]:
    for flag in flags():
        if flag not in call.kwargs:
            yield call.with_keyword(flag, True)
            yield call.with_keyword(flag, False)
    for key, value in _KEYWORDS:
        if key not in call.kwargs:
            yield call.with_keyword(key, value)
    yield from with_dtypes(call)
    yield from other_numbers(call)
    yield from other_first(call)
    yield from other_dtypes(call)
    yield from other_layouts(call)


def _kind(
    function: Callable[..., Any], name: str, runs: Sequence[Run], receiver: bool
) -> tuple[Kind | None, tuple[str, ...], tuple[str, ...]]:
    """The kind of the result, the arguments that change it, and the arguments that must be given."""
    kinds = {r.kind for r in runs}
    if len(kinds) == 1:
        return kinds.pop(), (), ()
    if Kind.TENSOR not in kinds:
        return None, (), ()
    usual = [r.keys for r in runs if r.kind is Kind.TENSOR]
    other = [r.keys for r in runs if r.kind is not Kind.TENSOR]
    switches = _switches(usual, other)
    if switches is not None:
        switches |= _synonyms(function, name, switches, receiver)
        plain = [_without(r.call, switches, receiver) for r in runs if r.kind is not Kind.TENSOR]
        again = [r for call in plain if (r := run(function, call, receiver)) is not None]
        return (Kind.TENSOR if all(r.kind is Kind.TENSOR for r in again) else None), tuple(sorted(switches)), ()
    needed = frozenset.intersection(*usual) - frozenset().union(*other)
    # If a keyword alone decides, its value may matter too, so only positional arguments are accepted.
    return (Kind.TENSOR, (), tuple(sorted(needed))) if needed and all(map(str.isdigit, needed)) else (None, (), ())


def _switches(usual: Sequence[frozenset[str]], other: Sequence[frozenset[str]]) -> set[str] | None:
    """Arguments of which every call in `other` has one and the call in `usual` with the fewest arguments has none.

    None if there are no such arguments.
    """
    least = min(usual, key=lambda keys: (len(keys), sorted(keys)))
    switches = set().union(*other) - least
    for key in sorted(switches):
        if any(key in keys for keys in usual) and all(keys & (switches - {key}) for keys in other):
            switches.remove(key)
    return switches if all(keys & switches for keys in other) else None


def _changes(
    function: Callable[..., Any], name: str, runs: Sequence[Run], receiver: bool
) -> tuple[bool, tuple[str, ...]]:
    """Whether some call writes to an operand, and the arguments without which none does."""
    other = [r.keys for r in runs if r.changes]
    usual = [r.keys for r in runs if not r.changes]
    switches = _switches(usual, other) if usual and other else None
    if not switches:
        return bool(other), ()
    switches |= _synonyms(function, name, switches, receiver)
    plain = [_without(r.call, switches, receiver) for r in runs if r.changes]
    again = [r for call in plain if (r := run(function, call, receiver)) is not None]
    return True, tuple(sorted(switches)) if again and not any(r.changes for r in again) else ()


def _without(call: Call, keys: set[str], receiver: bool) -> Call:
    """The call without these arguments, and without positional arguments after one of them."""
    count = min((int(key) + receiver for key in keys if key.isdigit()), default=len(call.args))
    return Call(call.args[:count], {key: value for key, value in call.kwargs.items() if key not in keys})


def _synonyms(function: Callable[..., Any], name: str, keys: set[str], receiver: bool) -> set[str]:
    """Other ways to give the same arguments: by position, by keyword, by numpy's spelling of the keyword."""
    orders = [[p.name for p in parameters(function)]] if not receiver else []
    orders += [[a.name for a in schema.arguments if not a.kwarg_only] for schema in schemas().get(name, [])]
    found: set[str] = set()
    for order in orders:
        for position, parameter in enumerate(order[receiver:]):
            if keys & {str(position), parameter, _SPELLINGS.get(parameter)}:
                found |= {str(position), parameter, _SPELLINGS.get(parameter, parameter)}
    return found


def _observe_dtype(found: Behaviour, r: Run, receiver: bool) -> None:
    leaves = r.call.leaves()
    dtypes = {tensor.dtype for tensor in r.results}
    given = [key for key, value in r.call.named(receiver).items() if isinstance(value, torch.dtype)]
    if given:
        found.dtype_arguments |= set(given)
        if given[0].isdigit() and str(int(given[0]) + 1) in r.keys:
            found.dtype.broken = found.own_dtype.broken = True  # by position, a dtype must be the last argument
        return
    if len({leaf.dtype for leaf in leaves}) == 1:
        found.dtype.observe(dtypes == {leaves[0].dtype})
    first = r.call.first()
    found.own_dtype.observe(first is not None and dtypes == {first.dtype})


def _observe_rank(found: Behaviour, r: Run) -> None:
    if any(leaf.dim() for leaf in r.call.leaves()):
        found.n_dim.observe(all(tensor.dim() for tensor in r.results))


def _observe_device(found: Behaviour, function: Callable[..., Any], call: Call) -> None:
    leaves, first = call.leaves(), call.first()
    for devices, results in placements(function, call):
        decisive = [device for leaf, device in zip(leaves, devices, strict=True) if leaf.dim()]
        if decisive or len(set(devices)) == 1:
            found.device.observe(results == {decisive[0] if decisive else devices[0]})
        found.own_device.observe(first is not None and results == {devices[0]})


def _observe_autocast(found: Behaviour, function: Callable[..., Any], calls: Sequence[Call]) -> None:
    found.autocast.seen = True
    for original in calls:
        base = original.leaves()[0].dtype
        if any(isinstance(part, torch.dtype) for part in original.parts()):
            continue
        for dtype in (torch.float32, torch.float16, torch.bfloat16):
            call = cast(original, base, dtype) if base.is_floating_point else original
            if not found.own_dtype and len({leaf.dtype for leaf in call.leaves()}) > 1:
                continue
            for dtypes in autocast_dtypes(function, call):
                if dtypes:
                    found.autocast.observe(dtypes == {call.leaves()[0].dtype})
