"""The device flow of a function as a directed graph: which values come from which, and where they are moved."""

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
    CALL = "call"  # of a function that has its own diagram
    OUTPUT = "output"
    HOST = "host"  # what the host has read
    USE = "use"  # what uses the value later, outside of the function


@dataclass(eq=False)
class Node:
    """A value with its placement. number: its position in the order of the walk.

    place, dtype: the device and the dtype in words, "" if unknown. role: what its device is used for.
    why: the facts that prove it.
    callee: the called function of a CALL, else None.
    """

    number: int
    kind: Kind
    label: str
    line: int
    place: str = ""
    dtype: str = ""
    role: Role | None = None
    why: Why = ()
    callee: FunctionInfo | None = None

    @property
    def key(self) -> str:
        """The node's name in a diagram; it is the same in every run."""
        return f"n{self.number}"


@dataclass(eq=False)
class Edge:
    """`target` comes from `source`. label: by which call. at: the transfer or host read, if the edge is one."""

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
        """The functions whose calls are nodes of this graph, each once."""
        yield from dict.fromkeys(node.callee for node in self.nodes if node.callee is not None)
