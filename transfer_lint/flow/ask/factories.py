"""Factories: torch calls that make a tensor, and whether they would make the same tensor on another device."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.syntax import nodes_of, written
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.values import Tensor

# Arguments of a factory that say the device already, or whose meaning depends on the device.
_BINDING = frozenset({"device", "out", "requires_grad", "pin_memory", None})


@dataclass(frozen=True)
class Factory:
    """A call that makes a tensor on the host.

    written: how it is written, without the arguments. line: where it begins.
    exact: making it on the target device gives the same bits.
    any_dtype: making it in the target dtype gives the same bits, too.
    """

    written: str
    line: int
    exact: bool = False
    any_dtype: bool = False


class Factories:
    """The factories that one file calls."""

    def __init__(self, module: Module, knowledge: Knowledge) -> None:
        self._module = module
        self._knowledge = knowledge

    def moved_by(self, site: Site, on_host: bool) -> Factory | None:
        """The deterministic factory whose result a site moves; None if there is none.

        The site moves the result itself, or a value that is computed from it in the same expression (then not exact).
        on_host: the receiver is known to be on the host.
        """
        made = site.moved
        if not self._makes_tensor(made):
            computed = isinstance(made, ast.Call | ast.BinOp) and any(map(self._makes_tensor, nodes_of(made)))
            return Factory(_spelled(made), made.lineno) if computed and (on_host or self._is_reshaped(made)) else None
        assert isinstance(made, ast.Call)
        keywords = {keyword.arg for keyword in made.keywords}
        if "device" in keywords:
            return None
        name = self._module.dotted(made.func)
        exact = not keywords & _BINDING and (name in self._knowledge.exact_factories or self._is_integral(made))
        return Factory(
            _spelled(made), made.lineno, exact, name in self._knowledge.exact_in_any_dtype and "dtype" not in keywords
        )

    def made_by(self, site: Site) -> Factory | None:
        """The call of a deterministic factory that made the receiver; None if there is none.

        The receiver is a local name, or method calls on one, and the value of that name is read nowhere else.
        """
        name, receiver, function = _root(site.moved), site.receiver, site.function
        if name is None or function is None or not isinstance(receiver, Tensor) or receiver.made is None:
            return None
        if not self._makes_tensor(receiver.made):
            return None
        same = [node for node in nodes_of(function.node) if isinstance(node, ast.Name) and node.id == name.id]
        stores = sorted(node.lineno for node in same if isinstance(node.ctx, ast.Store) and node.lineno < name.lineno)
        rebound = any(isinstance(node.ctx, ast.Store) and node.lineno == site.statement.lineno for node in same)
        end = site.statement.end_lineno if rebound else None  # reads further down get the moved value
        reads = [
            node
            for node in same
            if isinstance(node.ctx, ast.Load)
            and stores
            and stores[-1] < node.lineno
            and (not end or node.lineno <= end)
        ]
        made = receiver.made
        return Factory(_spelled(made), made.lineno) if stores and reads == [name] else None

    def _makes_tensor(self, node: ast.AST) -> bool:
        """Whether a node is a call of a deterministic factory."""
        if not isinstance(node, ast.Call):
            return False
        name = self._module.dotted(node.func)
        return name in self._knowledge.exact_factories or name in self._knowledge.inexact_factories

    def _is_reshaped(self, node: ast.expr) -> bool:
        """Whether a node is a factory call followed only by placement-keeping methods: `torch.tensor(v).view(...)`."""
        while isinstance(node, ast.Call) and not self._makes_tensor(node):
            if not isinstance(node.func, ast.Attribute) or node.func.attr not in self._knowledge.tensor_same:
                return False
            node = node.func.value
        return self._makes_tensor(node)

    def _is_integral(self, call: ast.Call) -> bool:
        """Whether `arange(...)` counts in integers: then it gives the same result on every device."""
        dtype = next((k.value for k in call.keywords if k.arg == "dtype"), None)
        if dtype is not None:
            return self._module.dotted(dtype) in ("torch.long", "torch.int", "torch.int64", "torch.int32")
        return self._module.dotted(call.func) in self._knowledge.exact_if_whole and all(
            isinstance(part, ast.Constant) and isinstance(part.value, int) for part in call.args
        )


def _root(node: ast.expr) -> ast.Name | None:
    """`x` of `x`, `x.unsqueeze(0)`, `x.view(-1).t()`."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return node if isinstance(node, ast.Name) else None


def _spelled(made: ast.expr) -> str:
    """How what makes a tensor is written; a call without its arguments: `torch.zeros(...)`."""
    return f"{written(made.func)}(...)" if isinstance(made, ast.Call) else written(made)
