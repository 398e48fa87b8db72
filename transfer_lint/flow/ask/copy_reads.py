"""Reads of a copy on the host: operations that take the copy's values before anything waits for it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping

from transfer_lint.files.scan import MOVES, READS
from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.syntax import loops_around, nodes_of, parents
from transfer_lint.flow.results.sites import Site

_CONVERSIONS = frozenset({"float", "int", "bool", "str", "print", "list", "sum", "min", "max", "any", "all", "len"})


class CopyReads:
    """The operations of one file that read tensors."""

    def __init__(self, module: Module, knowledge: Knowledge) -> None:
        self._module = module
        self._knowledge = knowledge

    def first_line(self, site: Site) -> int | None:
        """The line of the first operation that reads what the site copies, in its expression or under its name."""
        if site.function is None:
            return None
        around = parents(site.function.node)
        if self._reads(site.node, around):
            return site.node.end_lineno or site.node.lineno
        line = next((use.lineno for use in _uses(site) if self._reads(use, around)), None)
        return line if line is not None else self._line_of_join(site, around)

    def _line_of_join(self, site: Site, parents: Mapping[ast.AST, ast.AST]) -> int | None:
        """The line, after the loop, that joins the list to which each round appends what the site copies."""
        assert site.function is not None
        match parents.get(site.node):
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append")):
                loops = loops_around(site.function.node.body, site.statement)
            case _:
                return None
        end = (loops[-1].end_lineno or 0) if loops else sys.maxsize
        uses = (n for n in nodes_of(site.function.node) if isinstance(n, ast.Name) and n.id == name and n.lineno > end)
        for use in sorted(uses, key=lambda node: (node.lineno, node.col_offset)):
            match parents.get(use):
                case ast.Call(func=func, args=[first, *_]) if first is use:
                    if self._module.dotted(func) in self._knowledge.take_sequences:
                        return use.lineno
        return None

    def _reads(self, node: ast.expr, parents: Mapping[ast.AST, ast.AST]) -> bool:
        """Whether what is done with a value needs its bytes; a view of it counts as the value itself."""
        above = parents.get(node)
        match above:
            case ast.BinOp() | ast.UnaryOp() | ast.BoolOp() | ast.AugAssign() | ast.FormattedValue():
                return True
            case ast.Compare(ops=ops):
                return not all(isinstance(op, ast.Is | ast.IsNot) for op in ops)
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test) | ast.Assert(test=test):
                return test is node
            case ast.Subscript(value=value) if value is node:
                return self._reads(above, parents)
            case ast.Attribute(attr=name):
                call = parents.get(above)
                if not isinstance(call, ast.Call) or call.func is not above:
                    return name in self._knowledge.tensor_attributes and self._reads(above, parents)
                return self._reads(call, parents) if self._passes(name) else self._computes(name)
            case ast.Call(func=func, args=args) if any(argument is node for argument in args):
                name = self._module.dotted(func)
                if name in self._knowledge.function_views:
                    return self._reads(above, parents)
                return name in self._knowledge.combine or name.removeprefix("builtins.") in _CONVERSIONS
        return False

    def _passes(self, name: str) -> bool:
        """Whether a method gives the tensor itself or a view of it."""
        known = self._knowledge
        return name in known.tensor_views or name in known.tensor_itself

    def _computes(self, name: str) -> bool:
        """Whether a method works with the values."""
        known = self._knowledge
        if name in READS or name in known.tensor_reads:
            return True
        return name in known.tensor_methods and name not in known.tensor_host and name not in MOVES | {"pin_memory"}


def _uses(site: Site) -> Iterator[ast.Name]:
    """The reads of the name that the copy is assigned to, until it is assigned again."""
    assert site.function is not None
    name = _name_of(site)
    if name is None:
        return
    end = (site.statement.end_lineno or 0, site.statement.end_col_offset or 0)
    later = sorted(
        (node for node in nodes_of(site.function.node) if isinstance(node, ast.Name) and node.id == name),
        key=lambda node: (node.lineno, node.col_offset),
    )
    for node in later:
        if (node.lineno, node.col_offset) < end:
            continue
        if not isinstance(node.ctx, ast.Load):
            return
        yield node


def _name_of(site: Site) -> str | None:
    """`a` of `a = x.cpu()` and of `a, b = x.cpu(), y.cpu()`."""
    match site.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is site.node:
            return name
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)) if len(targets) == len(values):
            for target, value in zip(targets, values, strict=True):
                if value is site.node and isinstance(target, ast.Name):
                    return target.id
    return None
