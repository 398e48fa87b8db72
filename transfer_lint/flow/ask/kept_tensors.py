"""Kept tensors: constants that a module keeps on the host, and tensors kept for the first device that was seen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from transfer_lint.flow.ask.caches import asks_for, kept_by
from transfer_lint.flow.ask.factories import Factories
from transfer_lint.flow.knowledge import Knowledge, Role
from transfer_lint.flow.program.handed_kept import handed_kept
from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo
from transfer_lint.flow.program.repetition import gives_batches
from transfer_lint.flow.program.syntax import (
    ancestors,
    bindings,
    is_literal,
    nodes_of,
    own_attribute,
    parents,
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
        case ast.Call(func=ast.Attribute(value=inner, attr=name), args=[]) if name in _SHAPES | _CONVERSIONS:
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
_SHAPES = frozenset(
    {"clone", "contiguous", "detach", "expand", "flatten", "permute", "reshape", "squeeze", "transpose", "unsqueeze",
     "view"}
)  # fmt: skip
# Methods that make a copy of an array or a tensor with other types of its elements, or with the same.
_CONVERSIONS = frozenset({"astype", "copy", "double", "float", "half", "int", "long", "type"})


def is_kept_outside(site: Site) -> bool:
    """Whether what is moved comes from outside of the function: from an attribute, the module, or a function around it.

    So it is the same at every call, unless somebody changes it. A local name stands for what it is unpacked from. The
    function must not assign it, nor keep the moved copy in its place.
    """
    function = site.function
    if function is None or function.name == "__init__":
        return False
    owner = function.owner
    array = _array(site)
    if array is not None:
        return _is_made_once(function, array)
    root = _root(site.moved, slices=owner is not None and owner.is_module)
    tensor = site.is_tensor or isinstance(site.moved, ast.Subscript)
    if not tensor and not (owner is not None and owner.is_module):  # a module moves what it has registered
        tensor = _is_used_as_tensor(site, function)
    whole = root.value if isinstance(root, ast.Attribute) and site.is_tensor else None
    if isinstance(whole, ast.Name) and whole.id != "self" and _is_captured(whole.id, site):
        return True
    if isinstance(root, ast.Name) and root.id != "self":
        if _is_captured(root.id, site):
            return tensor
        if _is_of_module(root.id, site):
            return site.is_tensor
        values = [v for t, v in bindings(function.node) if isinstance(t, ast.Name) and t.id == root.id]
        if (function.qualname, root.id) in handed_kept(site.module):
            return tensor and all(value is None or site.node in nodes_of(value) for value in values)
        first = values[0] if values else None
        if first is None or not all(value is first or site.node in nodes_of(value) for value in values if value):
            return False
        root = _root(first, slices=False)
    attribute = root
    while isinstance(attribute, ast.Attribute) and isinstance(attribute.value, ast.Attribute):
        attribute = attribute.value
    name = own_attribute(attribute) if isinstance(attribute, ast.expr) else None
    if name is None or name in function.assigned or gives_batches(name, site.module.project.knowledge):
        return False  # a loader gives another batch each time
    return tensor


def _is_used_as_tensor(site: Site, function: FunctionInfo) -> bool:
    """Whether the moved copy, which is no array, is used as neither modules nor containers can be."""
    copies: list[ast.expr]
    match site.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is site.node:
            copies = [n for n in nodes_of(function.node) if isinstance(n, ast.Name) and n.id == name]
        case _:
            copies = [site.node]
    return any(_is_operand_or_shaped(parents(function.node).get(copy), copy) for copy in copies)


def _is_operand_or_shaped(holder: ast.AST | None, held: ast.expr) -> bool:
    """Whether an expression is an operand, or is asked for its shape or given another one."""
    match holder:
        case ast.BinOp() | ast.UnaryOp(op=ast.USub() | ast.Invert()):
            return True
        case ast.Compare(ops=[ast.Eq() | ast.NotEq() | ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()]):
            return True
        case ast.Attribute(value=value, attr=name):
            return value is held and (name in _SHAPES or name in ("shape", "ndim", "repeat", "sum", "mean"))
    return False


def _array(site: Site) -> ast.expr | None:
    """The array that a moved tensor is made of: `a` of `torch.from_numpy(a.astype(np.float32)).float()`."""
    node = site.moved
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if site.module.dotted(node.func) == "torch.from_numpy" and node.args:
            made = node.args[0]
            while (
                isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr in _CONVERSIONS
            ):
                made = made.func.value
            return made
        if node.func.attr not in _SHAPES | _CONVERSIONS:
            return None
        node = node.func.value
    return None


def _root(node: ast.expr, *, slices: bool) -> ast.expr:
    """The name or attribute of which a value is a part, or another shape. slices: those are parts, too."""
    while True:
        match node:
            case ast.Subscript(value=inner, slice=ast.Constant()):
                node = inner
            case ast.Subscript(value=inner, slice=ast.Slice()) if slices:
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in _SHAPES:
                node = inner
            case _:
                return node


def _is_captured(name: str, site: Site) -> bool:
    """Whether a name in a nested function or a lambda is bound in the function around it, not in the module."""
    function = site.function
    assert function is not None
    lambdas = [node for node in ancestors(site.statement, site.node) if isinstance(node, ast.Lambda)]
    if lambdas:
        return not any(argument.arg == name for node in lambdas for argument in node.args.args)
    bound = any(
        isinstance(n, ast.Name) and n.id == name and not isinstance(n.ctx, ast.Load) for n in nodes_of(function.node)
    )
    given = any(isinstance(n, ast.arg) and n.arg == name for n in nodes_of(function.node))
    return not (bound or given or name in site.module.bindings)


def _is_of_module(name: str, site: Site) -> bool:
    """Whether a name is bound at the top of the module, and not in the function."""
    function = site.function
    assert function is not None
    stored = (n for n in nodes_of(function.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    local = any(n.id == name for n in stored)
    given = any(isinstance(n, ast.arg) and n.arg == name for n in nodes_of(function.node))
    return name in site.module.bindings and not local and not given


def is_literal_value(node: ast.expr) -> bool:
    """Whether a node is written out, and holds a value."""
    return any(isinstance(part, ast.Constant) for part in nodes_of(node)) and is_literal(node)


def is_made_of_kept(made: Construction) -> bool:
    """Whether `torch.tensor` copies an attribute of the object that `__init__` alone assigns."""
    given = made.node.args[0] if made.node.args and made.name == "torch.tensor" else None
    return given is not None and made.function is not None and _is_made_once(made.function, given)


def _is_made_once(function: FunctionInfo, node: ast.expr) -> bool:
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
