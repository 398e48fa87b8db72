"""Puts rewritten statements into their lines and blocks: splits, guards or deletes them, and keeps their comments."""

from __future__ import annotations

import re
from collections.abc import Sequence

import libcst as cst

from .site import Draft
from .syntax import comment_line, comments, guard_statement, leading_lines


def rebuilt(
    line: cst.SimpleStatementLine,
    original: Sequence[cst.BaseSmallStatement],
    idle: Sequence[cst.BaseSmallStatement],
    draft: Draft,
) -> list[cst.BaseStatement]:
    """The line without its idle statements; several lines if a statement gets a guard or statements before it.

    If nothing is left, a `pass`, recorded in `draft.gone` so that `settled` deletes it. A line with a `# type:` comment
    keeps its idle statements.
    """
    comment = line.trailing_whitespace.comment
    if comment and re.match(r"#\s*type:", comment.value):
        idle = ()
    kept = [statement for statement in line.body if statement not in idle]
    if homeless := [comment for statement in idle for comment in comments(statement)]:
        line = line.with_changes(leading_lines=[*line.leading_lines, *map(comment_line, homeless)])
    if not any(old in draft.guards or draft.before.get(old) for old in original):
        if len(kept) == len(line.body):
            return [line]
        if not kept:
            return [emptied(line, draft)]
        kept[-1] = kept[-1].with_changes(semicolon=line.body[-1].semicolon)
        return [line.with_changes(body=kept)]
    lines: list[cst.BaseStatement] = []
    for old, new in zip(original, line.body, strict=True):
        lines += draft.before.get(old, ())
        if new in kept:
            alone = cst.SimpleStatementLine([new.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)])
            if new is kept[-1]:
                end = line.trailing_whitespace
                if end.comment and not end.whitespace.value:  # the spaces belonged to the semicolon
                    end = end.with_changes(whitespace=cst.SimpleWhitespace("  "))
                alone = alone.with_changes(trailing_whitespace=end)
            guard = draft.guards.get(old)
            lines.append(guard_statement(guard.test, [alone, *guard.after]) if guard else alone)
    if not kept:
        # `under` comes first, because it makes new nodes, and `gone` compares nodes by identity.
        *lines, last = under(line.leading_lines, [*lines, line.with_changes(leading_lines=())], len(lines))
        return [*lines, emptied(cst.ensure_type(last, cst.SimpleStatementLine), draft)]
    return under(line.leading_lines, lines, len(draft.before.get(original[0], ())))


def emptied(line: cst.SimpleStatementLine, draft: Draft) -> cst.SimpleStatementLine:
    """A `pass` in place of a line, recorded in `draft.gone`."""
    line = line.with_changes(body=[cst.Pass()])
    draft.gone.add(line)
    return line


def under(leading: Sequence[cst.EmptyLine], lines: Sequence[cst.BaseStatement], new: int) -> list[cst.BaseStatement]:
    """The statements below the blank and comment lines of the old statement.

    new: how many statements come before the old one. The comments directly above the old statement stay with it; the
    other lines go above the new statements.
    """
    split = max((index + 1 for index, line in enumerate(leading) if line.comment is None), default=0) if new else 0
    result = list(lines)
    result[new] = result[new].with_changes(leading_lines=leading[split:])
    if new:
        result[0] = result[0].with_changes(leading_lines=leading[:split])
    return result


def settled(
    body: Sequence[cst.BaseStatement], footer: Sequence[cst.EmptyLine], draft: Draft, *, empty: bool = False
) -> tuple[Sequence[cst.BaseStatement], Sequence[cst.EmptyLine]]:
    """Deletes the lines in `draft.gone` from a block; their comments go above the next line or to the end of the block.

    A block without other lines keeps a `pass`. empty: it may be empty instead.
    """
    gone = [line in draft.gone for line in body]
    if not any(gone):
        return body, footer
    if all(gone) and not empty:
        gone[-1] = False
    kept: list[cst.BaseStatement] = []
    carried: list[cst.EmptyLine] = []
    for line, is_gone in zip(body, gone, strict=True):
        leading = leading_lines(line) or ()
        if is_gone:
            comment = cst.ensure_type(line, cst.SimpleStatementLine).trailing_whitespace.comment
            carried += [*leading, *([comment_line(comment.value)] if comment else [])]
        elif carried:
            kept.append(line.with_changes(leading_lines=_above(carried, leading)))
            carried = []
        else:
            kept.append(line)
    return kept, _above(carried, footer, at_end=True)


def _above(
    carried: Sequence[cst.EmptyLine], lines: Sequence[cst.EmptyLine], *, at_end: bool = False
) -> list[cst.EmptyLine]:
    """The lines that a deleted statement leaves, above other lines. Blank lines that would double others go."""
    blank = all(line.comment is None for line in carried)
    if blank and (at_end or (lines and lines[0].comment is None)):
        return list(lines)
    return [*carried, *lines]
