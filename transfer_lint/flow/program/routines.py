"""Routines: the functions of a file, nested ones too, with what they call and hand over, and how often."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from transfer_lint.flow.program.file_facts import FileFacts
from transfer_lint.flow.program.idioms import iterated
from transfer_lint.flow.program.modules import ClassInfo, FunctionNode, Module
from transfer_lint.flow.program.rates import HERE, OVER_STEPS, Change, Path
from transfer_lint.flow.program.repetition import Comprehension, Repetition
from transfer_lint.flow.program.syntax import bindings, children, nodes_of, spelled
from transfer_lint.flow.program.throttles import Throttles

_HOLDERS = (ast.Call, ast.Assign, ast.Return, ast.Tuple)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
_CHOICES = (ast.IfExp, ast.BoolOp)
_LISTS = (ast.Dict, ast.List, ast.Tuple)
_BOUND = (ast.Assign, ast.Return)


@dataclass(eq=False)
class Routine:
    """A function, or the top level of a module (node: its tree).

    outer: the routine that it is defined in, if it is nested. owner: its class.
    at: how often the definition runs, in the outer routine.
    changes: statement or comprehension -> how often it runs, in this routine.
    """

    module: Module
    node: FunctionNode | ast.Module
    owner: ClassInfo | None = None
    outer: Routine | None = None
    at: Path = HERE
    changes: dict[ast.AST, Path] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The function's name; "" for the top level."""
        return self.node.name if not isinstance(self.node, ast.Module) else ""

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters, those by position first."""
        if isinstance(self.node, ast.Module):
            return ()
        arguments = self.node.args
        return tuple(a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))

    def parameter(self, call: ast.Call, key: str) -> str | None:
        """The parameter that an argument of a call is bound to, by position or keyword; None if it is not known."""
        if not key.isdigit():
            return key if key in self.parameters else None
        number = int(key) + (self.owner is not None and isinstance(call.func, ast.Attribute))
        return self.parameters[number] if number < len(self.parameters) else None

    @cached_property
    def _over_steps(self) -> frozenset[ast.AST] | None:
        """The loops that are, or hold, a loop over steps; None if there is none. Not those of nested functions."""
        found = [path.loops for path in set(self.changes.values()) if not OVER_STEPS.isdisjoint(path.changes)]
        return frozenset(loop for loops in found for loop in loops) if found else None

    @property
    def loops_over_steps(self) -> bool:
        """Whether it has a loop over steps, not counting those of nested functions."""
        return self._over_steps is not None

    def is_beside_steps(self, path: Path) -> bool:
        """Whether a place is outside of a loop over steps that the routine has, as are all loops around the place."""
        if not OVER_STEPS.isdisjoint(path.changes) or self._over_steps is None:
            return False
        return self._over_steps.issuperset(path.loops)

    @cached_property
    def is_generator(self) -> bool:
        """Whether its loops run while the caller goes over what it yields."""
        return not isinstance(self.node, ast.Module) and any(isinstance(n, ast.Yield) for n in nodes_of(self.node))

    @property
    def around(self) -> list[Routine]:
        """The routine itself, and those that it is nested in."""
        found = [self]
        while found[-1].outer is not None:
            found.append(found[-1].outer)
        return found


@dataclass(slots=True, eq=False)  # never changed; not `frozen`, as there are many, and that is slow to make
class CallSite:
    """A call in a routine, and how often it runs there.

    called: see `called_name`.
    """

    routine: Routine
    node: ast.Call
    path: Path
    called: str


@dataclass(slots=True, eq=False)  # as above
class Reference:
    """A function that is named without being called.

    node: the name or attribute, also of a call whose result is meant.
    held_by: the call that it is an argument of, the assignment, the `return`, or the tuple of which it is the last of
        three items.
    key: the number or keyword of the argument; "[]" for an item of the list or dictionary that is assigned.
    """

    routine: Routine
    node: ast.expr
    path: Path
    held_by: ast.AST
    key: str = ""


class Routines:
    """The routines of a file, their calls by the called name, and the references to functions by name.

    A reference to "f()" is one to what `f` returns.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.all: dict[ast.AST, Routine] = {}
        self.calls: dict[str, list[CallSite]] = {}
        self.references: dict[str, list[Reference]] = {}
        self.rounds: dict[ast.Call, Path] = {}  # what a loop goes over -> how often its rounds run
        self.facts = FileFacts(module)
        self.layers: frozenset[object] | None = None  # classes that models have many of; filled by `Callers`
        self.top = self._add(Routine(module, module.tree))

    @cached_property
    def instances(self) -> dict[str, set[str]]:
        """The last part of a called name -> the names and attributes that get what it returns."""
        found: dict[str, set[str]] = {}
        for target, value in bindings(self.module.tree):
            if isinstance(value, ast.Call) and isinstance(target, ast.Name | ast.Attribute):
                found.setdefault(called_name(value.func), set()).add(spelled(target))
        return found

    def _add(self, routine: Routine) -> Routine:
        self.all[routine.node] = routine
        _Walk(self, routine).block(routine.node.body, HERE, None)
        return routine

    def nested(self, outer: Routine) -> list[Routine]:
        """The routines that are defined in a routine."""
        return [routine for routine in self.all.values() if routine.outer is outer]

    def define(self, node: FunctionNode, owner: ClassInfo | None, outer: Routine, at: Path) -> None:
        """Add a function that is defined in a routine."""
        nested = None if isinstance(outer.node, ast.Module) else outer
        self._add(Routine(self.module, node, owner, nested, at))


class _Walk:
    """One pass over the body of a routine."""

    def __init__(self, found: Routines, routine: Routine) -> None:
        self._found = found
        self._routine = routine
        self._repetition = Repetition(found.facts, routine.node, routine.owner)
        self._throttles = Throttles(found.module, routine.node.body, routine.parameters)

    def block(self, body: Sequence[ast.stmt], path: Path, loop: tuple[str, ...] | None) -> None:
        """Statements that run one after another.

        loop: the names that the innermost loop binds; None outside of loops.
        """
        for number, statement in enumerate(body, 1):
            self._statement(statement, path, loop)
            if isinstance(statement, ast.If) and self._throttles.ends(statement, body[number:], loop):
                path = path.into(Change.RARELY)

    def _statement(self, node: ast.stmt, path: Path, loop: tuple[str, ...] | None) -> None:
        self._routine.changes[node] = path
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for part in (*node.decorator_list, *node.args.defaults):
                    self._expression(part, path, node)
                self._found.define(node, None, self._routine, path)
            case ast.ClassDef():
                self._class(node, path)
            case ast.For() | ast.AsyncFor():
                self._expression(node.iter, path, node)
                inside = path.then(node, partial(self._repetition.loop, node))
                if isinstance(root := iterated(node.iter), ast.Call):
                    self._found.rounds[root] = inside
                names = tuple(part.id for part in ast.walk(node.target) if isinstance(part, ast.Name))
                self.block(node.body, inside, names)
                self.block(node.orelse, path, loop)
            case ast.While():
                inside = path.then(node, partial(self._repetition.loop, node))
                self._routine.changes[node] = inside
                self._expression(node.test, inside, node)
                self.block(node.body, inside, ())
                self.block(node.orelse, path, loop)
            case ast.If():
                self._expression(node.test, path, node)
                body, other = self._throttles.of(node, loop)
                ending = loop is not None and isinstance(node.body[-1], ast.Break)
                self.block(
                    node.body, path.out_of_loop().into(body or Change.UNSURE) if ending else path.into(body), loop
                )
                self.block(node.orelse, path.into(other), loop)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._expression(item.context_expr, path, node)
                self.block(node.body, path, loop)
            case ast.Try():
                self.block(node.body, path, loop)
                for handler in node.handlers:
                    self.block(handler.body, path, loop)
                self.block(node.orelse, path, loop)
                self.block(node.finalbody, path, loop)
            case ast.Match():
                self._expression(node.subject, path, node)
                for case in node.cases:
                    self.block(case.body, path, loop)
            case _:
                self._plain(node, path)

    def _plain(self, node: ast.stmt, path: Path) -> None:
        if isinstance(node, ast.Assign):
            self._throttles.assigned(node)
        for child in children(node):
            if isinstance(child, ast.expr):
                self._expression(child, path, node)

    def _class(self, node: ast.ClassDef, path: Path) -> None:
        at_top = isinstance(self._routine.node, ast.Module)
        owner = self._found.module.classes.get(node.name) if at_top else None
        if owner is not None and owner.node is not node:
            owner = None
        for item in node.body:
            if isinstance(item, _FUNCTIONS):
                self._found.define(item, owner, self._routine, path)
            elif not isinstance(item, ast.ClassDef):
                self._statement(item, path, None)

    def _expression(self, node: ast.AST, path: Path, parent: ast.AST, key: str = "") -> None:
        if isinstance(node, ast.Name):
            self._refer(node.id, node, path, parent, key)
        elif isinstance(node, ast.Attribute):
            self._refer(node.attr, node, path, parent, key)
            if not isinstance(node.value, ast.Name):
                self._expression(node.value, path, node)
        elif isinstance(node, ast.Call):
            bound = _bound(node)
            if bound is not None:
                self._expression(bound, path, parent, key)
            else:
                self._refer(f"{called_name(node.func)}()", node.func, path, parent, key)
            self._call(node, path)
        elif isinstance(node, ast.Lambda) and isinstance(node.body, ast.Call):  # `lambda *args: f(*args)` is `f`
            self._refer(called_name(node.body.func), node.body.func, path, parent, key)
            self._call(node.body, path)
        elif isinstance(node, _COMPREHENSIONS):
            self._comprehension(node, path)
        elif not isinstance(node, ast.Constant):
            self._parts(node, path, parent, key)

    def _parts(self, node: ast.AST, path: Path, parent: ast.AST, key: str) -> None:
        joined = isinstance(node, ast.BinOp) and isinstance(parent, _BOUND)  # perhaps `functions + [mine]`
        if joined or isinstance(node, _CHOICES):  # one of them is what is held
            perhaps = isinstance(node, ast.IfExp) and self._throttles.is_for_training(node.test)
            for child in children(node):
                self._expression(child, path.into(Change.UNSURE) if perhaps else path, parent, key)
            return
        listed = isinstance(node, _LISTS) and isinstance(parent, _BOUND)
        if isinstance(node, ast.Tuple) and len(node.elts) == 3:  # perhaps `(module, "function", mine)`, a patch
            self._expression(node.elts[2], path, node)
        for child in children(node):
            if isinstance(child, ast.expr):
                self._expression(child, path, parent if listed else node, "[]" if listed else "")

    def _call(self, node: ast.Call, path: Path) -> None:
        func = node.func
        called = called_name(func)
        if called:
            self._found.calls.setdefault(called, []).append(CallSite(self._routine, node, path, called))
        if not isinstance(func, ast.Name):
            self._expression(func.value if isinstance(func, ast.Attribute) else func, path, func)
        for number, argument in enumerate(node.args):
            self._expression(argument, path, node, str(number))
        for keyword in node.keywords:
            self._expression(keyword.value, path, node, keyword.arg or "")

    def _comprehension(self, node: Comprehension, path: Path) -> None:
        first = node.generators[0]
        self._expression(first.iter, path, node)
        inside = path.then(node, partial(self._repetition.comprehension, node))
        self._routine.changes[node] = inside
        for generator in node.generators:
            if generator is not first:
                self._expression(generator.iter, inside, node)
            for test in generator.ifs:
                self._expression(test, inside, node)
        for made in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self._expression(made, inside, node)

    def _refer(self, name: str, node: ast.expr, path: Path, parent: ast.AST, key: str) -> None:
        if isinstance(parent, _HOLDERS):
            self._found.references.setdefault(name, []).append(Reference(self._routine, node, path, parent, key))


def _bound(node: ast.Call) -> ast.expr | None:
    """`f` of `types.MethodType(f, x)`, `functools.partial(f, ..)` and `f.__get__(x)`; else None."""
    func = node.func
    if isinstance(func, ast.Attribute) and func.attr == "__get__":
        return func.value
    return node.args[0] if node.args and called_name(func) in ("MethodType", "partial") else None


def called_name(node: ast.AST) -> str:
    """The last part of a name: `f` of `x.f`; "x[]" for an item of `x`, "f()" for what `f` returns; else ""."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value) if name := called_name(value):
            return f"{name}[]"
        case ast.Call(func=ast.Attribute(value=value, attr="get")) if name := called_name(value):
            return f"{name}[]"
        case ast.Call(func=func) if name := called_name(func):
            return f"{name}()"
    return ""
