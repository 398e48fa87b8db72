"""What may have written to a value that a transfer moves, or to the copy that it makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transfer_lint.flow.program.syntax import span
from transfer_lint.flow.results.mutations import Mutation
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.values import Tensor


def on_lines(mutations: Sequence[Mutation], first: int, last: int) -> Iterator[Mutation]:
    """The mutations on some lines."""
    return (mutation for mutation in mutations if first <= mutation.position[0] <= last)


def memory_of(site: Site) -> frozenset[Symbol | None]:
    """What stands for the value that is moved, what it may share memory with, and the moved value."""
    own = site.receiver.memory() if isinstance(site.receiver, Tensor) else {site.receiver.ident}
    return frozenset({*own, site.result})


def is_written_to(site: Site, mutations: Sequence[Mutation]) -> bool:
    """Whether the function surely writes to what the transfer makes, wherever that is: it needs a copy of its own."""
    assert site.function is not None
    inside = on_lines(mutations, *span(site.function.node))
    return any(mutation.sure and mutation.tensor is site.result for mutation in inside)
