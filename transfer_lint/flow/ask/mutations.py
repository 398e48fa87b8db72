"""Mutations around a transfer: writes to the value that it moves, or to the copy that it makes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from transfer_lint.flow.program.syntax import span
from transfer_lint.flow.results.mutations import Mutation
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.values import Tensor


def on_lines(mutations: Sequence[Mutation], first: int, last: int) -> Sequence[Mutation]:
    """The mutations on lines first..last (both included). mutations: in source order."""
    start, end = bisect_left(mutations, first, key=_line), bisect_right(mutations, last, key=_line)
    return mutations[start:end]


def _line(mutation: Mutation) -> int:
    return mutation.position[0]


def memory_of(site: Site) -> frozenset[Symbol | None]:
    """The symbols of the value that is moved, of what it may share memory with, and of the moved value."""
    own = site.receiver.memory() if isinstance(site.receiver, Tensor) else {site.receiver.ident}
    return frozenset({*own, site.result})


def is_written_to(site: Site, mutations: Sequence[Mutation]) -> bool:
    """Whether the function certainly writes to the result of the transfer, anywhere: it then needs its own copy."""
    assert site.function is not None
    inside = on_lines(mutations, *span(site.function.node))
    return any(mutation.sure and mutation.tensor is site.result for mutation in inside)
