"""Locals that only removed code has read: `device = x.device`, once no `.to(device)` is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import TypeAlias

import libcst as cst

from .blocks import emptied, settled
from .evaluation import harmless
from .site import Draft
from .syntax import children, descendants

_NO_COMMA = cst.MaybeSentinel.DEFAULT
_SCOPES = (cst.FunctionDef, cst.ClassDef, cst.Lambda)
_Left: TypeAlias = Mapping[cst.SimpleStatementLine, "cst.BaseSmallStatement | None"]
"""Lines -> what is left of each; None: nothing."""


def without_unused(original: cst.FunctionDef, updated: cst.FunctionDef, draft: Draft) -> cst.FunctionDef:
    """A rewritten function without the assignments to locals that it read before and does not any more.

    Only plain assignments of what need not be evaluated, or that leaves what has to be: names, constants and their
    attributes, and what the plan says of others. Those that a comment is about stay, and those that leave a block
    empty. `draft.missed_locals` has what the plan knows of and must stay, though nothing reads it.
    """
    reads = _reads(updated)
    unread = gone = _reads(original) - reads
    seen = _sees_locals(updated) if gone else ""
    while gone and seen != "locals":
        inside = list(descendants(updated))
        left = _left(updated, gone - {name.value for name in _otherwise_bound(inside)}, draft) if not seen else {}
        going = {target for line in left for target in _targets(line)}
        stay = [name for name in bound_in(inside) if name.value in gone and name not in going]
        if missed := sorted(name.value for name in stay if name in draft.locals):
            draft.missed_locals[original] = missed[0], unread
        if stay:
            gone -= {name.value for name in stay}
            continue
        updated = cst.ensure_type(updated.visit(_Without(left, draft)), cst.FunctionDef)
        before, reads = reads, _reads(updated)
        gone = before - reads
        unread |= gone
    return updated


def _sees_locals(function: cst.FunctionDef) -> str:
    """The name of what may see all locals of a function, `locals` before others; "" if nothing does."""
    found: set[str] = set()
    for node in descendants(function):
        if type(node) is not cst.Call:
            continue
        match node:
            case cst.Call(func=cst.Name(value="locals" | "eval" | "exec" as name)):
                found.add(name)
            case cst.Call(func=cst.Name(value="vars" | "dir" as other), args=[]):
                found.add(other)
    return max(found, key="locals".__eq__, default="")


def _left(function: cst.FunctionDef, gone: Set[str], draft: Draft) -> _Left:
    """What is left of the assignments to some names, where they can go."""
    found: dict[cst.SimpleStatementLine, cst.BaseSmallStatement | None] = {}
    for block in _blocks(function.body):
        lines = [line for line in block if isinstance(line, cst.SimpleStatementLine)]
        left = {line: _left_of(line, gone, draft) for line in lines if _assigns(line, gone)}
        left = {line: statement for line, statement in left.items() if statement is not line.body[0]}
        empty = all(left.get(line, line) is None or isinstance(line.body[0], cst.Pass) for line in lines)
        found.update((line, new) for line, new in left.items() if new or not empty or len(lines) < len(block))
    return found


def _blocks(suite: cst.CSTNode) -> Iterator[Sequence[cst.BaseStatement]]:
    """The blocks of a function, without those of the functions and classes in it."""
    pending = [suite]
    while pending:
        node = pending.pop()
        if isinstance(node, cst.IndentedBlock):
            yield node.body
        pending += [child for child in children(node) if not isinstance(child, (*_SCOPES, cst.BaseSmallStatement))]


def _targets(line: cst.SimpleStatementLine) -> Sequence[cst.CSTNode]:
    """What the one statement of a line assigns to, if it is an assignment."""
    if len(line.body) != 1:
        return ()
    statement = line.body[0]
    match statement:
        case cst.Assign(targets=targets):
            return [name.value for name, _ in _pairs(statement)] or [target.target for target in targets]
        case cst.AnnAssign(target=target, value=cst.BaseExpression()):
            return [target]
    return ()


def _pairs(node: cst.CSTNode) -> Sequence[tuple[cst.Element, cst.Element]]:
    """The names and the values of `a, b = x, y`; none of another assignment."""
    match node:
        case cst.Assign(
            targets=[cst.AssignTarget(target=cst.Tuple(elements=names) | cst.List(elements=names))],
            value=cst.Tuple(elements=values) | cst.List(elements=values),
        ) if len(names) == len(values):
            pairs = zip(names, values, strict=True)
            found = [(n, v) for n, v in pairs if isinstance(n, cst.Element) and isinstance(v, cst.Element)]
            return found if len(found) == len(names) else ()
    return ()


def _assigns(line: cst.SimpleStatementLine, names: Set[str]) -> bool:
    return any(isinstance(target, cst.Name) and target.value in names for target in _targets(line))


def _left_of(line: cst.SimpleStatementLine, gone: Set[str], draft: Draft) -> cst.BaseSmallStatement | None:
    """What is left of an assignment without some names; the assignment itself, if it has to stay."""
    (statement,) = line.body
    assert isinstance(statement, (cst.Assign, cst.AnnAssign))
    targets = _targets(line)
    kept = [target for target in targets if not isinstance(target, cst.Name) or target.value not in gone]
    if not kept and (line.trailing_whitespace.comment or any(above.comment for above in line.leading_lines)):
        return statement
    if pairs := _pairs(statement):
        idle = all(name.value in kept or _is_idle(name.value, value.value, draft) for name, value in pairs)
        return _with_pairs(statement, [pair for pair in pairs if pair[0].value in kept]) if idle else statement
    if isinstance(statement, cst.Assign) and kept:
        return statement.with_changes(targets=[target for target in statement.targets if target.target in kept])
    value, planned = statement.value, draft.locals.get(targets[0])
    assert value is not None
    if _is_idle(targets[0], value, draft):
        return None
    return cst.Expr(value) if planned and not planned.stays else statement


def _is_idle(name: cst.CSTNode, value: cst.BaseExpression, draft: Draft) -> bool:
    """Whether what is assigned need not be evaluated."""
    planned = draft.locals.get(name)
    return harmless(value, {}) or (planned is not None and not planned.stays and not planned.evaluated)


def _with_pairs(
    statement: cst.BaseSmallStatement, pairs: Sequence[tuple[cst.Element, cst.Element]]
) -> cst.BaseSmallStatement | None:
    """`a, b = x, y` with these names and values alone."""
    if not pairs:
        return None
    target, value = cst.ensure_type(statement, cst.Assign).targets[0], cst.ensure_type(statement, cst.Assign).value
    if len(pairs) == 1:
        return statement.with_changes(targets=[target.with_changes(target=pairs[0][0].value)], value=pairs[0][1].value)
    names, values = ([*all_[:-1], all_[-1].with_changes(comma=_NO_COMMA)] for all_ in zip(*pairs, strict=True))
    return statement.with_changes(
        targets=[target.with_changes(target=target.target.with_changes(elements=names))],
        value=value.with_changes(elements=values),
    )


def bound_in(nodes: Iterable[cst.CSTNode]) -> Iterator[cst.Name]:
    """The names that some nodes assign, but not by loops, by the parts of one value, and the like."""
    for node in nodes:
        if type(node) not in _BINDING:  # a match asks abstract classes, which takes long
            continue
        match node:
            case (
                cst.AssignTarget(target=cst.Name() as name)
                | cst.AnnAssign(target=cst.Name() as name, value=cst.BaseExpression())
                | cst.NamedExpr(target=cst.Name() as name)
                | cst.WithItem(asname=cst.AsName(name=cst.Name() as name))
            ):
                yield name
            case cst.Assign():
                yield from (name.value for name, _ in _pairs(node) if isinstance(name.value, cst.Name))


_BINDING = frozenset((cst.AssignTarget, cst.AnnAssign, cst.NamedExpr, cst.WithItem, cst.Assign))


def _otherwise_bound(nodes: Sequence[cst.CSTNode]) -> Iterator[cst.Name]:
    """The names that loops and the parts of one value are assigned to."""
    pending: list[cst.CSTNode] = [
        node.target for node in nodes if type(node) in _TARGETING and isinstance(node, (cst.For, cst.AssignTarget))
    ]
    plain = {id(name) for name in bound_in(nodes)}
    while pending:
        node = pending.pop()
        match node:
            case cst.Name() if id(node) not in plain:
                yield node
            case cst.Tuple(elements=parts) | cst.List(elements=parts):
                pending += [part.value for part in parts]


_TARGETING = frozenset((cst.For, cst.AssignTarget))


def _reads(function: cst.FunctionDef) -> Set[str]:
    """The names in a function, but those that are assigned, its parameters, and labels of attributes and arguments."""
    inside = list(descendants(function))
    other = {id(node.attr) for node in inside if type(node) is cst.Attribute}
    other |= {id(node.keyword) for node in inside if type(node) is cst.Arg and node.keyword}
    other |= {id(name) for name in (*bound_in(inside), *_otherwise_bound(inside))}
    other |= {id(parameter.name) for parameter in descendants(function.params) if isinstance(parameter, cst.Param)}
    return frozenset(node.value for node in inside if type(node) is cst.Name and id(node) not in other)


class _Without(cst.CSTTransformer):
    """Replaces lines of blocks by what is left of them."""

    def __init__(self, left: _Left, draft: Draft) -> None:
        super().__init__()
        self._left = left
        self._draft = draft

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Goes on to statements, and nowhere else: the plan knows the names in them as they are."""
        return not isinstance(node, (cst.BaseExpression, cst.BaseSmallStatement)) and super().on_visit(node)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement:
        if original_node not in self._left:
            return updated_node
        left = self._left[original_node]
        return updated_node.with_changes(body=[left]) if left else emptied(updated_node, self._draft)

    def leave_IndentedBlock(self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock) -> cst.BaseSuite:
        body, footer = settled(updated_node.body, updated_node.footer, self._draft)
        return updated_node.with_changes(body=body, footer=footer)
