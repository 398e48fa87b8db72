"""Parameters: what a function may take for granted of its arguments, whoever calls it."""

from __future__ import annotations

import ast
from dataclasses import replace

from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.annotations import annotated
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.node_inputs import node_input
from transfer_lint.flow.interpret.sampler_values import schedule_of_sampler, schedule_of_scheduler
from transfer_lint.flow.program.given_tensors import given_tensors
from transfer_lint.flow.program.handed_tensors import handed_tensors
from transfer_lint.flow.program.modules import FunctionInfo
from transfer_lint.flow.program.tensor_uses import no_tensors, parameter_use
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Fact
from transfer_lint.flow.values.values import Host, Object, Tensor, Value


def parameter(frame: Frame, info: FunctionInfo, number: int, argument: ast.arg, symbol: Symbol) -> Value:
    """The value of a parameter in a call of which nothing is known: as its annotation, or its use, says."""
    if info.owner is not None and number == 0 and "builtins.staticmethod" not in info.decorators:
        if "builtins.classmethod" in info.decorators:
            return Object(symbol)
        return Object(symbol, info.owner)
    value = node_input(frame, info, argument, symbol)
    if value is None:
        value = annotated(info.module, argument.arg, argument.annotation, argument, symbol)
        if isinstance(value, Tensor) and argument.arg in no_tensors(info.node):
            value = Object(symbol)
    if isinstance(value, Host) and (call := given_tensors(info.module).get((info.qualname, argument.arg))) is not None:
        fact = frame.assume(Assumption.MOVED_IS_TENSOR, call, "`{}` gives it an item of a tensor")
        value = Tensor(symbol, why=(fact,)) if fact is not None else value
    if isinstance(value, Object) and value.cls is None and argument.annotation is None:
        use = parameter_use(info, argument.arg)
        says = "the docstring says that it is a tensor" if isinstance(use, ast.Constant) else "`{}` uses it as a tensor"
        fact = frame.assume(Assumption.MOVED_IS_TENSOR, use, says) if use else _handed(frame, info, argument)
        fact = fact or schedule_of_sampler(frame, info, argument) or schedule_of_scheduler(frame, info, argument)
        value = Tensor(symbol, why=(fact,)) if fact is not None else value
    default = info.defaults.get(argument.arg)
    if isinstance(value, Tensor | Object) and isinstance(default, ast.Constant) and default.value is None:
        value = replace(value, optional=True)
    return value


def _handed(frame: Frame, info: FunctionInfo, argument: ast.arg) -> Fact | None:
    """The fact, if it is assumed, that all calls hand a parameter a tensor, which the function takes for no other."""
    if argument.arg in no_tensors(info.node):
        return None
    call = handed_tensors(info.module).get((info.qualname, argument.arg))
    return frame.assume(Assumption.MOVED_IS_TENSOR, call, "`{}` gives it a tensor") if call is not None else None
