"""What follows from texts alone, kept from one project to the next: syntax trees, and what the texts of a tree say.

Everything is looked up by the text itself, so it needs no invalidation, and to forget some of it is always right.
What a project finds out about a text from other texts is never kept here.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Hashable
from functools import lru_cache
from typing import NamedTuple

from transfer_lint.files.parsing import parse
from transfer_lint.flow.program.tree_texts import TreeTexts

MOST_PARSED = 12_000_000
"""Characters of source whose syntax trees are kept. The trees take some fifteen bytes of memory for each."""

MOST_TREES = 4
"""How many source trees are kept."""


class _Parsed(NamedTuple):
    text: str
    tree: ast.Module


class TextFacts:
    """Syntax trees and tree texts, for one project after another. It is sent to other processes empty.

    parsed: how often a text was parsed. kept: how often its tree was kept.
    """

    def __init__(self) -> None:
        self.parsed = self.kept = 0
        self._parsed: dict[str, _Parsed] = {}  # path -> its last text; what was used last stands last
        self._characters = 0
        self._used: set[str] = set()  # paths whose trees this project has asked for
        self._digests: dict[str, tuple[str, str]] = {}
        self._trees: dict[tuple[str, ...], TreeTexts] = {}

    def __reduce__(self) -> tuple[type[TextFacts], tuple[()]]:
        return TextFacts, ()

    def begin(self) -> None:
        """Another project begins."""
        self._used.clear()

    def tree(self, path: str, text: str) -> ast.Module:
        """The syntax tree of the text at a path. Raises what `parse` raises.

        No two files share a tree, even if their texts are the same: its nodes stand for places.

        What this project has asked for, the next one will ask for, in the same order. So if that is too much, the first
        of it are kept; if the last were, each would be forgotten before it is asked for.
        """
        known = self._parsed.pop(path, None)
        if known is not None:
            self._characters -= len(known.text)
        is_new = known is None or known.text != text
        if known is None or is_new:
            known = _Parsed(text, parse(text))
        self._parsed[path] = known
        self._characters += len(text)
        while self._characters > MOST_PARSED and len(self._parsed) > 1:
            oldest = next(iter(self._parsed))
            self._characters -= len(self._parsed.pop(path if oldest in self._used else oldest).text)
        self._used.add(path)
        self.parsed += is_new
        self.kept += is_new and path in self._parsed
        return known.tree

    def digest(self, path: str, text: str | None) -> str:
        """The digest of the text at a path."""
        if text is None:
            return digest(text)
        known = self._digests.get(path)
        if known is None or known[0] != text:
            known = self._digests[path] = text, _hashed(f"'{text}")  # not what None is written as
        return known[1]

    def tree_texts(self, files: tuple[str, ...]) -> TreeTexts:
        """What the texts of these files say."""
        known = self._trees.pop(files) if files in self._trees else TreeTexts(files)
        self._trees[files] = known
        while len(self._trees) > MOST_TREES:
            del self._trees[next(iter(self._trees))]
        return known


@lru_cache(maxsize=4_000, typed=True)
def digest(answer: Hashable) -> str:
    """A digest of an answer; many questions have the same one."""
    return _hashed(repr(answer))


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
