"""The place of a call: what its statement evaluates before it, and whether the call is evaluated exactly once.

A statement may be put before another one only if this has no visible effect. Two tables decide that: `evaluated` says
what Python evaluates, and in which order; `harmless` says which evaluations a statement may be moved across.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import libcst as cst

from .syntax import Refused, children, descendants, leading_lines

# What replaces a call that is rewritten already: an expression, or a plain name or attribute (None).
Residue: TypeAlias = Mapping[cst.Call, cst.BaseExpression | None]

_STRINGS = (cst.FormattedString, cst.TemplatedString)
_TYPES = (cst.Annotation, cst.TypeAlias, cst.TypeParameters)
_CONSTANTS = (cst.BaseNumber, cst.SimpleString, cst.ConcatenatedString, cst.Ellipsis)


@dataclass(frozen=True)
class Place:
    """The place of a call.

    parent: the call's parent node.
    statement: the statement that evaluates the call exactly once whenever it runs; None if that is not certain.
    earlier: what that statement evaluates before the call, in order.
    scope: the Module, ClassDef, FunctionDef or Lambda whose names the call sees.
    walrus: an assignment expression is allowed here.
    anchor_line: the nearest enclosing node that can have comment lines above it.
    """

    parent: cst.CSTNode
    statement: cst.BaseSmallStatement | cst.BaseCompoundStatement | None
    earlier: tuple[cst.CSTNode, ...]
    scope: cst.CSTNode
    walrus: bool
    anchor_line: cst.CSTNode

    @property
    def in_class(self) -> bool:
        """Whether names bound here would be attributes of a class."""
        return isinstance(self.scope, cst.ClassDef)


def locate(call: cst.Call, parents: Mapping[cst.CSTNode, cst.CSTNode]) -> Place:
    """The place of a call. Raises Refused in f-strings and annotations, where nothing can be rewritten."""
    earlier: list[cst.CSTNode] = []
    sure = True
    statement: cst.BaseSmallStatement | cst.BaseCompoundStatement | None = None
    walrus = True
    anchor_line: cst.CSTNode | None = None
    child: cst.CSTNode = call
    while True:
        node = parents[child]
        if isinstance(node, _STRINGS):
            raise Refused("The call is inside an f-string, where nothing is rewritten.")
        if isinstance(node, _TYPES):
            raise Refused("The call is inside an annotation, where nothing is rewritten.")
        if sure and statement is None:
            order = evaluated(node)
            if child in order:
                earlier[:0] = order[: order.index(child)]
                if isinstance(node, (cst.BaseSmallStatement, cst.BaseCompoundStatement)):
                    # An `elif` is an If too, but nothing can be put before it.
                    statement = None if isinstance(parents[node], cst.If) else node
                    sure = statement is not None
            else:
                sure = False
        walrus = walrus and not (isinstance(node, cst.CompFor) and child is node.iter)
        if anchor_line is None and leading_lines(node) is not None:
            anchor_line = node
        if isinstance(node, cst.Module) or (
            isinstance(node, (cst.FunctionDef, cst.ClassDef, cst.Lambda)) and child is node.body
        ):
            scope = node
            break
        child = node
    while anchor_line is None:
        child = parents[child]
        anchor_line = child if leading_lines(child) is not None else None
    walrus = walrus and not isinstance(scope, cst.ClassDef)
    return Place(parents[call], statement, tuple(earlier), scope, walrus, anchor_line)


def evaluated(node: cst.CSTNode) -> Sequence[cst.CSTNode]:
    """The children that are evaluated exactly once whenever the node is, in the order of their evaluation.

    All others (both arms of a ternary, the right side of `and`, comprehensions, lambdas, assignment targets, the second
    item of a `with`, an assertion ...) are evaluated only sometimes, repeatedly, later, or after some effect.
    """
    found: Sequence[cst.CSTNode | None]
    match node:
        case cst.Call():
            # Python evaluates `*more` before a keyword written in front of it.
            seen = [arg.keyword is not None for arg in node.args]
            tangled = any(arg.star == "*" and any(seen[:i]) for i, arg in enumerate(node.args))
            found = [node.func] if tangled else [node.func, *node.args]
        case cst.Subscript():
            found = [node.value, *node.slice]
        case cst.SubscriptElement():
            found = [node.slice]
        case cst.Slice():
            found = [node.lower, node.upper, node.step]
        case cst.BinaryOperation():
            found = [node.left, node.right]
        case cst.BooleanOperation():
            found = [node.left]
        case cst.Comparison():
            found = [node.left, node.comparisons[0]]
        case cst.ComparisonTarget():
            found = [node.comparator]
        case cst.UnaryOperation() | cst.Await():
            found = [node.expression]
        case cst.IfExp() | cst.If():
            found = [node.test]
        case cst.Tuple() | cst.List() | cst.Set() | cst.Dict():
            found = node.elements
        case cst.DictElement():
            found = [node.key, node.value]
        case cst.AugAssign():
            found = [node.target, node.value]
        case cst.Raise():
            found = [node.exc, node.cause]
        case cst.From() | cst.WithItem():
            found = [node.item]
        case cst.With():
            found = [node.items[0]]
        case cst.For():
            found = [node.iter]
        case cst.Match():
            found = [node.subject]
        case (
            cst.Arg()
            | cst.Attribute()
            | cst.Element()
            | cst.StarredElement()
            | cst.StarredDictElement()
            | cst.Index()
            | cst.NamedExpr()
            | cst.Yield()
            | cst.Expr()
            | cst.Assign()
            | cst.AnnAssign()
            | cst.Return()
        ):
            found = [node.value]
        case _:
            found = []
    return [child for child in found if child is not None]


def harmless(node: cst.CSTNode, residue: Residue, *, attributes: bool = True) -> bool:
    """Whether evaluating the node has no effect and gives the same value later.

    True for names, constants, and what replaces a rewritten call. attributes: also for attributes of these, which only
    other code could change.
    """
    if isinstance(node, cst.Arg):
        return not node.star and harmless(node.value, residue, attributes=attributes)
    if isinstance(node, cst.Attribute):
        return attributes and harmless(node.value, residue)
    if isinstance(node, cst.Call):
        if node not in residue:
            return False
        left = residue[node]
        return left is None or harmless(left, residue, attributes=attributes)
    if isinstance(node, cst.UnaryOperation):
        return isinstance(node.expression, cst.BaseNumber)
    return isinstance(node, cst.Name) or (
        isinstance(node, _CONSTANTS) and not any(isinstance(below, _STRINGS) for below in descendants(node))
    )


def binds(node: cst.CSTNode) -> bool:
    """Whether the expression has an `x := y`."""
    return any(isinstance(below, cst.NamedExpr) for below in descendants(node))


def suspends(node: cst.CSTNode) -> bool:
    """Whether the expression must stay in its function's own frame: it has `await`, `yield`, `x := y` or `super()`."""
    return any(
        isinstance(below, (cst.Await, cst.Yield, cst.NamedExpr))
        or (isinstance(below, cst.Name) and below.value == "super")
        for below in descendants(node)
    )


def reads(name: str, statement: cst.CSTNode, call: cst.Call) -> bool:
    """Whether the statement (or the head of a compound one) has the name outside the call, except to assign it."""
    pending = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, cst.Name) and node.value == name:
            return True
        for child in children(node):
            assigned = isinstance(node, cst.AssignTarget) and isinstance(child, cst.Name)
            label = (isinstance(node, cst.Attribute) and child is node.attr) or (
                isinstance(node, cst.Arg) and child is node.keyword
            )
            body = isinstance(child, (cst.BaseSuite, cst.If, cst.Else, cst.MatchCase))
            if not (child is call or assigned or label or body):
                pending.append(child)
    return False
