"""The device flow of a function as a graph: which values come from which, and where they are moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.program.modules import FunctionInfo
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.terms import Why


class Kind(Enum):
    """What a node is."""

    INPUT = "input"
    VALUE = "value"
    MODULE = "module"
    CALL = "call"  # of a function that has a picture of its own
    OUTPUT = "output"
    HOST = "host"  # what the host has read
    FOLD = "fold"  # several values that are computed from each other without a transfer


@dataclass(eq=False)
class Node:
    """A value at a place. number: in the order in which the walk met it.

    place: where it is, in words. role: what that device is for.

    callee: of a CALL, the function. hidden: of a FOLD, what is in it.
    """

    number: int
    kind: Kind
    label: str
    line: int
    place: str = ""
    role: Role | None = None
    why: Why = ()
    callee: FunctionInfo | None = None
    hidden: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its name in a drawing: stable from run to run."""
        return f"{'f' if self.kind is Kind.FOLD else 'n'}{self.number}"


@dataclass(eq=False)
class Edge:
    """`target` comes from `source`. label: by what call. at: the transfer or host read that it is, if it is one."""

    source: Node
    target: Node
    label: str = ""
    at: Site | HostRead | None = None


@dataclass
class Flow:
    """The graph of one function."""

    function: FunctionInfo
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def calls(self) -> Iterator[FunctionInfo]:
        """The functions that have a node here."""
        yield from dict.fromkeys(node.callee for node in self.nodes if node.callee is not None)
