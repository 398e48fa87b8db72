"""Roles: whether the argument of a move is a device, a dtype or a tensor, by how the program writes and uses it.

A role needs only evidence. What a device is *equal to* is decided by terms alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from transfer_lint.flow.knowledge.names import DEVICE, DTYPES
from transfer_lint.flow.program.modules import FunctionInfo, FunctionNode, Import, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import nodes_of

_DEVICE_KEYWORDS = frozenset({"device", "device_map", "map_location"})
_DTYPE_KEYWORDS = frozenset({"dtype", "torch_dtype"})
_LOOKUPS = frozenset({"getenv", "get", "pop", "getattr"})
_TENSOR_ATTRIBUTES = frozenset({"shape", "ndim"})
_TENSOR_METHODS = frozenset({"size", "dim", "unsqueeze", "squeeze", "permute"})
# The kinds of nodes that `_shown` and `_collect` look at; most nodes are of another.
_SHOWING = frozenset(
    {
        ast.Attribute, ast.Subscript, ast.Assign, ast.ClassDef, ast.NamedExpr, ast.AnnAssign, ast.Compare, ast.Call,
        ast.arguments,
    }
)  # fmt: skip
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


class ArgumentRole(Enum):
    """What the argument of a move is."""

    DEVICE = "device"
    DTYPE = "dtype"
    TENSOR = "tensor"


@dataclass(frozen=True)
class Evidence:
    """A place that shows a role."""

    role: ArgumentRole
    module: Module
    node: ast.AST


_Found = dict[ArgumentRole, Evidence]


# A name in an outermost function (None: at the top level), or an attribute of anything.
_Place = tuple[str, FunctionNode | None, str]


@dataclass
class _FileEvidence:
    """The evidence in one file by place, and the pairs of places of which one is assigned to the other."""

    shown: dict[_Place, _Found] = field(default_factory=dict)
    assigned: list[tuple[_Place, _Place]] = field(default_factory=list)

    def name(self, scope: FunctionNode | None, name: str) -> Evidence | None:
        """The evidence for a name."""
        return _only(self.shown.get(("name", scope, name)))

    def attribute(self, name: str) -> Evidence | None:
        """The evidence for an attribute."""
        return _only(self.shown.get(("attribute", None, name)))

    def spread(self) -> None:
        """What is assigned to a place has the role of that place, and the other way round."""
        changed = True
        while changed:
            changed = False
            for one, other in self.assigned:
                for source, target in ((one, other), (other, one)):
                    held = self.shown.setdefault(target, {})
                    for role, evidence in self.shown.get(source, {}).items():
                        if role not in held:
                            held[role] = evidence
                            changed = True


class ArgumentRoles:
    """The roles of names and attributes in a project. The evidence of a file is collected when it is asked for."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._files: dict[Module, _FileEvidence] = {}
        self._calls: dict[Module, dict[str, list[ast.Call]]] = {}

    def of(self, module: Module, function: FunctionInfo | None, node: ast.expr) -> Evidence | None:
        """The evidence for the role of an argument; None if there is none, or for more than one role."""
        found = self.shown(module, function, node)
        if found is None and isinstance(node, ast.Name | ast.Attribute):
            return _by_words(module, node, node.id if isinstance(node, ast.Name) else node.attr)
        return found or (Evidence(ArgumentRole.DEVICE, module, node) if is_device(module, node) else None)

    def shown(self, module: Module, function: FunctionInfo | None, node: ast.expr) -> Evidence | None:
        """The evidence for the role of a name or attribute from how it is used, without the words of its name."""
        match node:
            case ast.Name(id=name):
                return self._of_name(module, function, name)
            case ast.Attribute(attr=name):
                return self._of_attribute(module, function, name)
        return None

    def _of_name(self, module: Module, function: FunctionInfo | None, name: str) -> Evidence | None:
        if function is not None:
            parameter = next((p for p in function.parameters if p.arg == name), None)
            if parameter is not None and (noted := _annotated(module, parameter)) is not None:
                return noted
            found = self._file(module).name(function.node, name)
            if found is None and parameter is not None:
                found = self._given(module, function, name)
            if found is not None or parameter is not None:
                return found
        found = self._file(module).name(None, name)
        binding = module.bindings.get(name)
        if found is None and isinstance(binding, Import) and binding.name is not None:
            source = self._project.module_for(module, binding)
            if source is not None and source is not module:
                return self._file(source).name(None, binding.name)
        return found

    def _of_attribute(self, module: Module, function: FunctionInfo | None, name: str) -> Evidence | None:
        files = [module]
        if function is not None and function.owner is not None:
            files += [base.module for base in function.owner.lineage if not isinstance(base, str)]
        for file in dict.fromkeys(files):
            found = self._file(file).attribute(name)
            if found is not None:
                return found
        return None

    def _given(self, module: Module, function: FunctionInfo, name: str) -> Evidence | None:
        """What calls of the function in its own file give for a parameter."""
        position = next(n for n, parameter in enumerate(function.parameters) if parameter.arg == name)
        position -= function.owner is not None
        for node in self._calls_of(module, function.name):
            given = next((k.value for k in node.keywords if k.arg == name), None)
            if given is None and 0 <= position < len(node.args):
                given = node.args[position]
            if given is not None and is_device(module, given):
                return Evidence(ArgumentRole.DEVICE, module, node)
        return None

    def _calls_of(self, module: Module, name: str) -> Sequence[ast.Call]:
        """The calls in a file of anything with that name."""
        if module not in self._calls:
            calls = self._calls[module] = dict[str, list[ast.Call]]()
            for node in nodes_of(module.tree):
                match node:
                    case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
                        calls.setdefault(called, []).append(node)
        return self._calls[module].get(name, ())

    def _file(self, module: Module) -> _FileEvidence:
        if module not in self._files:
            found = self._files[module] = _FileEvidence()
            inside: set[ast.AST] = set()
            for info in module.functions:
                if info.node not in inside:
                    inside.update(nodes_of(info.node))
                    _collect(module, info.node, nodes_of(info.node), found)
            _collect(module, None, tuple(n for n in nodes_of(module.tree) if n not in inside), found)
            found.spread()
        return self._files[module]


def is_device(module: Module, node: ast.expr) -> bool:
    """Whether an expression is written as a device: `"cuda"`, `f"cuda:{i}"`, `torch.device(..)`, `x.device`.

    Or it chooses between such expressions, or looks something up with such a default: `os.getenv("D", "cuda")`.
    """
    match node:
        case ast.Constant(value=str(text)):
            return DEVICE.fullmatch(text) is not None
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            return text.endswith(":") and DEVICE.fullmatch(text[:-1]) is not None
        case ast.Attribute(attr="device"):
            return True
        case ast.IfExp(body=body, orelse=orelse):
            return is_device(module, body) or is_device(module, orelse)
        case ast.BoolOp(values=values):
            return any(is_device(module, value) for value in values)
        case ast.Call(func=func, args=args):
            name = module.dotted(func)
            if name == "torch.device" or name in module.project.knowledge.devices:
                return True
            short = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            return short in _LOOKUPS and len(args) > 1 and is_device(module, args[-1])
    return False


def _is_dtype(module: Module, node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr="dtype"):
            return True
        case ast.Attribute():
            return module.dotted(node) in DTYPES
        case ast.IfExp(body=body, orelse=orelse):
            return _is_dtype(module, body) or _is_dtype(module, orelse)
    return False


def _collect(module: Module, scope: FunctionNode | None, nodes: tuple[ast.AST, ...], found: _FileEvidence) -> None:
    """Collect the evidence of some nodes of a file."""
    for node in nodes:
        if type(node) not in _SHOWING:
            continue
        for shown, role in _shown(module, node):
            place = _place(scope, shown)
            if place is not None:
                found.shown.setdefault(place, {}).setdefault(role, Evidence(role, module, node))
        match node:
            case ast.Assign(targets=[target], value=ast.Name() | ast.Attribute() as value):
                one, other = _place(scope, target), _place(scope, value)
                if one is not None and other is not None:
                    found.assigned.append((one, other))


def _place(scope: FunctionNode | None, node: ast.AST | str) -> _Place | None:
    match node:
        case ast.Name(id=name) | ast.arg(arg=name):
            return ("name", scope, name)
        case ast.Attribute(attr=name) | str(name):
            return ("attribute", None, name)
    return None


def _shown(module: Module, node: ast.AST) -> Iterator[tuple[ast.expr | ast.arg | str, ArgumentRole]]:
    """The expressions of which a node shows the role. A string stands for an attribute."""
    device, dtype = ArgumentRole.DEVICE, ArgumentRole.DTYPE
    match node:
        case ast.Attribute(value=ast.Name() | ast.Attribute() as owner, attr=attr) if attr in _TENSOR_ATTRIBUTES:
            yield owner, ArgumentRole.TENSOR
        case ast.Subscript(value=ast.Name() | ast.Attribute() as owner, slice=index) if _adds_a_dimension(index):
            yield owner, ArgumentRole.TENSOR
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if is_device(module, value):
                    yield target, device
                elif _is_dtype(module, value):
                    yield target, dtype
        case ast.ClassDef(body=body):  # its fields
            for statement in body:
                match statement:
                    case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                        if is_device(module, value):
                            yield name, device
        case ast.NamedExpr(target=target, value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
            if is_device(module, value):
                yield target, device
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            for one, other in ((left, right), (right, left)):
                # `where == "cuda"`, and `"cuda" in where`
                if is_device(module, other) and (isinstance(op, ast.Eq | ast.NotEq) or other is left):
                    yield _without_type(one), device
                elif _is_dtype(module, other) and isinstance(op, ast.Eq | ast.NotEq):
                    yield one, dtype
        case ast.Call(func=func, args=args, keywords=keywords):
            for keyword in keywords:
                if keyword.arg in _DEVICE_KEYWORDS:
                    yield keyword.value, device
                elif keyword.arg in _DTYPE_KEYWORDS:
                    yield keyword.value, dtype
            short = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            if isinstance(func, ast.Attribute) and short in _TENSOR_METHODS:
                yield func.value, ArgumentRole.TENSOR
            if short in ("device", "set_device", "cuda") and args and "torch" in module.bindings:
                yield args[0], device
            elif short == "startswith" and isinstance(func, ast.Attribute) and args and is_device(module, args[0]):
                yield func.value, device
            elif short == "add_argument":
                default = next((k.value for k in keywords if k.arg == "default"), None)
                if default is not None and is_device(module, default):
                    for option in args:
                        if isinstance(option, ast.Constant) and str(option.value).startswith("--"):
                            yield str(option.value).lstrip("-").replace("-", "_"), device
        case ast.arguments(posonlyargs=first, args=second, defaults=defaults):
            positional = [*first, *second]
            for argument, default in zip(positional[len(positional) - len(defaults) :], defaults, strict=True):
                if is_device(module, default):
                    yield argument, device


def _adds_a_dimension(index: ast.expr) -> bool:
    """Whether an index holds `None` or `...`: only tensors and arrays take it."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return any(isinstance(part, ast.Constant) and part.value in (None, ...) for part in parts)


def _without_type(node: ast.expr) -> ast.expr:
    """`d` of `d.type`."""
    return node.value if isinstance(node, ast.Attribute) and node.attr == "type" else node


def _annotated(module: Module, parameter: ast.arg) -> Evidence | None:
    """The role that the annotation of a parameter shows; a string or number can only be a device."""
    note = parameter.annotation
    text = note.value if isinstance(note, ast.Constant) and isinstance(note.value, str) else ""
    words = set(re.findall(r"\w+", text or (ast.unparse(note) if note is not None else "")))
    roles = [
        role
        for role, names in (
            (ArgumentRole.DEVICE, {"device", "Device", "str", "int", "DeviceLikeType"}),
            (ArgumentRole.DTYPE, {"dtype"}),
            (ArgumentRole.TENSOR, {"Tensor", "FloatTensor"}),
        )
        if words & names
    ]
    return Evidence(roles[0], module, parameter) if len(roles) == 1 else None


def _by_words(module: Module, node: ast.expr, name: str) -> Evidence | None:
    """The role that a name says: `AI_DEVICE`, `load_device`, `weight_dtype`."""
    words = {word.lower() for word in _WORDS.findall(name)}
    roles = [role for role in (ArgumentRole.DEVICE, ArgumentRole.DTYPE) if role.value in words]
    return Evidence(roles[0], module, node) if len(roles) == 1 else None


def _only(found: _Found | None) -> Evidence | None:
    """The evidence, if all of it shows one role."""
    return next(iter(found.values())) if found is not None and len(found) == 1 else None
