"""Handed values that are kept: parameters to which every call of the file that is known hands the same value again."""

from __future__ import annotations

import ast
from collections.abc import Set

from transfer_lint.flow.program.handed_tensors import arguments, calls_of
from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.repetition import gives_batches
from transfer_lint.flow.program.syntax import nodes_of, own_attribute

_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def handed_kept(module: Module) -> Set[tuple[str, str]]:
    """(qualified name of a function, name of its parameter): what it is given is kept elsewhere, whoever calls it.

    It is an attribute of the caller's object, or a nested function takes it from the function around it. Memoised on
    the tree.
    """
    known: frozenset[tuple[str, str]] | None = getattr(module.tree, "_transfer_lint_handed_kept", None)
    if known is None:
        kept, others = set[tuple[str, str]](), set[tuple[str, str]]()
        for caller in module.functions:
            for called, call in calls_of(caller):
                for name, value in arguments(called, call):
                    if not isinstance(value, ast.Constant):
                        (kept if _is_kept(value, caller) else others).add((called.qualname, name))
        known = frozenset(kept - others)
        module.tree._transfer_lint_handed_kept = known  # type: ignore[attr-defined]
    return known


def _is_kept(value: ast.expr, caller: FunctionInfo) -> bool:
    name = own_attribute(value)
    if name is not None:
        changed = caller.owner is None or name in caller.owner.reassigned
        return not changed and not gives_batches(name, caller.module.project.knowledge)
    return isinstance(value, ast.Name) and _is_captured(value, caller)


def _is_captured(used: ast.Name, caller: FunctionInfo) -> bool:
    """Whether a name stands in a function that is nested in the caller, which binds it and not the nested one."""
    nested = [n for n in nodes_of(caller.node)[1:] if isinstance(n, _NESTED) and used in nodes_of(n)]
    inside = {node for function in nested for node in nodes_of(function)}
    return (
        bool(nested)
        and not any(_binds(node, used.id) for node in inside)
        and any(_binds(node, used.id) for node in nodes_of(caller.node))
    )


def _binds(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Name(id=bound, ctx=ast.Store()) | ast.arg(arg=bound):
            return bound == name
    return False
