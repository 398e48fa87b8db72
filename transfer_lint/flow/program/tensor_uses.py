"""Uses that show tensors: the names of a function on which it does what only tensors allow."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from transfer_lint.flow.program.documented import documented_tensors
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, Module
from transfer_lint.flow.program.syntax import bindings, nodes_of, own_attribute

TESTS = frozenset({"isinstance", "is_tensor", "hasattr"})
_OF_CONTAINERS = frozenset({"append", "extend", "get", "items", "keys", "pop", "setdefault", "update"})
ONLY_MODULES_HAVE = frozenset(
    {"eval", "train", "parameters", "named_parameters", "state_dict", "load_state_dict", "zero_grad", "modules",
     "named_modules", "buffers"}
)  # fmt: skip
"""Methods of modules (`zero_grad` of optimizers, too) that no tensor has."""


def tensor_uses(module: Module, function: ast.AST) -> Mapping[str, ast.AST]:
    """Name -> a place in a function that shows that it is a tensor. Memoised on the function."""
    knowledge = module.project.knowledge
    of, known = getattr(function, "_transfer_lint_tensors", (None, {}))
    if of is not knowledge:
        known = dict[str, ast.AST]()
        for name, node in _shown(module, function):
            known.setdefault(name, node)
        function._transfer_lint_tensors = knowledge, known  # type: ignore[attr-defined]
    found: Mapping[str, ast.AST] = known
    return found


def parameter_use(info: FunctionInfo, name: str) -> ast.AST | None:
    """A place that shows that a parameter is a tensor, a use or the docstring; None if there is none.

    Or if it may be something else there.

    So it may if the function asks what it is, or assigns to it what is not made of it.
    """
    shown = tensor_uses(info.module, info.node).get(name) or documented_tensors(info).get(name)
    if shown is None:
        return None
    for node in nodes_of(info.node):
        match node:
            case ast.Call(func=ast.Name(id=test) | ast.Attribute(attr=test), args=[ast.Name(id=asked), *_]):
                if asked == name and test in TESTS:
                    return None
    line = getattr(shown, "lineno", 0)
    for target, value in bindings(info.node):
        before = isinstance(target, ast.Name) and target.id == name and target.lineno < line
        if before and (value is None or _root(value) != name):
            return None
    return shown


def no_tensors(function: ast.AST) -> frozenset[str]:
    """The names of a function that are no tensors, whatever is said of them. Memoised on the function.

    What the function reads there no tensor has: an item under a text, or a method of containers or of modules. A name
    that the function assigns may have become a container only then.
    """
    known: frozenset[str] | None = getattr(function, "_transfer_lint_no_tensors", None)
    if known is None:
        containers, modules = set[str](), set[str]()
        for node in nodes_of(function):
            match node:
                case ast.Attribute(value=ast.Name(id=name), attr=attr) if attr in ONLY_MODULES_HAVE:
                    modules.add(name)
                case ast.Attribute(value=ast.Name(id=name), attr=attr) if attr in _OF_CONTAINERS:
                    containers.add(name)
                case ast.Subscript(
                    value=ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)), slice=ast.Constant(value=str())
                ):
                    containers.add(name)
        assigned = {target.id for target, _ in bindings(function) if isinstance(target, ast.Name)} if containers else ()
        known = frozenset(modules | containers.difference(assigned))
        function._transfer_lint_no_tensors = known  # type: ignore[attr-defined]
    return known


def attribute_use(cls: ClassInfo, name: str) -> ast.AST | None:
    """An assignment of a class that makes an attribute a tensor; None if there is none, or one may make it other."""
    found: ast.AST | None = None
    for base in cls.lineage:
        made = _assigned(base).get(name, found) if isinstance(base, ClassInfo) else found
        if made is None and found is not None:
            return None
        found = made
    return found


def _assigned(cls: ClassInfo) -> Mapping[str, ast.AST | None]:
    """Attribute of the object -> what the class assigns to it; None if that may be no tensor. Memoised on the class."""
    known: dict[str, ast.AST | None] | None = getattr(cls.node, "_transfer_lint_attributes", None)
    if known is None:
        known = {}
        value: ast.expr | None
        for node in nodes_of(cls.node):
            match node:
                case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value):
                    pass
                case ast.Call(func=ast.Attribute(attr="register_buffer"), args=[ast.Constant(str(name)), held, *_]):
                    value = held
                case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()) if name not in known:
                    value = None
                case _:
                    continue
            if value is None or not _is_of(value, name):
                known[name] = known.get(name, value) if value is not None and makes_tensor(cls.module, value) else None
        cls.node._transfer_lint_attributes = known  # type: ignore[attr-defined]
    return known


def attribute_device(cls: ClassInfo, name: str) -> ast.expr | None:
    """Where a class puts an attribute whenever it assigns it: a module-level name, or an attribute of `self`.

    None if it is a buffer, which moves with its module, or one assignment puts it elsewhere or does not say.
    """
    places = [place for base in cls.lineage if isinstance(base, ClassInfo) for place in _places(base).get(name, ())]
    known = [place for place in places if place is not None]
    alike = len({ast.unparse(place) for place in known}) == 1 and len(known) == len(places)
    return known[0] if alike else None


def _places(cls: ClassInfo) -> Mapping[str, Sequence[ast.expr | None]]:
    """Attribute of the object -> where each of its assignments in the class puts it. Memoised on the class."""
    known: dict[str, list[ast.expr | None]] | None = getattr(cls.node, "_transfer_lint_places", None)
    if known is None:
        known = {}
        for method in cls.methods.values():
            placed: dict[ast.AST, ast.expr | None] = {}  # target of an assignment that says where -> that
            for node in nodes_of(method.node):
                match node:
                    case ast.Assign(targets=[target], value=value):
                        placed[target] = _lasting(method, _device_in(method.module, value))
                    case ast.Call(func=ast.Attribute(attr="register_buffer"), args=[ast.Constant(str(name)), *_]):
                        known.setdefault(name, []).append(None)
                    case ast.Attribute(attr=name, ctx=ast.Store()) if own_attribute(node):
                        known.setdefault(name, []).append(placed.get(node))
        cls.node._transfer_lint_places = known  # type: ignore[attr-defined]
    return known


def _device_in(module: Module, value: ast.expr) -> ast.expr | None:
    """The device that the last call of an expression puts its result on."""
    if not isinstance(value, ast.Call):
        return None
    moves = isinstance(value.func, ast.Attribute) and value.func.attr == "to"
    given = next((each.value for each in value.keywords if each.arg == "device"), None)
    if moves:
        return given or (value.args[0] if value.args else None)
    return given if module.dotted(value.func) in module.project.knowledge.factories else None


def _lasting(method: FunctionInfo, device: ast.expr | None) -> ast.expr | None:
    """The same device in terms that other methods understand: for a local, the attribute that it is kept in."""
    if device is None or own_attribute(device):
        return device
    if not isinstance(device, ast.Name):
        return None
    stored = (
        node.id for node in nodes_of(method.node) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    if device.id not in {*stored, *(argument.arg for argument in method.parameters)}:
        return device if device.id in method.module.bindings else None
    kept = (
        node.targets[0]
        for node in nodes_of(method.node)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == device.id
    )
    return next((target for target in kept if own_attribute(target)), None)


def makes_tensor(module: Module, value: ast.expr) -> bool:
    """Whether an expression is a call of a function that makes tensors, perhaps with methods of it called."""
    knowledge = module.project.knowledge
    makers = (knowledge.factories, knowledge.like_factories, knowledge.from_values, knowledge.combine)
    while isinstance(value, ast.Call | ast.Subscript | ast.UnaryOp):
        if isinstance(value, ast.Call):
            name = module.dotted(value.func)
            if any(name in known for known in makers):
                return True
            if not isinstance(value.func, ast.Attribute):
                return False
            value = value.func.value
        else:
            value = value.value if isinstance(value, ast.Subscript) else value.operand
    return isinstance(value, ast.BinOp) and any(makes_tensor(module, side) for side in (value.left, value.right))


def _is_of(value: ast.expr, name: str) -> bool:
    """Whether an expression is made of `self.name` by methods, items or arithmetic."""
    while True:
        match value:
            case ast.Attribute(value=ast.Name(id="self"), attr=attr):
                return attr == name
            case ast.Call(func=ast.Attribute(value=inner)) | ast.Subscript(value=inner) | ast.BinOp(left=inner):
                value = inner
            case _:
                return False


def _shown(module: Module, function: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    knowledge = module.project.knowledge
    arrays = module.holds("numpy")
    for node in nodes_of(function):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr), args=args) if (
                attr in knowledge.tensor_distinctive or (attr == "backward" and not args)
            ):
                yield name, node
            case ast.Call(
                func=ast.Attribute() as func,
                args=[ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name), slice=ast.Tuple()), *_],
            ):
                called = module.dotted(func)
                if called in knowledge.combine or called in knowledge.tuples:
                    yield name, node
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Tuple(elts=parts)) if not arrays:
                if any(isinstance(part, ast.Slice) or getattr(part, "value", 0) in (None, ...) for part in parts):
                    yield name, node


def _root(node: ast.expr) -> str:
    """The name that a chain of methods and items begins with; "" without one."""
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=inner)) | ast.Attribute(value=inner) | ast.Subscript(value=inner):
                node = inner
            case ast.Name(id=name):
                return name
            case _:
                return ""
