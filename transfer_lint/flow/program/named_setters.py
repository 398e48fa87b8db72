"""Named setters: methods that move a tensor and keep it under a name that they are given, `self.keep("alphas", x)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo
from transfer_lint.flow.program.syntax import nodes_of

_MOVES = frozenset({"to", "cuda"})


def named_and_moved(owner: ClassInfo) -> frozenset[str]:
    """The attributes of a class that its own methods set by such a setter. Memoised on the class."""
    known: frozenset[str] | None = getattr(owner.node, "_transfer_lint_named", None)
    if known is None:
        setters = {name for name, method in owner.methods.items() if _is_setter(method)}
        known = frozenset(_names(owner, setters)) if setters else frozenset()
        owner.node._transfer_lint_named = known  # type: ignore[attr-defined]
    return known


def _is_setter(method: FunctionInfo) -> bool:
    """Whether a method moves a parameter, and sets the attribute that another one names."""
    parameters = {argument.arg for argument in method.node.args.args[1:]}
    moves = sets = False
    for node in nodes_of(method.node):
        match node:
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id="self"), ast.Name(id=name), _]):
                sets = sets or name in parameters
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)):
                moves = moves or (name in parameters and attr in _MOVES)
    return moves and sets


def _names(owner: ClassInfo, setters: set[str]) -> Iterator[str]:
    for node in nodes_of(owner.node):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="self"), attr=setter), args=[ast.Constant(value=str() as name), *_]
            ) if setter in setters:
                yield name
