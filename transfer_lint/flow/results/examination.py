"""What an analysis returns: the sites of a file, and the values of a function's expressions."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from transfer_lint.findings import Assumption
from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.results.constructions import Construction, DeviceComparison, ImplicitUpload
from transfer_lint.flow.results.mutations import Mutation
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.results.waits import ExplicitWait
from transfer_lint.flow.values.values import Value, is_module

Place: TypeAlias = Site | HostRead | Construction | DeviceComparison | ImplicitUpload | ExplicitWait
"""What a rule judges."""


@dataclass(frozen=True)
class Examination:
    """One file: its transfers, reads, constructions, comparisons, uploads, waits and mutations, all in source order.

    assumable: the assumptions that would tell, or told, more about it.
    given_up: the functions, or the top level (the module's tree), whose interpretation took too many steps.
    """

    sites: Sequence[Site]
    reads: Sequence[HostRead]
    mutations: Sequence[Mutation]
    constructions: Sequence[Construction] = ()
    comparisons: Sequence[DeviceComparison] = ()
    uploads: Sequence[ImplicitUpload] = ()
    waits: Sequence[ExplicitWait] = ()
    assumable: frozenset[Assumption] = frozenset()
    given_up: Sequence[ast.AST] = ()


@dataclass(frozen=True)
class Interpretation:
    """One function, or the top level of a module (`function` is None).

    values: expression -> its abstract value; empty unless the analysis is `watching`.
    """

    module: Module
    function: FunctionInfo | None
    knowledge: Knowledge
    values: Mapping[ast.AST, Value]

    def is_module(self, value: Value) -> bool:
        """Whether the value is proved to be a torch.nn.Module whose weights all move together."""
        return is_module(value, self.knowledge)
