"""How often code runs: once a process, once a call, once a sampling step, once a layer of every step."""

from __future__ import annotations

import ast

from transfer_lint.findings import Heat
from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.modules import FunctionInfo, FunctionNode, Module


class HeatMap:
    """How often the functions of a project run."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._hot: dict[Module, dict[str, Heat]] = {}

    def of(self, info: FunctionInfo) -> Heat:
        """What a function's name and signature say, and at least as often as what calls it.

        Callers are looked for in the same file, by name: a helper of a per-layer callback runs per layer.
        """
        own = _declared(info.node, self._knowledge)
        if own is Heat.ONCE:
            return own
        if info.module not in self._hot:
            self._hot[info.module] = _hot_callees(info.module, self._knowledge)
        return max(own, self._hot[info.module].get(info.name, Heat.CALL), key=lambda heat: heat.rank)


def loop_heat(node: ast.For | ast.AsyncFor, knowledge: Knowledge) -> Heat:
    """`step` for a loop over sampling steps: what it iterates over is named like a schedule."""
    named = {part.id for part in ast.walk(node.iter) if isinstance(part, ast.Name)}
    named |= {part.attr for part in ast.walk(node.iter) if isinstance(part, ast.Attribute)}
    return Heat.STEP if any(name in knowledge.step_schedules for name in named) else Heat.CALL


def _declared(node: FunctionNode, knowledge: Knowledge) -> Heat:
    parameters = {argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    if any(name in knowledge.layer_parameters for name in parameters):
        return Heat.LAYER
    return Heat.ONCE if node.name in knowledge.once_functions else Heat.CALL


def _hot_callees(module: Module, knowledge: Knowledge) -> dict[str, Heat]:
    """Names of functions that per-step or per-layer functions of the file call, directly or through others."""
    calls = {info.name: _called_names(info.node) for info in module.functions}
    hot: dict[str, Heat] = {}
    pending = [
        (info.name, heat)
        for info in module.functions
        if (heat := _declared(info.node, knowledge)).rank > Heat.CALL.rank
    ]
    while pending:
        name, heat = pending.pop()
        for callee in calls.get(name, ()):
            if callee in calls and hot.get(callee, Heat.CALL).rank < heat.rank:
                hot[callee] = heat
                pending.append((callee, heat))
    return hot


def _called_names(node: ast.AST) -> frozenset[str]:
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            if isinstance(part.func, ast.Name):
                found.add(part.func.id)
            elif isinstance(part.func, ast.Attribute) and isinstance(part.func.value, ast.Name):
                found.add(part.func.attr)
    return frozenset(found)
