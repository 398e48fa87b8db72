"""Liveness of local names: whether a fix may rebind a name, and what its value is used for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from transfer_lint.flow.program.modules import FunctionNode
from transfer_lint.flow.program.syntax import bindings, nodes_of, parents, spelled
from transfer_lint.flow.results.examination import Place
from transfer_lint.flow.results.sites import Site

_SEES_ALL = frozenset({"locals", "eval", "exec", "vars", "dir"})
_GIVERS = frozenset(
    {"T", "astype", "clone", "copy", "data", "detach", "double", "flatten", "float", "half", "int", "item", "long",
     "max", "mean", "min", "numpy", "permute", "reshape", "round", "squeeze", "sum", "tolist", "transpose", "unsqueeze",
     "view"}
)  # fmt: skip
"""What does nothing but give a value that is made of another one."""
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class LocalQuestions:
    """Answers about what becomes of local names."""

    def is_read_later(self, site: Site) -> bool:
        """Whether anything may read the receiver, a local name, after the statement: else to assign it has no use.

        The next round of a loop binds the loop's own variable again.
        """
        if not isinstance(site.moved, ast.Name) or site.function is None:
            return True
        name, function = site.moved.id, site.function.node
        if not _is_local(function, name) or _is_shared(function, name):
            return True
        loops = [loop for loop in _loops_around(function, site.statement) if _binds(loop, name)]
        if not loops:
            return _read_later(function, site.statement, name)
        end = (site.statement.end_lineno or 0, site.statement.end_col_offset or 0)
        innermost = max(loops, key=lambda loop: loop.lineno)
        return any(
            isinstance(node, ast.Name) and node.id == name and (node.lineno, node.col_offset) >= end
            for node in nodes_of(innermost)
        )

    def targets_loop_variable(self, site: Site) -> bool:
        """Whether a loop around the site gives it another target in every round, and the receiver stays the same."""
        if site.function is None:
            return False
        given = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
        names = {node.id for argument in given for node in nodes_of(argument) if isinstance(node, ast.Name)}
        moved = {node.id for node in nodes_of(site.moved) if isinstance(node, ast.Name)}
        loops = _loops_around(site.function.node, site.statement)
        return any(_binds(loop, name) for loop in loops for name in names) and not any(
            _binds(loop, name) for loop in loops for name in moved
        )

    def unread_name(self, place: Place) -> str | None:
        """The local name that a statement binds to what the place gives, and that nothing reads; None if there is none.

        A name that begins with `_` says that it is not wanted.
        """
        match place.statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if place.function is not None:
                function, above = place.function.node, parents(place.statement)
            case _:
                return None
        if name.startswith("_") or _is_shared(function, name) or _read_later(function, place.statement, name):
            return None
        node: ast.AST = place.node
        while node is not value:
            node = above[node]
            if not _only_gives(node):
                return None
        return name


def _only_gives(node: ast.AST) -> bool:
    """Whether an expression around a value does nothing but make another value of it."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _GIVERS
        case ast.Attribute(attr=name):
            return name in _GIVERS
    return isinstance(node, ast.Subscript | ast.BinOp | ast.UnaryOp)


def rebindable(site: Site) -> bool:
    """Whether the receiver's name can be bound to the moved value just before the statement without other effects.

    The receiver must be a local name. Either the statement itself rebinds it to the moved value, or nothing else in
    the statement reads the name and it is not live after it, nor in the next round of a loop, where the target may be
    another one. No nested scope may use the name, and nothing may look at all locals.
    """
    receiver = site.moved
    if not isinstance(receiver, ast.Name) or site.function is None or site.inline:
        return False
    name, statement, function = receiver.id, site.statement, site.function.node
    if not _is_local(function, name) or _is_shared(function, name):
        return False
    if isinstance(statement, ast.Assign) and statement.value is site.node:
        targets = [target.id if isinstance(target, ast.Name) else None for target in statement.targets]
        if name in targets and None not in targets:
            return True
    reads = [n for n in nodes_of(statement) if isinstance(n, ast.Name) and n.id == name and n is not receiver]
    if reads or _is_carried_over(function, statement, name):
        return False
    return not _read_later(function, statement, name)


def _is_carried_over(function: ast.AST, statement: ast.stmt, name: str) -> bool:
    """Whether a statement in a loop may find what the name was bound to in the round before."""
    innermost = max(_loops_around(function, statement), key=lambda loop: loop.lineno, default=None)
    if innermost is None or _binds(innermost, name):
        return False
    before = (s for s in innermost.body if s.lineno < statement.lineno and isinstance(s, ast.Assign))
    return not any(isinstance(target, ast.Name) and target.id == name for s in before for target in s.targets)


def _binds(loop: ast.stmt, name: str) -> bool:
    """Whether a `for` loop binds the name."""
    return isinstance(loop, ast.For | ast.AsyncFor) and any(
        isinstance(node, ast.Name) and node.id == name for node in nodes_of(loop.target)
    )


def is_returned(function: ast.AST, statement: ast.stmt, node: ast.expr) -> bool:
    """Whether the function returns the value of `node`: directly, or through the name that it is assigned to."""
    names = {t.id for t in getattr(statement, "targets", ()) if isinstance(t, ast.Name)}
    held = statement.value if isinstance(statement, ast.Return | ast.Assign) else None
    if held is None or not any(part is node for part in _parts(held)):
        return False
    if isinstance(statement, ast.Return):
        return True
    return any(
        isinstance(part, ast.Name) and part.id in names
        for found in nodes_of(function)
        if isinstance(found, ast.Return) and found.value is not None
        for part in _parts(found.value)
    )


_COLLECTING = frozenset({"append", "extend", "insert", "add", "put"})
_ARRAYS = frozenset({"numpy", "tolist"})


def is_wanted_there(site: Site) -> bool:
    """Whether the host may well want what the site moves to it.

    Perhaps converted, it is returned, kept in an attribute, read as an array, or given to a function that is none of
    torch; or it is moved only as an option asks: `if visualise:`, `if self.cache_on_cpu:`.
    """
    function, statement = site.function, site.statement
    if function is None:
        return False
    if isinstance(statement, ast.Assign) and any(isinstance(target, ast.Attribute) for target in statement.targets):
        return True
    around, node = parents(statement), site.node
    while isinstance(above := around.get(around.get(node, node)), ast.Call) and above.func is around[node]:
        node = above
    outer = {**parents(function.node), **around}
    held: ast.AST = site.node
    while held in outer:
        held = outer[held]
        if isinstance(held, ast.If | ast.IfExp) and _is_option(held.test):
            return True
    called = around.get(around[node]) if isinstance(around.get(node), ast.keyword) else around.get(node)
    if isinstance(called, ast.Call):
        name = site.module.dotted(called.func)
        of_torch = name.startswith("torch.") and not name.endswith("pack_padded_sequence")
        return not of_torch and getattr(called.func, "attr", "") not in _COLLECTING
    return is_returned(function.node, statement, node) or _is_read_as_array(function.node, statement, node)


def _is_read_as_array(function: ast.AST, statement: ast.stmt, node: ast.expr) -> bool:
    """Whether a value, or a name that it is assigned to, becomes an array."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ARRAYS:
        return True
    names = {target.id for target in getattr(statement, "targets", ()) if isinstance(target, ast.Name)}
    reads = (part for part in nodes_of(function) if isinstance(part, ast.Attribute) and part.attr in _ARRAYS)
    return any(isinstance(part, ast.Name) and part.id in names for read in reads for part in nodes_of(read))


def _is_option(test: ast.expr) -> bool:
    """Whether a test asks for nothing but a name or an attribute, or the opposite."""
    test = test.operand if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else test
    return isinstance(test, ast.Name | ast.Attribute)


_OF_MODULES = frozenset(
    {
        "parameters",
        "buffers",
        "eval",
        "train",
        "state_dict",
        "load_state_dict",
        "modules",
        "children",
        "named_parameters",
    }
)


def computed_on(function: ast.AST, place: ast.expr) -> int | None:
    """The line that computes the value of a name with a number, `x = y / 255.0`, as no module can be; None without."""
    name = place.id if isinstance(place, ast.Name) else None
    for target, value in bindings(function):
        match value:
            case ast.BinOp(left=left, right=right) if isinstance(target, ast.Name) and target.id == name:
                if any(
                    isinstance(side, ast.Constant) and isinstance(side.value, int | float) for side in (left, right)
                ):
                    return value.lineno
    return None


def is_used_as_module(function: ast.AST, place: ast.expr, tensor_methods: frozenset[str] | None = None) -> bool:
    """Whether the function calls the value of a name or attribute, or uses a member of it that only modules have.

    tensor_methods: if given, any method that is called and is not one of them shows it as well.
    """
    text, uses = spelled(place), _uses_in(function)
    if text in uses.called or not _OF_MODULES.isdisjoint(uses.members.get(text, ())):
        return True
    return tensor_methods is not None and not uses.methods.get(text, set()) <= tensor_methods


@dataclass(frozen=True)
class _Uses:
    """What a function does with values, by how they are spelled: calls them, reads their members, calls these."""

    called: set[str] = field(default_factory=set)
    members: dict[str, set[str]] = field(default_factory=dict)
    methods: dict[str, set[str]] = field(default_factory=dict)


def _uses_in(function: ast.AST) -> _Uses:
    """Memoised on the function."""
    known: _Uses | None = getattr(function, "_transfer_lint_uses", None)
    if known is None:
        known = _Uses()
        for node in nodes_of(function):
            match node:
                case ast.Call(func=ast.Name() | ast.Attribute() | ast.Subscript() as used):
                    known.called.add(spelled(used))
                    if isinstance(used, ast.Attribute):
                        known.methods.setdefault(spelled(used.value), set()).add(used.attr)
                case ast.Attribute(value=used, attr=name) if name in _OF_MODULES:
                    known.members.setdefault(spelled(used), set()).add(name)
        function._transfer_lint_uses = known  # type: ignore[attr-defined]
    return known


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    """The expression, and the parts of it whose values are in its result unchanged."""
    yield node
    match node:
        case ast.Tuple(elts=items) | ast.List(elts=items):
            for item in items:
                yield from _parts(item)
        case ast.Dict(values=items):
            for item in items:
                yield from _parts(item)
        case ast.IfExp():
            yield from _parts(node.body)
            yield from _parts(node.orelse)


def _is_local(function: FunctionNode, name: str) -> bool:
    """Whether the function binds the name itself. To assign a global name would make it a local that is not bound."""
    arguments = function.args
    parameters = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
    if any(argument is not None and argument.arg == name for argument in parameters):
        return True
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
        for node in nodes_of(function)
    )


def _is_shared(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    """Whether a nested scope uses the name, it is declared global or nonlocal, or `locals()` or the like sees it."""
    for node in nodes_of(function):
        if isinstance(node, ast.Global | ast.Nonlocal) and name in node.names:
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SEES_ALL:
            return True
        if isinstance(node, (*_SCOPES, *_COMPREHENSIONS)) and node is not function and _names(node, name):
            return True
    return False


def _read_later(function: ast.AST, statement: ast.stmt, name: str) -> bool:
    """Whether the name may be live after the statement.

    To be safe, only positions decide: every read further down counts, and inside a loop every read in the loop.
    """
    end = (statement.end_lineno or statement.lineno, statement.end_col_offset or 0)
    first = min((loop.lineno for loop in _loops_around(function, statement)), default=None)
    for node in nodes_of(function):
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Store):
            position = (node.lineno, node.col_offset)
            if position >= end:
                return True
            if first is not None and first <= node.lineno and not _within(node, statement):
                return True
    return False


def _loops_around(function: ast.AST, statement: ast.stmt) -> list[ast.For | ast.AsyncFor | ast.While]:
    return [
        node
        for node in nodes_of(function)
        if isinstance(node, ast.For | ast.AsyncFor | ast.While)
        and node is not statement
        and any(inner is statement for inner in nodes_of(node))
    ]


def _within(node: ast.AST, statement: ast.stmt) -> bool:
    return any(inner is node for inner in nodes_of(statement))


def _names(scope: ast.AST, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in nodes_of(scope))
