"""Where a new import goes: where isort, and ruff's rule I001, would put it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import libcst as cst

from .style import Style
from .syntax import dotted, leading_lines

_BLANK = cst.EmptyLine(indent=False)


def with_import(
    body: Sequence[cst.BaseStatement], line: cst.SimpleStatementLine, style: Style | None = None
) -> list[cst.BaseStatement]:
    """The statements of a module with one more import, `from a import b`, of the standard library.

    It goes among the standard library's imports of the first block that has any, in their order, or into the import
    from the same module. Without any it goes to the top: after the docstring and the `__future__` imports.
    """
    style = style or Style()
    for start, stop in _runs(body):
        standard = [index for index in range(start, stop) if _is_standard(body[index], style)]
        if standard:
            return _among(body, line, standard, style)
    start = 1 if body and is_docstring(body[0]) else 0
    while start < len(body) and imports_from(body[start]) == "__future__":
        start += 1
    rest = list(body[start:])
    if rest:
        missing = 2 if isinstance(rest[0], (cst.FunctionDef, cst.ClassDef)) else 1
        rest[0] = _blanks_above(rest[0], missing)
    return [*body[:start], line.with_changes(leading_lines=[_BLANK] if start else []), *rest]


def _runs(body: Sequence[cst.BaseStatement]) -> list[tuple[int, int]]:
    """The runs of imports, as (first, past the last), that stand before what may use them."""
    runs: list[tuple[int, int]] = []
    for index, statement in enumerate(body):
        if imports_from(statement) is not None:
            if runs and runs[-1][1] == index and not _splits(statement):
                runs[-1] = runs[-1][0], index + 1
            else:
                runs.append((index, index + 1))
        elif not isinstance(statement, (cst.SimpleStatementLine, cst.Try)):
            break
    return runs


def _splits(statement: cst.BaseStatement) -> bool:
    comments = (item.comment.value for item in leading_lines(statement) or () if item.comment)
    return any(re.match(r"#\s*(ruff: )?isort:\s*(split|on)", comment) for comment in comments)


def _is_standard(statement: cst.BaseStatement, style: Style) -> bool:
    module = imports_from(statement)
    if module == "__future__":
        return False
    return style.no_sections or module in sys.stdlib_module_names


def _among(
    body: Sequence[cst.BaseStatement], line: cst.SimpleStatementLine, standard: Sequence[int], style: Style
) -> list[cst.BaseStatement]:
    new = cst.ensure_type(line.body[0], cst.ImportFrom)
    aliased = isinstance(new.names, Sequence) and bool(new.names[0].asname)
    if not style.force_single_line and (style.combine_as_imports or not aliased):
        for index in standard:
            joined = _joined(body[index], new, style)
            if joined is not None:
                return [*body[:index], joined, *body[index + 1 :]]
    at = next((index for index in standard if _key(body[index], style) > _key(line, style)), standard[-1] + 1)
    between = 0 if style.force_sort_within_sections else style.lines_between_types
    if at != standard[0]:
        after_other = between and not _is_from(body[at - 1])
        line = line.with_changes(leading_lines=[_BLANK] * between if after_other else [])
        rest = list(body[at:])
        if after_other and at in standard and _is_from(rest[0]):  # the blank lines are above the new import now
            rest[0] = rest[0].with_changes(leading_lines=(leading_lines(rest[0]) or ())[between:])
        elif between and at in standard and not _is_from(rest[0]):
            rest[0] = _blanks_above(rest[0], between)
        return [*body[:at], line, *rest]
    # What stands above the first import and apart from it, such as a licence, stays at the top.
    old, above = body[at], leading_lines(body[at]) or ()
    own = max((n + 1 for n, item in enumerate(above) if item.comment is None), default=0)
    first = line.with_changes(leading_lines=above[:own])
    second = old.with_changes(leading_lines=[*[_BLANK] * (0 if _is_from(old) else between), *above[own:]])
    return [*body[:at], first, second, *body[at + 1 :]]


def _is_from(statement: cst.BaseStatement) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.ImportFrom)


def _joined(statement: cst.BaseStatement, new: cst.ImportFrom, style: Style) -> cst.BaseStatement | None:
    """`from a import b, c` for `from a import c` and the new `from a import b`; None if it is no such import."""
    old = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1 else None
    if not isinstance(old, cst.ImportFrom) or isinstance(old.names, cst.ImportStar) or old.relative:
        return None
    if not old.module or not new.module or dotted(old.module) != dotted(new.module):
        return None
    if isinstance(new.names, cst.ImportStar) or (any(a.asname for a in old.names) and not style.combine_as_imports):
        return None
    names, (added,) = list(old.names), new.names
    at = next((n for n, alias in enumerate(names) if _member(alias) > _member(added)), len(names))
    if at < len(names):
        names.insert(at, added.with_changes(comma=_comma(names, old)))
    else:
        names.append(added.with_changes(comma=names[-1].comma))
        names[-2] = names[-2].with_changes(comma=_comma(old.names, old))
    return statement.with_changes(body=[old.with_changes(names=names)])


def _comma(names: Sequence[cst.ImportAlias], old: cst.ImportFrom) -> cst.Comma:
    """The comma between two names, as the import has it."""
    if len(names) > 1 and isinstance(names[0].comma, cst.Comma):
        first = names[0].comma.whitespace_after
        if not (isinstance(first, cst.ParenthesizedWhitespace) and first.first_line.comment):
            return names[0].comma
    inside = old.lpar.whitespace_after if old.lpar else None
    if isinstance(inside, cst.ParenthesizedWhitespace):
        return cst.Comma(whitespace_after=inside.with_changes(first_line=cst.TrailingWhitespace()))
    return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


def _member(alias: cst.ImportAlias) -> tuple[int, str]:
    """What names of one import are sorted by: constants, classes, the others."""
    name = dotted(alias.name) or ""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name.lower()


def _key(statement: cst.BaseStatement, style: Style) -> tuple[object, ...]:
    """What the imports of a section are sorted by."""
    first = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    is_from = isinstance(first, cst.ImportFrom)
    if isinstance(first, cst.ImportFrom):
        module = "." * len(first.relative) + (dotted(first.module) or "" if first.module else "")
        names = "" if isinstance(first.names, cst.ImportStar) else (dotted(first.names[0].name) or "")
    else:
        module, names = (dotted(first.names[0].name) or "", "") if isinstance(first, cst.Import) else ("", "")
    later = is_from is not style.from_first
    if style.force_sort_within_sections:
        return _natural(module), later, names.lower()
    return later, _natural(module), names.lower()


def _natural(name: str) -> tuple[tuple[int, str, int], ...]:
    """Letters without case, and digits as numbers."""
    parts = re.findall(r"\d+|\D+", name.lower())
    return tuple((0, "", int(part)) if part.isdigit() else (1, part, 0) for part in parts)


def _blanks_above(statement: cst.BaseStatement, number: int) -> cst.BaseStatement:
    """The statement with at least so many blank lines above it."""
    leading = leading_lines(statement) or ()
    missing = number - sum(item.comment is None for item in leading)
    return statement.with_changes(leading_lines=[*[_BLANK] * missing, *leading])


def with_helpers(
    body: Sequence[cst.BaseStatement], helpers: Sequence[Sequence[cst.BaseStatement]], style: Style
) -> list[cst.BaseStatement]:
    """The statements of a module with those of its new helper functions after the imports at its top."""
    end = 1 if body and is_docstring(body[0]) else 0
    while end < len(body) and imports_from(body[end]) is not None:
        end += 1
    after_imports = max(style.lines_after_imports, 1) if end and imports_from(body[end - 1]) is not None else 1
    rest = list(body[end:])
    if rest:
        rest[0] = _blanks_above(rest[0], 2)
    added: list[cst.BaseStatement] = []
    for first, *others in helpers:
        blanks = 2 if added or not isinstance(first, cst.SimpleStatementLine) else after_imports
        added += [first.with_changes(leading_lines=[_BLANK] * blanks if end or added else []), *others]
    return [*body[:end], *added, *rest]


def is_docstring(statement: cst.BaseStatement) -> bool:
    """Whether a module's first statement is its docstring."""
    return (
        isinstance(statement, cst.SimpleStatementLine)
        and isinstance(statement.body[0], cst.Expr)
        and isinstance(statement.body[0].value, (cst.SimpleString, cst.ConcatenatedString))
    )


def imports_from(statement: cst.BaseStatement) -> str | None:
    """The root module that an import statement names ("" for a relative one); None for any other statement."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return None
    first = statement.body[0] if statement.body else None
    if isinstance(first, cst.Import):
        return (dotted(first.names[0].name) or "").partition(".")[0]
    if isinstance(first, cst.ImportFrom):
        return "" if first.relative or first.module is None else (dotted(first.module) or "").partition(".")[0]
    return None
