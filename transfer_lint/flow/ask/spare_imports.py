"""Imports that fixes may leave without a reader, and of which of them it is shown that they can go."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from transfer_lint.findings import Safety
from transfer_lint.flow.program.modules import Import, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import ancestors, children, is_literal, is_plain, nodes_of, span

_NOT_IDLE = frozenset({"antigravity", "idlelib", "readline", "rlcompleter", "this", "turtledemo"})  # of the library
_SEES_ALL = re.compile(r"(?<!\.)\b(?:eval|exec|globals|locals|vars|dir)\s*\(|\b(?:__dict__|getmembers)\b")
_KEPT = re.compile(r"#.*\b(?:noqa|unused)", re.IGNORECASE)
_LOOKED_UP = ("import_module", "__import__", "spec_from_file")  # names of what is loaded so may stand outside the code
_ENTRY_FILES = ("__init__.py", "conftest.py")  # others take names from these without saying so

_Statement: TypeAlias = "ast.Import | ast.ImportFrom"


@dataclass(frozen=True, eq=False)
class Imported:
    """A name that an import statement binds. function: the innermost function around it; None at module level."""

    statement: _Statement
    alias: ast.alias
    function: ast.FunctionDef | ast.AsyncFunctionDef | None

    @property
    def name(self) -> str:
        """The name that is bound."""
        return self.alias.asname or self.alias.name.partition(".")[0]


class SpareImports:
    """The imports of one file that fixes may leave without a reader. lines: where the fixes are."""

    def __init__(self, project: Project, module: Module, lines: Iterable[int]) -> None:
        self._project = project
        self._module = module
        body = module.tree.body
        fixed = [index for index, top in enumerate(body) if any(_begins(top) <= n <= span(top)[1] for n in lines)]
        self._readers, kept = _readers(body, set(lines))
        self._spare = [each for each in self._imported if self._may_lose_readers(each, set(fixed), kept)]

    def of(self, line: int) -> Iterator[tuple[tuple[int, int], Safety | None]]:
        """The imports that a fix on a line may leave without a reader: (line, column) of each, and of its removal
        whether it is safe; None if something else may read the name."""
        for each in self._spare:
            tops = (self._module.tree.body[index] for index in self._readers[each.name])
            if any(_begins(top) <= line <= span(top)[1] for top in tops):
                at = each.alias.lineno
                removal = self._removals[each]
                if removal is Safety.SAFE or self._is_tidy:
                    yield (at, self._module.column(at, each.alias.col_offset)), removal

    @cached_property
    def _imported(self) -> tuple[Imported, ...]:
        found = []
        for node in nodes_of(self._module.tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
                around = list(ancestors(self._module.tree, node))
                scopes = (n for n in around if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef))
                scope = next(scopes, None)
                if not isinstance(scope, ast.ClassDef):
                    found += [Imported(node, alias, scope) for alias in node.names if alias.name != "*"]
        return tuple(found)

    @cached_property
    def _is_tidy(self) -> bool:
        """Whether every import of the file has a reader, so that none without one is to be left."""
        return all(
            self._readers.get(each.name) or self._is_kept(each) or self._is_named(each.name) for each in self._imported
        )

    @cached_property
    def _removals(self) -> Mapping[Imported, Safety | None]:
        own = [each for each in self._spare if self._is_only_here(each)]
        found = {each: Safety.SAFE if self._is_idle(each) else Safety.UNSAFE for each in own}
        return {each: found.get(each) for each in self._spare}

    def _may_lose_readers(self, each: Imported, fixed: Set[int], kept: Set[str]) -> bool:
        readers = self._readers.get(each.name)
        return (
            readers is not None
            and readers <= fixed
            and each.name not in kept
            and not self._is_kept(each)
            and not self._is_named(each.name)
        )

    def _is_kept(self, each: Imported) -> bool:
        """Whether its author wants it whether it is read or not."""
        first, last = span(each.statement)
        return each.alias.asname == each.alias.name or any(
            _KEPT.search(line) for line in self._module.lines[first - 1 : last]
        )

    def _is_named(self, name: str) -> bool:
        """Whether a string of the file is code that holds the name, as in `__all__` or in an annotation."""
        return any(name in text and _word(name).search(text) and _is_code(text) for text in self._strings)

    @cached_property
    def _strings(self) -> Set[str]:
        values = (node.value for node in nodes_of(self._module.tree) if isinstance(node, ast.Constant))
        return {value for value in values if isinstance(value, str)}

    @cached_property
    def _sees_all(self) -> bool:
        return _SEES_ALL.search(self._module.text) is not None

    @cached_property
    def _examples(self) -> Sequence[str]:
        """What doctests run."""
        return [line.partition(">>>")[2] for line in self._module.lines if ">>>" in line]

    # ---- does anything else need the name? -----------------------------------------------------------------------

    def _is_only_here(self, each: Imported) -> bool:
        """Whether it is shown that nothing but the file's own code reads the name."""
        path, name = self._module.path, each.name
        if not path.endswith(".py"):
            return False  # the next cell, and whoever imports a text without a name, are not seen
        if self._sees_all or any(_word(name).search(line) for line in self._examples):
            return False
        if each.function is not None:
            return True
        stem = posixpath.basename(path).removesuffix(".py")
        if posixpath.basename(path) in _ENTRY_FILES or self._elsewhere(f"{stem}.{name}"):
            return False
        if not self._binds_module(each) and any(self._project.mentioning(word, path) for word in _LOOKED_UP):
            return False
        return all(other == path for other in self._project.taking(stem, name, path))

    def _binds_module(self, each: Imported) -> bool:
        known = self._project.knowledge.idle_imports
        return isinstance(each.statement, ast.Import) or f"{each.statement.module}.{each.alias.name}" in known

    def _elsewhere(self, text: str) -> bool:
        return any(path != self._module.path for path in self._project.mentioning(text, self._module.path))

    # ---- does the import itself do something? --------------------------------------------------------------------

    def _is_idle(self, each: Imported) -> bool:
        """Whether it is shown that the program does the same if the module is imported later, elsewhere, or never."""
        statement, alias = each.statement, each.alias
        around = list(ancestors(self._module.tree, statement))
        if any(isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) for node in around):
            return True
        if any(
            not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module | ast.ClassDef) for node in around
        ):
            return False  # under a condition, or where its failure is expected
        first, last = span(statement)
        if any("#" in line for line in self._module.lines[first - 1 : last]):
            return False  # a comment may say what it is for
        return self._loads_nothing(self._module, statement, alias, {self._module.path}) or self._is_loaded_beside(each)

    def _is_loaded_beside(self, each: Imported) -> bool:
        """Whether its statement stays for another name, and it is no module itself."""
        statement, alias = each.statement, each.alias
        spare = {other.alias for other in self._spare}
        if not isinstance(statement, ast.ImportFrom) or all(other in spare for other in statement.names):
            return False
        found = Import(statement.module or "", statement.level, alias.name)
        inside = self._project.module_for(self._module, found)
        return inside is not None and self._project.module_for(self._module, found, alias.name) is None

    def _loads_nothing(self, importer: Module, statement: _Statement, alias: ast.alias, seen: set[str]) -> bool:
        """Whether an import loads only what does nothing when it is loaded, or is loaded whatever happens."""
        if isinstance(statement, ast.Import):
            found, full = Import(alias.name, 0, None), alias.name
        else:
            found = Import(statement.module or "", statement.level, alias.name)
            full = f"{statement.module}.{alias.name}"
        target = self._project.module_for(importer, found)
        if target is not None:
            inner = self._project.module_for(importer, found, alias.name) if found.name else None
            return all(self._does_nothing(each, seen) for each in (target, inner) if each is not None)
        if found.level:
            return False
        known = self._project.knowledge.idle_imports
        if found.module in known and (isinstance(statement, ast.Import) or full in known):
            return True
        root = found.module.partition(".")[0]
        library = root in sys.stdlib_module_names and root not in _NOT_IDLE
        # `a.b` may be there for others only because it is imported here
        return (library or found.module in known) and (
            "." not in full or not (self._elsewhere(full) or full in _without(importer, statement))
        )

    def _does_nothing(self, module: Module, seen: set[str]) -> bool:
        """Whether a module of the tree, whose packages are loaded for the file anyway, only binds names."""
        if module.path in seen:
            return True
        folder = posixpath.dirname(module.path)
        if not f"{posixpath.dirname(self._module.path)}/".startswith(f"{folder}/" if folder else ""):
            return False
        return all(self._only_binds(module, statement, seen | {module.path}) for statement in module.tree.body)

    def _only_binds(self, module: Module, statement: ast.stmt, seen: set[str]) -> bool:
        match statement:
            case ast.Import() | ast.ImportFrom():
                return all(self._loads_nothing(module, statement, alias, seen) for alias in statement.names)
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                return True
            case (
                ast.Assign(targets=[ast.Name()], value=value)
                | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
            ):
                return is_literal(value) or isinstance(value, ast.Name)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                defaults = (*statement.args.defaults, *(d for d in statement.args.kw_defaults if d))
                return not statement.decorator_list and all(is_literal(each) or is_plain(each) for each in defaults)
            case ast.ClassDef():
                known = self._project.knowledge
                bases = all(known.is_transparent_base(module.dotted(base)) for base in statement.bases)
                inside = all(self._only_binds(module, each, seen) for each in statement.body)
                return bases and inside and not statement.keywords and not statement.decorator_list
        return False


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(name)}\b")


def _begins(statement: ast.stmt) -> int:
    """Its first line, with its decorators."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min((each.lineno for each in decorators), default=statement.lineno)


def _without(module: Module, statement: _Statement) -> str:
    """The text of a file without the lines of a statement."""
    first, last = span(statement)
    return "\n".join([*module.lines[: first - 1], *module.lines[last:]])


def _is_code(text: str) -> bool:
    try:
        ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _readers(body: Sequence[ast.stmt], fixed: Set[int]) -> tuple[dict[str, set[int]], set[str]]:
    """Name -> which statements hold it, but in imports and where it is a parameter's; and names that no fix removes.

    A fix removes what stands in its call, and what is assigned to a local. fixed: lines of fixes.
    """
    found: dict[str, set[int]] = {}
    kept: set[str] = set()
    for index, statement in enumerate(body):
        pending: list[tuple[ast.AST, frozenset[str], bool]] = [(statement, frozenset(), False)]
        while pending:
            node, taken, goes = pending.pop()
            match node:
                case ast.Name(id=name) if name not in taken:
                    found.setdefault(name, set()).add(index)
                    if not goes:
                        kept.add(name)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                    inside = taken | {arg.arg for arg in nodes_of(node.args) if isinstance(arg, ast.arg)}
                    own = [node.body] if isinstance(node, ast.Lambda) else node.body
                    pending += [(child, inside if child in own else taken, goes) for child in children(node)]
                    continue
                case ast.Call(func=ast.Attribute() as func):
                    goes = goes or func.end_lineno in fixed
                case ast.Assign(targets=targets, value=value) if all(isinstance(each, ast.Name) for each in targets):
                    pending.append((value, taken, True))
                    continue
                case ast.AnnAssign(target=ast.Name(), annotation=annotation, value=ast.expr() as value):
                    pending += [(annotation, taken, True), (value, taken, True)]
                    continue
            pending += [(child, taken, goes) for child in children(node)]
    return found, kept
