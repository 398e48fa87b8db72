"""Imports that a rewrite needs: of the standard library, which it may add, and of modules that must be there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from itertools import takewhile
from operator import is_not

import libcst as cst

from .site import Draft, Site
from .syntax import Refused, dotted, leading_lines


def chain_spelling(site: Site) -> str:
    """How to write `itertools.chain` in this file."""
    return spelling(site, "itertools", "chain")


def spelling(site: Site, module: str, name: str) -> str:
    """How to write a name of a standard library module in this file: as imported above the first call that needs it,
    else as the import that is added binds it."""
    spelled = site.draft.spelled
    if (module, name) not in spelled:
        spelled[module, name] = _imported(site, module, name) or _to_import(site.draft, module, name)
    return spelled[module, name]


def _imported(site: Site, module: str, name: str) -> str | None:
    draft = site.draft
    around: cst.CSTNode = site.original
    while draft.parents[around] is not draft.module:
        around = draft.parents[around]
    for line in takewhile(lambda line: line is not around, draft.module.body):
        for statement in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if not isinstance(statement, (cst.Import, cst.ImportFrom)) or isinstance(statement.names, cst.ImportStar):
                continue
            from_module = (
                isinstance(statement, cst.ImportFrom)
                and not statement.relative
                and statement.module is not None
                and dotted(statement.module) == module
            )
            wanted = name if from_module else module
            if isinstance(statement, cst.ImportFrom) and not from_module:
                continue
            for alias in statement.names:
                if dotted(alias.name) != wanted:
                    continue
                bound = alias.asname.name if alias.asname else alias.name
                if isinstance(bound, cst.Name) and draft.names.only_read(bound.value, (bound, alias.name)):
                    return bound.value if from_module else f"{bound.value}.{name}"
    return None


def demand_module(site: Site, name: str) -> None:
    """Raises Refused unless the name certainly is the module of that name at the call."""
    parents = site.draft.parents
    node: cst.CSTNode = site.original
    while not isinstance(node, cst.Module):
        block = parents[node]
        in_class = isinstance(parents.get(block), cst.ClassDef)
        if isinstance(block, (cst.Module, cst.IndentedBlock)) and not in_class:
            above = takewhile(partial(is_not, node), block.body)
            if any(_binds_module(line, name) for line in above) and site.draft.names.imports_only(name):
                return
        node = block
    raise Refused(f"The rewrite needs the module `{name}`, which is not surely known by that name here.")


def _binds_module(line: cst.BaseStatement, name: str) -> bool:
    """Whether the line has `import name` or `import name.part`."""
    return isinstance(line, cst.SimpleStatementLine) and any(
        alias.asname is None and (dotted(alias.name) or "").partition(".")[0] == name
        for statement in line.body
        if isinstance(statement, cst.Import)
        for alias in statement.names
    )


def _to_import(draft: Draft, module: str, name: str) -> str:
    alone = not draft.names.used(name) and not draft.names.star_import
    bound = name if alone else draft.names.shared(f"{module}_{name}")
    code = f"from {module} import {name}" + ("" if alone else f" as {bound}")
    draft.new_imports.append(cst.ensure_type(cst.parse_statement(code), cst.SimpleStatementLine))
    return bound


def with_import(body: Sequence[cst.BaseStatement], line: cst.SimpleStatementLine) -> list[cst.BaseStatement]:
    """The statements of a module with one more import.

    It goes among the standard library's imports at the top, in their order. Without any, it goes after the docstring
    and the `__future__` imports, before all else.
    """
    start = 0
    if body and _is_docstring(body[0]):
        start = 1
    while start < len(body) and _imports_from(body[start]) == "__future__":
        start += 1
    end = start
    while end < len(body) and _imports_from(body[end]) is not None:
        end += 1
    standard = [index for index in range(start, end) if _imports_from(body[index]) in sys.stdlib_module_names]
    if standard:
        at = next((index for index in standard if _sorts_after(body[index], line)), standard[-1] + 1)
        return [*body[:at], line, *body[at:]]
    rest = list(body[start:])
    blank = cst.EmptyLine(indent=False)
    if rest:
        leading = leading_lines(rest[0]) or ()
        blanks = [item for item in leading if item.comment is None]
        rest[0] = rest[0].with_changes(leading_lines=leading if blanks else [blank, *leading])
    return [*body[:start], line.with_changes(leading_lines=[blank] if start else []), *rest]


def with_helpers(
    body: Sequence[cst.BaseStatement], helpers: Sequence[Sequence[cst.BaseStatement]]
) -> list[cst.BaseStatement]:
    """The statements of a module with those of its new helper functions after the imports at its top."""
    end = 1 if body and _is_docstring(body[0]) else 0
    while end < len(body) and _imports_from(body[end]) is not None:
        end += 1
    blanks = [cst.EmptyLine(indent=False), cst.EmptyLine(indent=False)]
    rest = list(body[end:])
    if rest:
        leading = leading_lines(rest[0]) or ()
        missing = blanks[sum(line.comment is None for line in leading) :]
        rest[0] = rest[0].with_changes(leading_lines=[*missing, *leading])
    added: list[cst.BaseStatement] = []
    for first, *others in helpers:
        added += [first.with_changes(leading_lines=blanks if end or added else []), *others]
    return [*body[:end], *added, *rest]


def _sorts_after(statement: cst.BaseStatement, line: cst.SimpleStatementLine) -> bool:
    """Whether the import `statement` comes after the new `line` in sorted order: `from b import c` for `from a ...`."""
    one, other = (s.body[0] if isinstance(s, cst.SimpleStatementLine) else None for s in (statement, line))
    if not isinstance(one, cst.ImportFrom) or not isinstance(other, cst.ImportFrom):
        return False
    if one.module is None or other.module is None or leading_lines(statement):
        return False
    return (dotted(one.module) or "") > (dotted(other.module) or "")


def _is_docstring(statement: cst.BaseStatement) -> bool:
    return (
        isinstance(statement, cst.SimpleStatementLine)
        and isinstance(statement.body[0], cst.Expr)
        and isinstance(statement.body[0].value, (cst.SimpleString, cst.ConcatenatedString))
    )


def _imports_from(statement: cst.BaseStatement) -> str | None:
    """The root module that an import statement names ("" for a relative one); None for any other statement."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return None
    first = statement.body[0] if statement.body else None
    if isinstance(first, cst.Import):
        return (dotted(first.names[0].name) or "").partition(".")[0]
    if isinstance(first, cst.ImportFrom):
        return "" if first.relative or first.module is None else (dotted(first.module) or "").partition(".")[0]
    return None
