"""Makers: functions of the tree that make a tensor of sizes and numbers, and return it."""

from __future__ import annotations

import ast

from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program.called_functions import called_function
from transfer_lint.flow.program.libraries import works_on_arrays
from transfer_lint.flow.program.modules import FunctionInfo
from transfer_lint.flow.program.number_lists import takes_numbers_only
from transfer_lint.flow.program.syntax import calls_in, nodes_of
from transfer_lint.flow.program.tensor_uses import parameter_use


def calls_maker(call: ast.Call, function: FunctionInfo, knowledge: Knowledge) -> bool:
    """Whether a call in a function of the tree is one of a maker, or of what is given nothing but numbers."""
    if ":" in function.module.dotted(call.func) and takes_numbers_only(call, function):
        return True
    called = called_function(function.module, function.owner, call.func, {})
    return called is not None and _is_maker(called, knowledge)


def _is_maker(function: FunctionInfo, knowledge: Knowledge) -> bool:
    """Whether a function makes tensors of sizes, and uses no parameter as a tensor, no array and no file."""
    module, node = function.module, function.node
    names = [module.dotted(call.func) for call in calls_in(node)]
    sized = any(name in knowledge.exact_factories or name in knowledge.inexact_factories for name in names)
    copies = any(name in knowledge.from_values or name in knowledge.legacy_factories for name in names)
    if not sized or copies or "torch.load" in names or works_on_arrays(module, node):
        return False
    returns = any(isinstance(part, ast.Return) and part.value is not None for part in nodes_of(node))
    return returns and not any(parameter_use(function, argument.arg) for argument in function.parameters)
