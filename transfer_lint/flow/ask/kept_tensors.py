"""Kept tensors: constants that a module keeps on the host, and tensors kept for the first device that was seen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from transfer_lint.flow.ask.caches import asks_for, kept_by
from transfer_lint.flow.ask.factories import Factories
from transfer_lint.flow.knowledge import Knowledge, Role
from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo
from transfer_lint.flow.program.syntax import (
    bindings,
    is_literal,
    nodes_of,
    own_attribute,
    path_to,
    spelled,
)
from transfer_lint.flow.results.constructions import Construction
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.terms import Known, TermKind


def is_unregistered_constant(
    function: FunctionInfo | None, node: ast.expr, factories: Factories, knowledge: Knowledge
) -> bool:
    """Whether a method of a module uses a tensor that `__init__` has made on the host and never registered.

    Nothing else assigns it, and it is made of nothing but factories and numbers: it is the same at every call.
    """
    owner = function.owner if function is not None else None
    name = own_attribute(node.value if isinstance(node, ast.Subscript) else node)
    if owner is None or name is None or function is None or function.name == "__init__":
        return False
    if not any(isinstance(base, str) and knowledge.is_module_class(base) for base in owner.lineage):
        return False
    start = owner.methods.get("__init__")
    if start is None or name in owner.reassigned or owner.is_overridden(name) or name in owner.attributes:
        return False
    values = [value for part in nodes_of(start.node) for value in _assigned(part, name)]
    return len(values) == 1 and _is_made_on_host(values[0], start, factories)


def _is_made_on_host(value: ast.expr, start: FunctionInfo, factories: Factories) -> bool:
    """Whether a tensor is made on the host by factories, and computed with numbers. start: the method that makes it.

    A local name stands for what was bound to it before, in the same block. Names beside a tensor of the host are
    numbers, or tensors of the host: torch takes no others.
    """
    match value:
        case ast.Call(func=ast.Attribute(value=inner, attr=name), args=[]) if name in SHAPES | CONVERSIONS:
            return _is_made_on_host(inner, start, factories)
        case ast.BinOp(left=left, right=right):
            sides = ((left, right), (right, left))
            if any(_is_arithmetic(other) and _is_made_on_host(made, start, factories) for made, other in sides):
                return True
        case ast.Name():
            bound = _bound_before(value, start)
            return bound is not None and _is_made_on_host(bound, start, factories)
    return factories.makes_on_host(value)


def _is_arithmetic(node: ast.expr) -> bool:
    """Whether an expression is written with names and numbers alone."""
    parts = (ast.BinOp, ast.UnaryOp, ast.Attribute, ast.Name, ast.Constant, ast.operator, ast.unaryop, ast.Load)
    return all(isinstance(part, parts) for part in ast.walk(node))


def _bound_before(name: ast.Name, function: FunctionInfo) -> ast.expr | None:
    """What the last statement before it, in the same block, assigns to a name."""
    for around in nodes_of(function.node):
        for block in filter(_is_block, (getattr(around, "body", None), getattr(around, "orelse", None))):
            at = next((i for i, s in enumerate(block) if isinstance(s, ast.Assign) and name in nodes_of(s)), 0)
            for statement in reversed(block[:at]):
                bound = [v for t, v in bindings(statement) if isinstance(t, ast.Name) and t.id == name.id]
                if bound:
                    return bound[0] if isinstance(statement, ast.Assign) else None
    return None


def _is_block(value: object) -> TypeGuard[list[ast.stmt]]:
    return isinstance(value, list)


def is_made_parameter(function: FunctionInfo | None, node: ast.expr) -> bool:
    """Whether a method of the class assigns a parameter to an attribute of `self`: `self.scale = nn.Parameter(x)`."""
    name, owner = own_attribute(node), function.owner if function is not None else None
    classes = [base for base in owner.lineage if isinstance(base, ClassInfo)] if owner is not None else []
    methods = (method.node for cls in classes for method in cls.methods.values())
    values = (value for method in methods for part in nodes_of(method) for value in _assigned(part, name or ""))
    return any(isinstance(value, ast.Call) and last_name(value.func) == "Parameter" for value in values)


def holds_only_tensors(owner: ClassInfo | None, node: ast.expr, factories: Factories) -> bool:
    """Whether `self.x` is only ever assigned what factories make, and what it is itself moved to."""
    name = own_attribute(node)
    if owner is None or name is None or owner.is_overridden(name) or name in owner.attributes:
        return False
    values = [value for part in nodes_of(owner.node) for value in _assigned(part, name)]
    made = [value for value in values if factories.makes(value)]
    return bool(made) and all(value in made or _is_move_of(value, name) for value in values)


def _is_move_of(value: ast.expr, name: str) -> bool:
    """Whether an expression is `self.x.to(...)`."""
    match value:
        case ast.Call(func=ast.Attribute(value=moved, attr="to" | "cuda" | "cpu")):
            return own_attribute(moved) == name
    return False


def _assigned(node: ast.AST, name: str) -> Iterator[ast.expr]:
    match node:
        case ast.Assign(targets=[target], value=value) if own_attribute(target) == name:
            yield value
        case ast.AnnAssign(target=target, value=ast.expr() as value) if own_attribute(target) == name:
            yield value


# Methods that make a view or a copy of a tensor, or give it another shape: what they are called on is what is moved.
SHAPES = frozenset(
    {"clone", "contiguous", "detach", "expand", "flatten", "permute", "reshape", "squeeze", "transpose", "unsqueeze",
     "view"}
)  # fmt: skip
# Methods that make a copy of an array or a tensor with other types of its elements, or with the same.
CONVERSIONS = frozenset({"astype", "copy", "double", "float", "half", "int", "long", "type"})


def is_literal_value(node: ast.expr) -> bool:
    """Whether a node is written out, and holds a value."""
    return any(isinstance(part, ast.Constant) for part in nodes_of(node)) and is_literal(node)


def is_made_of_kept(made: Construction) -> bool:
    """Whether `torch.tensor` copies an attribute of the object that `__init__` alone assigns."""
    given = made.node.args[0] if made.node.args and made.name == "torch.tensor" else None
    return given is not None and made.function is not None and is_made_once(made.function, given)


def is_made_once(function: FunctionInfo, node: ast.expr) -> bool:
    """Whether it is an attribute of `self` that `__init__` alone assigns, and whose items no method does."""
    owner, name = function.owner, own_attribute(node)
    start = owner.methods.get("__init__") if owner is not None else None
    if owner is None or start is None or name is None or start is function:
        return False
    assigned = any(True for part in nodes_of(start.node) for _ in _assigned(part, name))
    filled = any(
        isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store) and own_attribute(part.value) == name
        for part in nodes_of(owner.node)
    )
    return assigned and not filled and name not in owner.reassigned and not owner.is_overridden(name)


def refilled(site: Site) -> str | None:
    """The attribute whose items the site moves and that gets the moved ones: `self.xs = [x.to(d) for x in self.xs]`."""
    match site.statement:
        case ast.Assign(
            targets=[target],
            value=ast.ListComp(elt=moved, generators=[ast.comprehension(target=ast.Name(id=item), iter=source)]),
        ) if moved is site.node and own_attribute(target) and spelled(source) == spelled(target):
            body = site.function.node.body if site.function is not None else []
            tests = [spelled(part.test) for part in path_to(body, site.statement) if isinstance(part, ast.If)]
            asked = any("device" in test or spelled(target) in test for test in tests)
            return spelled(target) if spelled(site.moved) == item and not asked else None
    return None


def comes_from_function(site: Site) -> bool:
    """Whether what is moved is a local that only results of functions of the tree are assigned to."""
    if site.function is None or not isinstance(site.moved, ast.Name):
        return False
    name = site.moved.id
    made = [v for t, v in bindings(site.function.node) if isinstance(t, ast.Name) and t.id == name]
    return bool(made) and all(isinstance(v, ast.Call) and ":" in site.module.dotted(v.func) for v in made)


def kept_for_first_device(place: Site | Construction, device: Known | None) -> ast.expr | None:
    """What keeps a tensor for the device of the first input that is seen; None if nothing does.

    A test that does not ask for a device fills it once, on the device of a tensor that differs from call to call. It
    asks for what is kept, or for a flag that is set beside it: `if not self.placed: self.x = self.x.to(y.device)`.
    """
    function = place.function
    if function is None or device is None or device.term.kind is not TermKind.DEVICE_OF:
        return None
    symbol = device.term.symbol
    if symbol is None or (symbol.parent is not None and symbol.parent.label == "self"):
        return None
    if device.term.role is Role.HOST:  # made of values
        return None
    for statement in path_to(function.node.body, place.statement):
        if not isinstance(statement, ast.If):
            continue
        flagged = _asks_for_flag(statement)
        if not flagged and _asks_for_device(statement.test, function):
            continue
        for part in (node for inner in statement.body for node in nodes_of(inner)):
            for target in kept_by(part):
                holds = any(node is place.node for node in nodes_of(part))
                asked = flagged or asks_for(statement.test, target)
                if holds and asked and not _is_registered(function.owner, target, place.node if flagged else None):
                    return None if isinstance(target, ast.Name) else target
    return None


def _asks_for_flag(statement: ast.If) -> bool:
    """Whether a test is nothing but that of a flag of the object, which its block sets: `if not self.placed:`."""
    match statement.test:
        case ast.UnaryOp(op=ast.Not(), operand=ast.Attribute() as flag) if own_attribute(flag):
            return any(
                isinstance(part, ast.Assign)
                and isinstance(part.value, ast.Constant)
                and part.value.value is True
                and any(spelled(target) == spelled(flag) for target in part.targets)
                for part in statement.body
            )
    return False


def _asks_for_device(test: ast.expr, function: FunctionInfo) -> bool:
    """Whether a test, or the value of a name in it, speaks of a device."""
    names = {node.id for node in nodes_of(test) if isinstance(node, ast.Name)}
    told = [test]
    for node in nodes_of(function.node):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in names:
                told.append(value)
    return any("device" in spelled(part) for part in told)


def _is_registered(owner: ClassInfo | None, target: ast.expr, but: ast.AST | None) -> bool:
    """Whether the attribute is a buffer, which moves with its module, or the class moves it, save by `but`."""
    name = own_attribute(target)
    if owner is None or name is None:
        return False
    for node in nodes_of(owner.node):
        match node:
            case ast.Call(func=ast.Attribute(attr="register_buffer"), args=[ast.Constant(value=key), *_]) if (
                key == name
            ):
                return True
            case ast.Call(func=ast.Attribute(value=moved, attr="to" | "cuda" | "cpu")) if own_attribute(moved) == name:
                if node is not but:
                    return True
    return False
