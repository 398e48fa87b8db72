"""Locals that only removed code has read: `device = x.device`, once no `.to(device)` is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Set

import libcst as cst

from .blocks import emptied, settled
from .evaluation import harmless
from .site import Draft
from .syntax import descendants, dotted

_PURE = frozenset({"torch.device", "torch.cuda.is_available", "torch.backends.mps.is_available"})
_SEE_ALL = frozenset({"locals", "vars", "dir", "eval", "exec"})


def without_unused(original: cst.FunctionDef, updated: cst.FunctionDef, draft: Draft) -> cst.FunctionDef:
    """A rewritten function without the plain assignments to locals that it read before and does not any more.

    Only those of names, constants, their attributes, `torch.device(..)`, and choices between such by whether there is
    an accelerator, which need not be evaluated, and that no comment is about.
    """
    gone = _reads(original) - _reads(updated)
    while gone:
        assigned = Counter(name for line, name in _assignments(updated))
        bound = Counter(map(_target, descendants(updated)))
        unused = [line for line, name in _assignments(updated) if name in gone and assigned[name] == bound[name] == 1]
        if not unused or _SEE_ALL & _reads(updated):
            return updated
        before = _reads(updated)
        updated = cst.ensure_type(updated.visit(_Without(unused, draft)), cst.FunctionDef)
        gone = before - _reads(updated)
    return updated


def _target(node: cst.CSTNode) -> str | None:
    return node.target.value if isinstance(node, cst.AssignTarget) and isinstance(node.target, cst.Name) else None


def _assignments(function: cst.FunctionDef) -> Iterator[tuple[cst.SimpleStatementLine, str]]:
    """The lines of a function that could go, each with the name that it binds."""
    for line in descendants(function):
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
            continue
        (statement,) = line.body
        comments = (line.trailing_whitespace.comment, *(above.comment for above in line.leading_lines))
        if isinstance(statement, cst.Assign) and len(statement.targets) == 1 and not any(comments):
            target = statement.targets[0].target
            if isinstance(target, cst.Name) and _idle(statement.value):
                yield line, target.value


def _idle(value: cst.BaseExpression) -> bool:
    if isinstance(value, cst.Call) and dotted(value.func) in _PURE:
        return all(not arg.star and _idle(arg.value) for arg in value.args)
    if isinstance(value, cst.IfExp):
        return all(map(_idle, (value.test, value.body, value.orelse)))
    return harmless(value, {})


def _reads(function: cst.FunctionDef) -> Set[str]:
    """All names in a function but those that are assigned, and the labels of attributes and of arguments."""
    inside = list(descendants(function))
    other = {id(node.attr) for node in inside if isinstance(node, cst.Attribute)}
    other |= {id(node.target) for node in inside if isinstance(node, cst.AssignTarget)}
    other |= {id(node.keyword) for node in inside if isinstance(node, cst.Arg) and node.keyword}
    return {node.value for node in inside if isinstance(node, cst.Name) and id(node) not in other}


class _Without(cst.CSTTransformer):
    """Deletes lines from blocks."""

    def __init__(self, lines: Collection[cst.SimpleStatementLine], draft: Draft) -> None:
        super().__init__()
        self._lines = lines
        self._draft = draft

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement:
        return emptied(updated_node, self._draft) if original_node in self._lines else updated_node

    def leave_IndentedBlock(self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock) -> cst.BaseSuite:
        body, footer = settled(updated_node.body, updated_node.footer, self._draft)
        return updated_node.with_changes(body=body, footer=footer)
