"""Lists of numbers: what a function uses that is, by the way it is written, a list of Python numbers."""

from __future__ import annotations

import ast

from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.syntax import nodes_of

_LISTS = frozenset({"list", "List", "Sequence"})
_DEPTH = 4  # names that stand for one another


def lists_numbers(module: Module, function: FunctionInfo, node: ast.expr, depth: int = _DEPTH) -> bool:
    """Whether an expression is a list of numbers, or a slice of one, by its display or an annotation.

    Of a name, all that the function assigns to it, and what a loop binds it to, must be.
    """
    match node:
        case ast.List(elts=items):
            return bool(items) and all(_is_number(module, item) for item in items)
        case ast.ListComp(elt=item, generators=[ast.comprehension(iter=source)]):
            return _is_number(module, item) or (isinstance(item, ast.Name) and _is_range(module, source))
        case ast.Call(func=ast.Name(id="list" | "sorted"), args=[source]):
            return _is_range(module, source) or lists_numbers(module, function, source, depth)
        case ast.Subscript(value=inner, slice=ast.Slice()):
            return lists_numbers(module, function, inner, depth)
        case ast.Name(id=name) if depth:
            given = next((argument for argument in function.parameters if argument.arg == name), None)
            if given is not None and not (given.annotation is not None and _is_of_numbers(module, given.annotation)):
                return False
            found = [
                _binds_list(module, function, part, name, depth)
                for part in nodes_of(function.node)
                if isinstance(part, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.NamedExpr | ast.withitem)
                if any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in _bound(part))
            ]
            return all(found) and (bool(found) or given is not None)
    return False


def _bound(part: ast.AST) -> list[ast.AST]:
    """The nodes of what a statement binds."""
    match part:
        case ast.Assign(targets=targets):
            return [node for target in targets for node in nodes_of(target)]
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target) | ast.NamedExpr(target=target):
            return list(nodes_of(target))
        case ast.For(target=target) | ast.withitem(optional_vars=ast.expr() as target):
            return list(nodes_of(target))
    return []


def _binds_list(module: Module, function: FunctionInfo, part: ast.AST, name: str, depth: int) -> bool:
    """Whether what a statement binds a name to is a list of numbers; of a loop, an item of a list of such lists."""
    match part:
        case ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value):
            return lists_numbers(module, function, value, depth - 1)
        case ast.For(target=ast.Name(), iter=ast.Name(id=source)):
            held = [
                value
                for node in nodes_of(function.node)
                for value in ([node.value] if isinstance(node, ast.Assign) else [])
                if any(isinstance(target, ast.Name) and target.id == source for target in node.targets)
            ]
            inner = [value.elt if isinstance(value, ast.ListComp) else value for value in held]
            return bool(inner) and all(isinstance(v, ast.List) and lists_numbers(module, function, v, 0) for v in inner)
    return False


def _is_number(module: Module, node: ast.expr) -> bool:
    match node:
        case ast.Starred(value=source):
            return _is_range(module, source)
        case ast.UnaryOp(operand=ast.Constant(value=int())) | ast.Constant(value=int()):
            return True
        case ast.Call(func=ast.Name(id="int" | "len")):
            return True
    return False


def _is_range(module: Module, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and module.dotted(node.func) == "builtins.range"


def _is_of_numbers(module: Module, note: ast.expr) -> bool:
    """Whether an annotation is `list[int]` or the like."""
    match note:
        case ast.Subscript(value=kind, slice=ast.Name(id="int")):
            return module.dotted(kind).rpartition(".")[2] in _LISTS
    return False
