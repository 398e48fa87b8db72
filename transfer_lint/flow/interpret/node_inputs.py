"""Inputs of ComfyUI nodes: their values, from what the nodes of the tree return as that type."""

from __future__ import annotations

import ast
from dataclasses import replace

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.templates import ground
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo
from transfer_lint.flow.program.sockets import input_type, nodes_near, outputs, serves_node
from transfer_lint.flow.values.summary import Summary, Template
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Fact, Known, Why, merge_why
from transfer_lint.flow.values.values import Host, Object, Tensor, Tuple, Value


def node_input(frame: Frame, info: FunctionInfo, argument: ast.arg, symbol: Symbol) -> Value | None:
    """The value of a parameter of a node's FUNCTION; None if the function is not one, or nothing is known."""
    owner = info.owner
    if owner is None or not serves_node(owner, info):
        return None
    kind = input_type(owner, argument.arg)
    if kind is None:
        return None
    knowledge = frame.knowledge
    if kind in knowledge.socket_host:
        return Host(symbol)
    if kind in knowledge.socket_tensors:
        return Tensor(symbol, why=(Fact(info.module, argument, f"`{argument.arg}` is a node input of type {kind}"),))
    return _produced(frame, info, argument, kind, symbol)


def _produced(frame: Frame, info: FunctionInfo, argument: ast.arg, kind: str, symbol: Symbol) -> Value | None:
    """The value that all nodes of the tree which return the type agree on; None if there is none.

    A node is followed only where those before it agree: of a type that many return, most need not be. The attributes
    of an object are known only if one node alone makes it.
    """
    makers = [(cls, index) for cls in nodes_near(frame.project, info.module) for index in outputs(cls, kind)]
    given = Fact(info.module, argument, f"`{argument.arg}` is a node input of type {kind}")
    facts = (Fact(cls.module, cls.node, f"`{cls.name}` is a node that returns {kind}") for cls, _ in makers)
    why = merge_why(*((given, fact) for fact in facts))
    agreed: Value | None = None
    for cls, index in makers:
        found = _output(frame, cls, index)
        if found is None:
            return None
        value, summary = found
        across = _across(value, symbol, why)
        if len(makers) == 1:
            if isinstance(value, Object) and not summary.rooted(value.ident):
                frame.templates[symbol] = Template(summary, value.ident)
            return across
        agreed = _common(across, across if agreed is None else agreed)
        if agreed is None:
            return None
    return agreed


def _output(frame: Frame, cls: ClassInfo, index: int) -> tuple[Value, Summary] | None:
    """The value at an output of a node, and the summary that its symbols belong to; None if not known."""
    name = cls.node_function
    method = cls.method(name) if name else None
    summary = frame.callees.summary(method) if method is not None else None
    if summary is None or not isinstance(summary.result, Tuple) or index >= len(summary.result.items):
        return None
    return summary.result.items[index], summary


def _across(value: Value, symbol: Symbol, why: tuple[Fact, ...]) -> Value:
    """The output of a node, as another node sees it later: its class still holds, and a ground-out placement."""
    match value:
        case Tensor():
            return Tensor(
                symbol,
                _because(ground(value.device), why),
                _because(ground(value.dtype), why),
                value.scalar,
                value.optional,
                why=merge_why(why, value.why),
            )
        case Object():
            return Object(symbol, value.cls, merge_why(why, value.why), value.optional)
    return Object(symbol)


def _common(new: Value, agreed: Value) -> Value | None:
    """What holds of both outputs of nodes; None if they cannot be taken for the same kind of thing."""
    match agreed, new:
        case Tensor(), Tensor() if replace(agreed, why=()) == replace(new, why=()):
            return agreed
        case Object(cls=ClassInfo() as cls), Object() if new.cls == cls:
            return replace(agreed, optional=agreed.optional or new.optional)
    return None


def _because(known: Known | None, why: Why) -> Known | None:
    return known.because(*why) if known is not None else None
