"""Imports that a rewrite needs: of the standard library, which it may add, and of modules that must be there."""

from __future__ import annotations

from functools import partial
from itertools import takewhile
from operator import is_not

import libcst as cst

from .site import Draft, Site
from .syntax import Refused, dotted


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
