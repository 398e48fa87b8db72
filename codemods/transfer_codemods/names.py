"""The names of a file: which are free for something new, and which certainly mean what they seem to mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from copy import copy

import libcst as cst

from .syntax import Refused


class Names:
    """All identifiers of a file and how they are used."""

    def __init__(self, parents: Mapping[cst.CSTNode, cst.CSTNode]) -> None:
        self._parents = parents
        self._uses: defaultdict[str, list[cst.Name]] = defaultdict(list)
        self._given: defaultdict[cst.CSTNode | None, set[str]] = defaultdict(set)
        self._shared: dict[str, str] = {}
        self.star_import = False
        for node in parents:
            if isinstance(node, cst.Name):
                self._uses[node.value].append(node)
            elif isinstance(node, cst.ImportStar):
                self.star_import = True

    def with_none_given(self) -> Names:
        """The names of the same file, before any fresh one was given out."""
        other = copy(self)
        other._given, other._shared = defaultdict(set), {}
        return other

    def used(self, name: str) -> bool:
        """Whether the identifier occurs anywhere in the file, in any role."""
        return name in self._uses

    def fresh(self, base: str, scope: cst.CSTNode | None = None) -> str:
        """`base`, `base_2`, ...: the first name that the file does not use and that was not given out in this scope."""
        name, number = base, 1
        while self.used(name) or name in self._given[scope]:
            number += 1
            name = f"{base}_{number}"
        self._given[scope].add(name)
        return name

    def shared(self, base: str) -> str:
        """A fresh name; the same one whenever the same base is asked for."""
        if base not in self._shared:
            self._shared[base] = self.fresh(base)
        return self._shared[base]

    def only_read(self, name: str, binding: Collection[cst.CSTNode] = ()) -> bool:
        """Whether only the nodes in `binding` can bind the name: others call it, pass it or take an attribute of it."""
        if self.star_import:
            return False
        return all(use in binding or self._certain_read(use) for use in self._uses.get(name, ()))

    def imports_only(self, name: str) -> bool:
        """Whether only `import name` and `import name.part` can bind the name."""
        imports = [
            use
            for use in self._uses.get(name, ())
            if isinstance(parent := self._parents[use], (cst.ImportAlias, cst.ImportFrom))
            and (isinstance(parent, cst.ImportFrom) or isinstance(self._parents[parent], cst.Import))
        ]
        return self.only_read(name, imports)

    def demand_builtin(self, name: str) -> None:
        """Raises Refused if the built-in function may be something else in this file."""
        if not self.only_read(name):
            why = "a star import may redefine it" if self.star_import else "the file redefines it"
            raise Refused(f"The guard needs the built-in `{name}`, but {why}.")

    def _certain_read(self, use: cst.Name) -> bool:
        parent = self._parents[use]
        if isinstance(parent, cst.Attribute):
            return True  # the owner of an attribute, or the attribute's own label
        if isinstance(parent, cst.Call):
            return True  # only `func` is a Name
        return isinstance(parent, cst.Arg)  # a value, or a keyword's label
