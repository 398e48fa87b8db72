"""Lists of numbers: what a function uses that is, by the way it is written, a list of Python numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from transfer_lint.flow.program.kept_values import kept_values
from transfer_lint.flow.program.modules import FunctionInfo, Module
from transfer_lint.flow.program.syntax import bindings, nodes_of, spelled
from transfer_lint.flow.program.tensor_uses import parameter_use

_LISTS = frozenset({"list", "List", "Sequence"})
_PICKS = frozenset({"random.sample", "random.choices"})
_DEPTH = 4  # names that stand for one another


def lists_numbers(module: Module, function: FunctionInfo, node: ast.expr, depth: int = _DEPTH) -> bool:
    """Whether an expression is a list of numbers, or a slice of one, by its display or an annotation.

    Of a name, all that the function binds it to must be.
    """
    match node:
        case ast.List(elts=items):
            return bool(items) and all(_is_number(module, item) or _names_number(function, item) for item in items)
        case ast.ListComp(elt=item, generators=[ast.comprehension(target=target, iter=source)]):
            counted = _counted(module, target, source)
            return (
                _is_number(module, item)
                or _is_looked_up(module, item)
                or (counted is not None and spelled(item) == counted)
            )
        case ast.Call(func=ast.Name(id="list" | "sorted"), args=[source]):
            return _is_range(module, source) or lists_numbers(module, function, source, depth)
        case ast.Subscript(value=inner, slice=ast.Slice()):
            return lists_numbers(module, function, inner, depth)
        case ast.Call(func=func, args=[source, *_]) if module.dotted(func) in _PICKS:  # they give lists, of some items
            return _is_range(module, source) or lists_numbers(module, function, source, depth)
        case (
            ast.BinOp(left=ast.List() as repeated, op=ast.Mult())
            | ast.BinOp(right=ast.List() as repeated, op=ast.Mult())
        ):
            return lists_numbers(module, function, repeated, depth)
        case ast.BinOp(left=left, op=ast.Add(), right=right):  # what is added to a list is one
            return any(lists_numbers(module, function, side, depth) for side in (left, right))
        case ast.Name(id=name) if depth:
            return _is_list(module, function, name, depth - 1)
        case ast.Subscript(value=ast.Name() as whole) if depth:
            held = list(_assigned(function, whole.id))
            return bool(held) and all(
                isinstance(each, ast.ListComp) and lists_numbers(module, function, each.elt, depth - 1) for each in held
            )
        case ast.Attribute(value=ast.Name(id="self")) if function.owner is not None and depth:
            held = kept_values(function.owner, node.attr)
            start = function.owner.methods.get("__init__")
            return bool(held) and start is not None and all(lists_numbers(module, start, v, depth - 1) for v in held)
    return False


def _is_list(module: Module, function: FunctionInfo, name: str, depth: int) -> bool:
    """Whether all that a function binds a name to are lists of numbers. Memoised on the function."""
    known: dict[str, bool] | None = getattr(function.node, "_transfer_lint_number_lists", None)
    if known is None:
        known = {}
        function.node._transfer_lint_number_lists = known  # type: ignore[union-attr]
    if name not in known:
        known[name] = True  # what is made of itself, `x = x[1:]`, is what it was
        given = next((argument for argument in function.parameters if argument.arg == name), None)
        noted = given is not None and given.annotation is not None and _is_of_numbers(module, given.annotation)
        noted = noted and _is_used_as_list(function, name)  # annotations alone are often wrong
        bound = list(_bound(module, function, name, depth))
        stores = (n for n in nodes_of(function.node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load))
        bound += [True for value in _assigned(function, name) if bound and _is_given(function, value)]
        followed = len(bound) == sum(store.id == name for store in stores)
        known[name] = followed and all(bound) and (noted if given is not None else bool(bound))
    return known[name]


def _bound(module: Module, function: FunctionInfo, name: str, depth: int) -> Iterator[bool]:
    """Whether each of the things that assignments and loops bind a name to is a list of numbers."""
    for node in nodes_of(function.node):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=target)], value=value)
                | ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value)
            ) if target == name:
                if not _is_given(function, value):  # what else it is says what that is
                    yield lists_numbers(module, function, value, depth)
            case ast.For(target=ast.Name(id=target), iter=ast.Name(id=source)) if target == name:
                lists = [item for held in _assigned(function, source) for item in _items(held)]
                yield bool(lists) and all(lists_numbers(module, function, held, depth) for held in lists)


def _is_given(function: FunctionInfo, value: ast.expr) -> bool:
    """Whether a value is a parameter that need not be given, of which nothing else is said."""
    argument = next((a for a in function.parameters if isinstance(value, ast.Name) and a.arg == value.id), None)
    default = function.defaults.get(argument.arg) if argument is not None else None
    if argument is None or argument.annotation is not None or parameter_use(function, argument.arg) is not None:
        return False
    return isinstance(default, ast.Constant) and default.value is None


def _assigned(function: FunctionInfo, name: str) -> Iterator[ast.expr]:
    for node in nodes_of(function.node):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield value


def _items(node: ast.expr) -> list[ast.expr]:
    """What the items of a list are made of."""
    match node:
        case ast.List(elts=items):
            return items
        case ast.ListComp(elt=item):
            return [item]
    return [node]


def _is_number(module: Module, node: ast.expr) -> bool:
    match node:
        case ast.Starred(value=source):
            return _is_range(module, source)
        case ast.UnaryOp(operand=ast.Constant(value=int())) | ast.Constant(value=int()):
            return True
        case ast.Call(func=ast.Name(id="int" | "len") | ast.Attribute(attr="index" | "count")):
            return True
    return False


def _is_looked_up(module: Module, node: ast.expr) -> bool:
    """Whether it is an item of a table of the module, or of another one: `JOINTS[name]`, `config.JOINTS[name]`."""
    match node:
        case ast.Subscript(value=ast.Name(id=table), slice=key) if not isinstance(key, ast.Slice | ast.Tuple):
            return table in module.bindings
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id=owner)), slice=key):
            return owner in module.bindings and not isinstance(key, ast.Slice | ast.Tuple)
    return False


def _names_number(function: FunctionInfo, node: ast.expr) -> bool:
    """Whether a name stands for whole numbers that are written out: `left, right = 7, 8`."""
    values = [value for name, value in _single(function) if isinstance(node, ast.Name) and name == node.id]
    return bool(values) and all(isinstance(v, ast.Constant) and isinstance(v.value, int) for v in values)


def _single(function: FunctionInfo) -> Iterator[tuple[str, ast.expr | None]]:
    """What a function binds to each of its names; of several at once, each to its own."""
    for node in nodes_of(function.node):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
                yield from ((spelled(name), value) for name, value in zip(names, values, strict=True))
    for target, value in bindings(function.node):
        if isinstance(target, ast.Name) and not isinstance(value, ast.Tuple):
            yield target.id, value


def _counted(module: Module, target: ast.expr, source: ast.expr) -> str | None:
    """The name that counts the rounds of a comprehension: `i` of `for i in range(n)`, `for i, x in enumerate(xs)`."""
    if _is_range(module, source):
        return spelled(target)
    match source, target:
        case ast.Call(func=func), ast.Tuple(elts=[ast.Name(id=name), _]):
            return name if module.dotted(func) == "builtins.enumerate" else None
    return None


def _is_range(module: Module, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and module.dotted(node.func) == "builtins.range"


def _is_used_as_list(function: FunctionInfo, name: str) -> bool:
    """Whether a function asks for the length of a name, or calls a method on it that only lists have."""
    for node in nodes_of(function.node):
        match node:
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=used)]) if used == name:
                return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id=used), attr="append" | "extend" | "pop" | "index")) if (
                used == name
            ):
                return True
    return False


def _is_of_numbers(module: Module, note: ast.expr) -> bool:
    """Whether an annotation is `list[int]` or the like."""
    match note:
        case ast.Subscript(value=kind, slice=ast.Name(id="int")):
            return module.dotted(kind).rpartition(".")[2] in _LISTS
    return False


def takes_numbers_only(call: ast.Call, function: FunctionInfo) -> bool:
    """Whether a call is given nothing but constants, and parameters of the function that are numbers by default."""
    defaults = ((name, getattr(value, "value", None)) for name, value in function.defaults.items())
    numbers = {name for name, value in defaults if isinstance(value, int | float)}
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(isinstance(value, ast.Constant) or getattr(value, "id", None) in numbers for value in given)
