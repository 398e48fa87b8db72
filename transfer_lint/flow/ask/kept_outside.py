"""Values from outside of a function that are moved in it: they are the same at every call, and could be moved once."""

from __future__ import annotations

import ast

from transfer_lint.flow.ask.kept_tensors import CONVERSIONS, SHAPES, is_made_once
from transfer_lint.flow.program.handed_kept import handed_kept
from transfer_lint.flow.program.modules import FunctionInfo
from transfer_lint.flow.program.repetition import gives_batches
from transfer_lint.flow.program.syntax import ancestors, bindings, nodes_of, own_attribute, parents
from transfer_lint.flow.results.sites import Site


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
        captured = isinstance(array, ast.Name) and _is_captured(array.id, site)
        return captured or is_made_once(function, array)
    root = _root(site.moved, slices=owner is not None and owner.is_module)
    tensor = site.is_tensor or isinstance(site.moved, ast.Subscript)
    if not tensor and not (owner is not None and owner.is_module):  # a module moves what it has registered
        tensor = isinstance(site.moved, ast.Call) or _is_used_as_tensor(site, function)
    whole = root.value if isinstance(root, ast.Attribute) and site.is_tensor else None
    if isinstance(whole, ast.Name) and whole.id != "self" and _is_captured(whole.id, site):
        return True
    if isinstance(root, ast.Name) and root.id != "self":
        if _is_captured(root.id, site):
            return tensor
        if _is_of_module(root.id, site):
            return site.is_tensor
        values = [v for t, v in bindings(function.node) if isinstance(t, ast.Name) and t.id == root.id]
        given = isinstance(function.defaults.get(root.id), ast.Name | ast.Attribute)  # `def shown(x, mask=mask):`
        if given or (function.qualname, root.id) in handed_kept(site.module):
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
        case ast.Subscript(value=value, slice=ast.Tuple() | ast.Slice()):
            return value is held
        case ast.Attribute(value=value, attr=name):
            return value is held and (name in SHAPES or name in ("shape", "ndim", "repeat", "sum", "mean"))
    return False


def _array(site: Site) -> ast.expr | None:
    """The array that a moved tensor is made of: `a` of `torch.from_numpy(a.astype(np.float32)).float()`."""
    node = site.moved
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if site.module.dotted(node.func) == "torch.from_numpy" and node.args:
            made = node.args[0]
            while isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr in CONVERSIONS:
                made = made.func.value
            return made
        if node.func.attr not in SHAPES | CONVERSIONS:
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
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in SHAPES:
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
