"""Which names code holds."""

from __future__ import annotations

from collections.abc import Iterable, Set

import libcst as cst

from .syntax import children


class Held:
    """The names that pieces of code hold. No function or class is looked through twice."""

    def __init__(self) -> None:
        self._known: dict[cst.CSTNode, Set[str]] = {}

    def by(self, parts: Iterable[cst.CSTNode]) -> Set[str]:
        """The names that the parts hold, but as labels, in imports, and where they are parameters'."""
        found: set[str] = set()
        pending = list(parts)
        while pending:
            node = pending.pop()
            match node:
                case cst.Name(value=name):
                    found.add(name)
                case cst.Attribute(value=part) | cst.Arg(value=part):
                    pending.append(part)
                case cst.FunctionDef() | cst.Lambda() | cst.ClassDef():
                    found |= self._scope(node)
                case _ if not isinstance(node, (cst.Import, cst.ImportFrom)):
                    pending += children(node)
        return found

    def _scope(self, node: cst.FunctionDef | cst.Lambda | cst.ClassDef) -> Set[str]:
        if node not in self._known:
            self._known[node] = self.by(children(node)) if isinstance(node, cst.ClassDef) else self._function(node)
        return self._known[node]

    def _function(self, node: cst.FunctionDef | cst.Lambda) -> Set[str]:
        params = node.params
        stars = [star for star in (params.star_arg, params.star_kwarg) if isinstance(star, cst.Param)]
        each = [*params.posonly_params, *params.params, *params.kwonly_params, *stars]
        around = [part for part in children(node) if part is not node.body and part is not params]
        around += [part for one in each for part in (one.default, one.annotation) if part]
        return self.by(around) | (self.by([node.body]) - {one.name.value for one in each})
