"""Options: values that callers may give and that no caller in the tree gives, so that a test always has one outcome."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from transfer_lint.flow.program.callers import Callers
from transfer_lint.flow.program.defaults import UNKNOWN, Defaults
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.routines import CallSite, Routine, Routines
from transfer_lint.flow.program.step_code import is_in_test
from transfer_lint.flow.program.syntax import (
    ancestors,
    bindings,
    blocks_of,
    defaults_of,
    loops_around,
    nodes_of,
    stores_of,
)

_DEPTH = 4  # functions and attributes that hand a value on to one another
_MOST = 40  # files in which a word is looked for
_CALLED_UNNAMED = ("forward", "__call__", "__init__")
_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], object]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip


class Options:
    """What the tests of functions come to, as far as the values of parameters are known.

    defaults: take a flag to be what it is by default, unless code of the tree turns it on.
    """

    def __init__(self, callers: Callers, defaults: Defaults | None = None) -> None:
        self._callers = callers
        self._project = callers.project
        self._defaults = defaults

    def shut_out(self, module: Module, function: ast.AST, statement: ast.stmt, node: ast.AST) -> bool:
        """Whether a part of a statement never runs, unless code outside of the tree gives what no code in it gives."""
        routine = self._callers.routine(module, function)
        if routine is None:
            return False
        return self._is_skipped(routine, routine.node.body, statement) or self._is_cut_short(routine, statement, node)

    def is_off(self, module: Module, function: ast.AST, statement: ast.stmt, node: ast.AST) -> bool:
        """Whether a part of a statement runs in no round of the loops around it, or in no call of the function.

        Tests around these loops do not count: they choose what a program is there for, `if args.train:`.
        """
        routine = self._callers.routine(module, function)
        return routine is not None and self._is_off(routine, statement, node, 0)

    def _is_off(self, routine: Routine, statement: ast.stmt, node: ast.AST, depth: int) -> bool:
        loops = [loop for loop in loops_around(routine.node.body, statement) if loop is not statement]
        body = list(next(blocks_of(loops[0]))) if loops else routine.node.body
        if self._is_skipped(routine, body, statement) or self._is_cut_short(routine, statement, node):
            return True
        return not loops and depth < _DEPTH and self._is_called_off(routine, depth + 1)

    def _is_called_off(self, routine: Routine, depth: int) -> bool:
        """Whether all calls of a function are such parts. What else may call it is not known."""
        if isinstance(routine.node, ast.Module) or routine.outer is not None or routine.name in _CALLED_UNNAMED:
            return False
        paths = self._project.mentioning(routine.name, routine.module.path)
        sites: list[CallSite] = []
        for path in paths if len(paths) <= _MOST else ():
            module = self._project.module(path, routine.module.path)
            if module is None or is_in_test(module):
                continue
            file = self._callers.of_file(module)
            if file.references.get(routine.name):
                return False
            sites += file.calls.get(routine.name, ())
        return bool(sites) and all(
            self._is_off(site.routine, _statement(site.routine.node, site.node), site.node, depth) for site in sites
        )

    def _is_skipped(self, routine: Routine, body: list[ast.stmt], target: ast.stmt) -> bool:
        for statement in body:
            if statement is target:
                return False
            tested = self._outcome(routine, statement.test) if isinstance(statement, ast.If) else None
            for block in blocks_of(statement):
                if any(inner is target or _holds(inner, target) for inner in block):
                    if isinstance(statement, ast.If) and tested is (block is not statement.body):
                        return True
                    return self._is_skipped(routine, list(block), target)
            if isinstance(statement, ast.If) and tested is True and isinstance(statement.body[-1], _LEAVES):
                return True
        return False

    def _is_cut_short(self, routine: Routine, statement: ast.stmt, node: ast.AST) -> bool:
        """Whether an operand of `and` or `or` before the node ends the evaluation."""
        for around in ancestors(statement, node):
            if isinstance(around, ast.BoolOp):
                ends = isinstance(around.op, ast.Or)
                for value in around.values:
                    if value is node or _holds(value, node):
                        break
                    if self._outcome(routine, value) is ends:
                        return True
        return False

    def _outcome(self, routine: Routine, test: ast.expr) -> bool | None:
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                outcome = self._outcome(routine, inner)
                return None if outcome is None else not outcome
            case ast.BoolOp(op=op, values=values):
                ends = isinstance(op, ast.Or)
                outcomes = [self._outcome(routine, value) for value in values]
                return ends if ends in outcomes else None if None in outcomes else not ends
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
                one, two = self._value(routine, left, 0), self._value(routine, right, 0)
                if UNKNOWN in (one, two):
                    return None
                try:
                    return bool(_COMPARED[type(op)](one, two))
                except TypeError:
                    return None
        value = self._value(routine, test, 0)
        return None if value is UNKNOWN else bool(value)

    def _value(self, routine: Routine, node: ast.expr, depth: int) -> object:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.Name(id=name):
                holder = next((each for each in routine.around if name in each.parameters), None)
                if holder is None or any(isinstance(each, ast.Name) for each in stores_of(holder.node, name)):
                    return UNKNOWN
                return self._parameter(holder, name, depth)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self._attribute(routine, name, depth)
        return self._defaults.usual(node, routine.module) if self._defaults is not None else UNKNOWN

    def _attribute(self, routine: Routine, name: str, depth: int) -> object:
        """The value of an attribute that only `__init__` assigns, from a parameter."""
        owner = routine.around[-1].owner
        start = owner.methods.get("__init__") if owner is not None else None
        if owner is None or start is None or depth >= _DEPTH or self._is_set_from_outside(name, routine.module):
            return UNKNOWN
        stores = [target for target in stores_of(owner.node, name) if isinstance(target, ast.Attribute)]
        assigned = [value for target, value in bindings(start.node) if target in stores]
        made = self._callers.routine(start.module, start.node)
        value = assigned[0] if assigned else None
        if made is None or len(stores) != 1 or value is None:
            return UNKNOWN
        return self._value(made, value, depth + 1)

    def _is_set_from_outside(self, attribute: str, near: Module) -> bool:
        """Whether code that is no test assigns the attribute on anything that is not named `self`."""
        modules = [
            self._project.module(path, near.path) for path in self._project.mentioning(f".{attribute}", near.path)
        ]
        return any(
            isinstance(target, ast.Attribute) and getattr(target.value, "id", "") != "self"
            for module in modules
            if module is not None and not is_in_test(module)
            for target in stores_of(module.tree, attribute)
        )

    def _parameter(self, routine: Routine, name: str, depth: int) -> object:
        """The one value that a parameter has in all calls of the tree, its default value included."""
        if depth >= _DEPTH or isinstance(routine.node, ast.Module):
            return UNKNOWN
        known = _default(routine, name)
        is_flag = self._defaults is not None and isinstance(known, bool)
        for site, given in self._given(routine, name):
            value = UNKNOWN if given is None else self._value(site.routine, given, depth + 1)
            if is_flag and value is UNKNOWN:
                continue
            if known is UNKNOWN:
                known = value
            if value is UNKNOWN or not _alike(value, known):
                return UNKNOWN
        return known

    def _given(self, routine: Routine, name: str) -> Iterator[tuple[CallSite, ast.expr | None]]:
        """The calls that give a parameter a value, as far as it can be known which they are; None: any value.

        Of a method that is not called by its name, such as `forward` or one that is handed on as a value, any call of
        something local that gives something of that name by keyword; what it is given by position is not seen.
        """
        called = routine.owner.name if routine.owner is not None and routine.name == "__init__" else routine.name
        alike = ("__init__",) if routine.name == "__init__" else ()  # of heirs, perhaps
        place = routine.parameters.index(name) - _is_bound(routine)
        words = [called] if routine.owner is None else [routine.owner.name, name]
        paths = dict.fromkeys(p for word in words for p in self._project.mentioning(word, routine.module.path))
        if len(paths) > _MOST:
            yield from (
                (site, None) for sites in self._callers.of_file(routine.module).calls.values() for site in sites
            )
            return
        modules = [self._project.module(path, routine.module.path) for path in paths]
        files = [self._callers.of_file(each) for each in modules if each is not None and not is_in_test(each)]
        is_value = routine.name in _CALLED_UNNAMED or any(_is_handed_on(routine.name, file) for file in files)
        for file in files:
            for site in (each for sites in file.calls.values() for each in sites):
                mine = site.called in (called, *alike)
                if mine and any(isinstance(value, ast.Starred) for value in site.node.args):
                    yield site, None
                elif mine and len(site.node.args) > place:
                    yield site, site.node.args[place] if site.called == called else None
                elif mine or (routine.owner is not None and is_value and not _is_bound_above(site)):
                    yield from ((site, k.value) for k in site.node.keywords if k.arg == name)


def _statement(root: ast.AST, node: ast.AST) -> ast.stmt:
    """The innermost statement around a node."""
    return next(around for around in ancestors(root, node) if isinstance(around, ast.stmt))


def _is_handed_on(method: str, file: Routines) -> bool:
    """Whether a file names a method without calling it."""
    called = {site.node.func for site in file.calls.get(method, ())}
    named = (reference.node for reference in file.references.get(method, ()))
    return any(isinstance(node, ast.Attribute) and node not in called for node in named)


def _is_bound_above(site: CallSite) -> bool:
    """Whether what is called is a name that its module imports or defines."""
    func = site.node.func
    return isinstance(func, ast.Name) and func.id in site.routine.module.bindings


def _is_bound(routine: Routine) -> bool:
    """Whether a call does not give the first parameter: it is a method, and not a static one."""
    decorators = () if isinstance(routine.node, ast.Module) else routine.node.decorator_list
    return routine.owner is not None and not any(getattr(each, "id", "") == "staticmethod" for each in decorators)


def _default(routine: Routine, name: str) -> object:
    """The constant that a parameter is by default; `UNKNOWN` if it has none."""
    assert not isinstance(routine.node, ast.Module)
    match defaults_of(routine.node.args).get(name):
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    return UNKNOWN


def _alike(one: object, two: object) -> bool:
    return type(one) is type(two) and one == two


def _holds(outer: ast.AST, inner: ast.AST) -> bool:
    return any(node is inner for node in nodes_of(outer))
