"""Imports that only removed code has read: `import torch`, once no `torch.float16` is left."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import dropwhile

import libcst as cst

from .blocks import emptied, settled
from .site import Draft
from .syntax import leading_lines


def unread(updated: cst.Module, draft: Draft) -> list[cst.ImportAlias]:
    """The imports in the draft that something has read, and nothing reads any more."""
    helpers = (statement for _, statements in draft.helpers.values() for statement in statements)
    gone = draft.held.by(draft.module.body) - draft.held.by((*updated.body, *helpers))
    return [alias for alias in draft.imports if bound_name(alias) in gone]


def bound_name(alias: cst.ImportAlias) -> str:
    """The name that an import binds."""
    node: cst.CSTNode = alias.asname.name if alias.asname else alias.name
    while isinstance(node, cst.Attribute):
        node = node.value
    return cst.ensure_type(node, cst.Name).value


def without(updated: cst.Module, imports: Collection[cst.ImportAlias], draft: Draft) -> cst.Module:
    """The module without these imports."""
    first = updated.body[0]
    updated = cst.ensure_type(updated.visit(_Without(imports, draft)), cst.Module)
    body, footer = settled(updated.body, updated.footer, draft, empty=True)
    if body and len(body) < len(updated.body) and updated.body[0] is not first and body[0] is not updated.body[0]:
        above = sum(line.comment is None for line in updated.header)
        lines = list(leading_lines(body[0]) or ())
        blank = next((index for index, line in enumerate(lines) if line.comment), len(lines))
        fewer = min(blank, above) if updated.header else blank
        body = [body[0].with_changes(leading_lines=lines[fewer:]), *body[1:]]
    return updated.with_changes(body=body, footer=footer)


class _Without(cst.CSTTransformer):
    """Deletes imports from their statements, and statements that import nothing any more."""

    def __init__(self, imports: Collection[cst.ImportAlias], draft: Draft) -> None:
        super().__init__()
        self._imports = frozenset(imports)
        self._draft = draft

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Goes on to statements, and nowhere else."""
        return not isinstance(node, (cst.BaseExpression, cst.BaseSmallStatement)) and super().on_visit(node)

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import | cst.RemovalSentinel:
        names = self._kept(original_node.names)
        return original_node.with_changes(names=names) if names else cst.RemoveFromParent()

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom | cst.RemovalSentinel:
        if isinstance(original_node.names, cst.ImportStar):
            return original_node
        names = self._kept(original_node.names)
        return original_node.with_changes(names=names) if names else cst.RemoveFromParent()

    def _kept(self, names: Sequence[cst.ImportAlias]) -> Sequence[cst.ImportAlias]:
        kept = [alias for alias in names if alias not in self._imports]
        if kept and kept[-1] is not names[-1]:
            kept[-1] = kept[-1].with_changes(comma=names[-1].comma)
        return kept if len(kept) < len(names) else names

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement:
        if not updated_node.body:
            return emptied(updated_node, self._draft)
        if len(updated_node.body) == len(original_node.body):
            return updated_node
        last = updated_node.body[-1].with_changes(semicolon=original_node.body[-1].semicolon)
        return updated_node.with_changes(body=[*updated_node.body[:-1], last])

    def leave_IndentedBlock(self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock) -> cst.BaseSuite:
        body, footer = settled(updated_node.body, updated_node.footer, self._draft)
        if body and body[0] is not updated_node.body[0]:
            lines = dropwhile(lambda line: line.comment is None, leading_lines(body[0]) or ())
            body = [body[0].with_changes(leading_lines=list(lines)), *body[1:]]
        return updated_node.with_changes(body=body, footer=footer)
