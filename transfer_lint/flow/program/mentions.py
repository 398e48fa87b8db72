"""Mentions: which files of a tree import, define or call a name, found in their text without parsing it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+[.\w]+[ \t]+)?import[ \t]+(\([^)]*\)|[^\n#;]*)", re.MULTILINE)
_FROM = re.compile(r"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]*\(?[ \t]*\*", re.MULTILINE)
_DEF = re.compile(r"^[ \t]+(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
_CALL = re.compile(r"\.(\w+)\(")
_NAME = re.compile(r"[^\W\d]\w*")


@dataclass
class _Index:
    """Name -> files; for definitions: name -> how many methods (or nested functions) have it."""

    imports: dict[str, list[str]] = field(default_factory=dict)
    calls: dict[str, list[str]] = field(default_factory=dict)
    defined: dict[str, int] = field(default_factory=dict)


class Mentions:
    """Answers for the trees of a project. tree: the files of the tree around a file. read: the text of a file."""

    def __init__(self, tree: Callable[[str], Sequence[str]], read: Callable[[str], str | None]) -> None:
        self._tree = tree
        self._read = read
        self._indices: dict[tuple[str, ...], _Index] = {}

    def importing(self, name: str, near: str) -> Sequence[str]:
        """The files with an import statement that names `name`, or that imports all of a module of that name."""
        return self._index(near).imports.get(name, ())

    def calling(self, name: str, near: str) -> Sequence[str]:
        """The files that call a method of that name."""
        return self._index(near).calls.get(name, ())

    def definitions(self, name: str, near: str) -> int:
        """How many methods (or nested functions) of the tree have that name."""
        return self._index(near).defined.get(name, 0)

    def _index(self, near: str) -> _Index:
        files = tuple(self._tree(near))
        if files not in self._indices:
            self._indices[files] = index = _Index()
            for path in files:
                text = self._read(path) or ""
                for name in set(_imported(text)):
                    index.imports.setdefault(name, []).append(path)
                for name in set(_CALL.findall(text)):
                    index.calls.setdefault(name, []).append(path)
                for name in _DEF.findall(text):
                    index.defined[name] = index.defined.get(name, 0) + 1
        return self._indices[files]


def _imported(text: str) -> Iterator[str]:
    for names in _IMPORT.findall(text):
        yield from _NAME.findall(names)
    for module in _FROM.findall(text):
        yield module.rpartition(".")[2]
