"""The statement `x.to(d)` becomes `x = x.to(d)`."""

from __future__ import annotations

import libcst as cst

from .site import Site
from .syntax import Refused, children, source


def assign_result(site: Site) -> cst.BaseExpression:
    """The call, unchanged. Raises Refused.

    The draft records that its statement assigns the result to the receiver: a name, an attribute, or an item with a
    constant key.
    """
    statement, receiver = site.place.parent, site.receiver
    if not isinstance(statement, cst.Expr):
        raise Refused("The call is not a statement of its own, so something may take its result.")
    root = _root(receiver)
    if root is None:
        raise Refused(
            "The receiver is neither a name nor an attribute or item of one, so nothing can be assigned to it."
        )
    if isinstance(receiver, cst.Name):
        _demand_own(site, receiver.value)
    target = cst.parse_expression(source(receiver.with_changes(lpar=[], rpar=[])))
    assert isinstance(target, (cst.Name, cst.Attribute, cst.Subscript))
    site.draft.assigned[statement] = target
    return site.call


def _root(node: cst.BaseExpression) -> str | None:
    """`x` of `x`, `x.a` and `x["k"]`, at any depth; None if a second evaluation could do more than read."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        return _root(node.value)
    if isinstance(node, cst.Subscript) and len(node.slice) == 1:
        item = node.slice[0].slice
        if isinstance(item, cst.Index) and not item.star and _constant(item.value):
            return _root(node.value)
    return None


def _constant(node: cst.BaseExpression) -> bool:
    if isinstance(node, cst.UnaryOperation):
        return isinstance(node.operator, cst.Minus) and isinstance(node.expression, cst.Integer)
    return isinstance(node, (cst.Integer, cst.SimpleString))


def _demand_own(site: Site, name: str) -> None:
    """Raises Refused if assigning the name would create another variable."""
    scope = site.place.scope
    if isinstance(scope, cst.ClassDef):
        raise Refused("In a class body the assignment would make an attribute.")
    if isinstance(scope, cst.FunctionDef) and not _binds(scope, name):
        raise Refused(f"The name `{name}` is not a local of its function, and the assignment would make it one.")


def _binds(function: cst.FunctionDef, name: str) -> bool:
    """Whether a parameter, an assignment, a loop, a `with`, a `global` or a `nonlocal` of the function has the name."""
    params = function.params
    stars = [param for param in (params.star_arg, params.star_kwarg) if isinstance(param, cst.Param)]
    named = [*params.posonly_params, *params.params, *params.kwonly_params, *stars]
    if any(param.name.value == name for param in named):
        return True
    pending: list[cst.CSTNode] = [function.body]
    while pending:
        node = pending.pop()
        if isinstance(node, (cst.FunctionDef, cst.ClassDef, cst.Lambda)):
            continue
        bound = _targets(node)
        if any(isinstance(target, cst.Name) and target.value == name for target in bound):
            return True
        pending += children(node)
    return False


def _targets(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The targets that the node itself binds; the elements of a tuple or list target."""
    match node:
        case cst.AssignTarget() | cst.AnnAssign() | cst.For() | cst.NamedExpr():
            pending: list[cst.CSTNode] = [node.target]
        case cst.AsName() | cst.NameItem():
            pending = [node.name]
        case _:
            return []
    found: list[cst.CSTNode] = []
    while pending:
        target = pending.pop()
        if isinstance(target, (cst.Tuple, cst.List)):
            pending += [element.value for element in target.elements]
        else:
            found.append(target)
    return found
