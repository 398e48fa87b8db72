"""ComfyUI's node sockets: what an input of a node is, from what the tree's nodes return under that type."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from transfer_lint.flow.modules import ClassInfo, FunctionInfo, Module
from transfer_lint.flow.project import Project
from transfer_lint.flow.shapes import spelled
from transfer_lint.flow.summary import Summary, Template
from transfer_lint.flow.values import Fact, Host, Known, Object, Symbol, Tensor, Tuple, Value, Why, merge_why
from transfer_lint.flow.walking import nodes_of

if TYPE_CHECKING:
    from transfer_lint.flow.interpreter import Interpreter


def parameter(interpreter: Interpreter, info: FunctionInfo, argument: ast.arg, symbol: Symbol) -> Value | None:
    """What a parameter of a node's FUNCTION is; None where the function is none, or nothing is known."""
    owner = info.owner
    if owner is None or not serves_node(owner, info):
        return None
    kind = input_type(owner, argument.arg)
    if kind is None:
        return None
    knowledge = interpreter.knowledge
    if kind in knowledge.socket_host:
        return Host(symbol)
    if kind in knowledge.socket_tensors:
        return Tensor(symbol, why=(Fact(info.module, argument, f"`{argument.arg}` is a node input of type {kind}"),))
    return _produced(interpreter, info, argument, kind, symbol)


def serves_node(owner: ClassInfo, info: FunctionInfo) -> bool:
    """Whether ComfyUI calls the method: it is the FUNCTION of its class, or of one in the file that inherits it."""
    if owner.node_function == info.name:
        return True
    return any(cls.node_function == info.name and cls.method(info.name) is info for cls in info.module.classes.values())


def input_type(owner: ClassInfo, name: str) -> str | None:
    """The type that INPUT_TYPES declares for an input."""
    method = owner.method("INPUT_TYPES")
    if method is None:
        return None
    for node in nodes_of(method.node):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == name:
                match value:
                    case ast.Tuple(elts=[ast.Constant(value=str() as kind), *_]):
                        return kind
                    case ast.Tuple(elts=[ast.List(), *_]):
                        return "COMBO"
    return None


def _produced(
    interpreter: Interpreter, info: FunctionInfo, argument: ast.arg, kind: str, symbol: Symbol
) -> Value | None:
    """What all nodes of the tree that return the type agree on."""
    values: list[tuple[Value, Summary]] = []
    why: tuple[Fact, ...] = ()
    for cls in _nodes(interpreter.project, info.module):
        for index in _outputs(cls, kind):
            found = _output(interpreter, cls, index)
            if found is None:
                return None
            values.append((found[0], found[1]))
            why = merge_why(
                why,
                (
                    Fact(info.module, argument, f"`{argument.arg}` is a node input of type {kind}"),
                    Fact(cls.module, cls.node, f"`{cls.name}` is a node that returns {kind}"),
                ),
            )
    if not values:
        return None
    first, summary = values[0]
    shaped = _across(interpreter, first, summary, symbol, why)
    for other, other_summary in values[1:]:
        if not _alike(shaped, _across(interpreter, other, other_summary, symbol, why)):
            return None
    return shaped


def _nodes(project: Project, module: Module) -> list[ClassInfo]:
    """The classes that may be nodes: of the module's own pack if it has any that return something, else of the tree.

    A tree may hold a pack twice, as a copy or a release; each copy's nodes are wired to one another.
    """
    paths = project.mentioning("RETURN_TYPES", module.path)
    own = [path for path in paths if project.package(path) == project.package(module.path)]
    modules = (project.module(path) for path in own or paths)
    return [cls for found in modules if found is not None for cls in found.classes.values()]


def _outputs(cls: ClassInfo, kind: str) -> list[int]:
    value = cls.class_attribute("RETURN_TYPES")
    if value is None or not isinstance(value[1], ast.Tuple) or "RETURN_TYPES" not in cls.attributes:
        return []
    return [n for n, item in enumerate(value[1].elts) if isinstance(item, ast.Constant) and item.value == kind]


def _output(interpreter: Interpreter, cls: ClassInfo, index: int) -> tuple[Value, Summary] | None:
    """The value that a node returns at an output, and the summary that it speaks in."""
    name = cls.node_function
    method = cls.method(name) if name else None
    summary = interpreter.summaries.summary(method) if method is not None else None
    if summary is None or not isinstance(summary.result, Tuple) or index >= len(summary.result.items):
        return None
    return summary.result.items[index], summary


def _across(interpreter: Interpreter, value: Value, summary: Summary, symbol: Symbol, why: tuple[Fact, ...]) -> Value:
    """A node's output as another node sees it, any time later: classes stay, and placements that are spelled out."""
    match value:
        case Tensor():
            return Tensor(
                symbol,
                _because(spelled(value.device), why),
                _because(spelled(value.dtype), why),
                value.scalar,
                value.optional,
                why=merge_why(why, value.why),
            )
        case Object() if not summary.rooted(value.ident):
            interpreter.templates[symbol] = Template(summary, value.ident)
            return Object(symbol, value.cls, merge_why(why, value.why), value.optional)
        case Object():
            return Object(symbol, value.cls, merge_why(why, value.why))
    return Object(symbol)


def _alike(a: Value, b: Value) -> bool:
    """Whether two nodes' outputs may be taken for the same kind of thing."""
    match a, b:
        case Tensor(), Tensor():
            return replace(a, why=()) == replace(b, why=())
        case Object(), Object():
            return a.cls is not None and a.cls == b.cls and isinstance(a.cls, ClassInfo)
    return False


def _because(known: Known | None, why: Why) -> Known | None:
    return known.because(*why) if known is not None else None
