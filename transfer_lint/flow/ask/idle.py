"""Which code does nothing but give a value, so that it can be left out where nothing reads that."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from transfer_codemods.actions import DeleteTransfer, Half, KeepOnDevice, MergeTransfer, ReuseTransfer
from transfer_lint.findings import Change
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.scopes import bound_in
from transfer_lint.flow.program.syntax import ancestors, is_plain, spelled
from transfer_lint.flow.results.sites import Site

_DEEPEST = 4  # how many functions that call one another are looked into
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Idle:
    """Answers for one tree. That code may raise an exception is no effect: what is left out gave a value until now."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._functions: dict[FunctionInfo, bool] = {}

    @classmethod
    def of_project(cls, project: Project) -> Idle:
        """The one of a project, which remembers what it has found out."""
        if cls not in project.memo:
            project.memo[cls] = cls(project)
        found: Idle = project.memo[cls]
        return found

    def is_idle(self, module: Module, node: ast.expr, depth: int = 0) -> bool:
        """Whether it is shown that an expression has no effect."""
        if isinstance(node, ast.Constant) or is_plain(node):
            return True
        match node:
            case ast.Call():
                return self._is_idle_call(module, node, depth)
            case ast.Attribute(value=value):
                return self.is_idle(module, value, depth)
            case ast.Subscript(value=value, slice=key):
                return self._all_idle(module, (value, key), depth)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._all_idle(module, (test, body, orelse), depth)
            case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.JoinedStr(values=parts):
                return self._all_idle(module, parts, depth)
            case ast.Compare(left=left, comparators=others):
                return self._all_idle(module, (left, *others), depth)
            case ast.BinOp(left=left, right=right):
                return self._all_idle(module, (left, right), depth)
            case ast.UnaryOp(operand=value) | ast.FormattedValue(value=value, format_spec=None):
                return self.is_idle(module, value, depth)
        return False

    def _all_idle(self, module: Module, nodes: Iterable[ast.expr], depth: int) -> bool:
        return all(self.is_idle(module, node, depth) for node in nodes)

    def _is_idle_call(self, module: Module, node: ast.Call, depth: int) -> bool:
        if not self._all_idle(module, (*node.args, *(keyword.value for keyword in node.keywords)), depth):
            return False
        known = self._project.knowledge
        name = _dotted(module, node.func)
        device, dtype = known.devices.get(name), known.dtypes.get(name)
        if name in known.idle or (device is not None and device.stable) or dtype is not None:
            return True
        if name == "builtins.next":  # of what is made for it alone
            return len(node.args) == 1 and isinstance(node.args[0], ast.Call)
        if isinstance(node.func, ast.Attribute) and self._is_query(module, node.func):
            return self.is_idle(module, node.func.value, depth)
        function = self._called(module, node.func, name)
        return function is not None and self._is_idle_function(function, depth + 1)

    def _is_query(self, module: Module, func: ast.Attribute) -> bool:
        """Whether it is a method that asks a module or a tensor something, and that no class of the tree has."""
        known = self._project.knowledge
        named = func.attr in known.module_queries or func.attr in known.tensor_host
        return named and self._project.definitions(func.attr, module.path) == 0

    def _called(self, module: Module, func: ast.expr, name: str) -> FunctionInfo | None:
        """The function of the tree, or method of the class around, that is called."""
        match func:
            case ast.Attribute(value=ast.Name(id="self"), attr=attr):
                owner = _class_around(module, func)
                method = owner.method(attr) if owner is not None else None
                return method if owner is not None and not owner.is_overridden(attr) else None
        path, colon, inner = name.rpartition(":")
        target = (module if path == module.path else self._project.module(path, module.path)) if colon else None
        found = target.binding(inner) if target is not None else None
        return found if isinstance(found, FunctionInfo) else None

    def _is_idle_function(self, function: FunctionInfo, depth: int) -> bool:
        if function not in self._functions:
            self._functions[function] = False  # while it is looked at: it may call itself
            known = self._project.knowledge.transparent_decorators
            self._functions[function] = (
                depth <= _DEEPEST
                and isinstance(function.node, ast.FunctionDef)
                and not function.is_generator
                and all(decorator in known for decorator in function.decorators)
                and self._only_computes(function.module, function.node.body, depth)
            )
        return self._functions[function]

    def _only_computes(self, module: Module, body: Iterable[ast.stmt], depth: int) -> bool:
        return all(self._is_idle_statement(module, statement, depth) for statement in body)

    def _is_idle_statement(self, module: Module, statement: ast.stmt, depth: int) -> bool:
        match statement:
            case ast.Pass() | ast.Return(value=None):
                return True
            case ast.Expr(value=value) | ast.Return(value=ast.expr() as value):
                return self.is_idle(module, value, depth)
            case (
                ast.Assign(targets=[ast.Name()], value=value)
                | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
            ):
                return self.is_idle(module, value, depth)
            case ast.If(test=test, body=body, orelse=orelse):
                return self.is_idle(module, test, depth) and self._only_computes(module, (*body, *orelse), depth)
        return False


def left_out(site: Site, action: Change | None) -> Sequence[ast.expr]:
    """The arguments of a transfer that are not evaluated any more once an action is carried out."""
    match action:
        case DeleteTransfer() | ReuseTransfer():
            return _arguments(site.node)
        case KeepOnDevice(target=target):
            return _arguments(site.node, target.device)
        case MergeTransfer(inner=inner, outer=outer) if isinstance(site.moved, ast.Call):
            device, dtype = outer.device and inner.device, outer.dtype and inner.dtype
            return [*_arguments(site.moved, device), *_arguments(site.moved, dtype)]
    return ()


def _arguments(call: ast.Call, *halves: Half | None) -> Sequence[ast.expr]:
    """The arguments of a call, or that of one half of its target."""
    every = [*call.args, *(keyword.value for keyword in call.keywords)]
    return [every[half.argument] for half in halves if half and half.argument is not None] if halves else every


def _dotted(module: Module, node: ast.expr) -> str:
    """The dotted name of a name or attributes of one, through imports; "?" for what a function binds otherwise."""
    root = node
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name):
        return "?"
    for function in ancestors(module.tree, node):
        if isinstance(function, (*_FUNCTIONS, ast.Lambda)) and root.id in (bound := bound_in(function)):
            found = bound[root.id]
            name = module.project.external_name(module, found) if found is not None else "?"
            return name + spelled(node).removeprefix(root.id)
    return module.dotted(node)


def _class_around(module: Module, node: ast.AST) -> ClassInfo | None:
    """The class whose method holds a node."""
    around = [each for each in ancestors(module.tree, node) if isinstance(each, (*_FUNCTIONS, ast.ClassDef))]
    if len(around) != 2 or not isinstance(around[1], ast.ClassDef):
        return None
    return next((each for each in module.classes.values() if each.node is around[1]), None)
