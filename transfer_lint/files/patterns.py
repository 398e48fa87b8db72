"""Patterns of paths, with the meaning that they have in a .gitignore.

Paths and patterns are compared as bytes, as git does: a `?` is one byte.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from functools import cached_property

from transfer_lint.files.wildmatch import Wildmatch

_SPECIAL = re.compile(rb"[*?\[\\]")


class _Pattern:
    """One pattern.

    keeps: it begins with `!`. folders_only: it ends with a slash. anchored: it holds another slash, so it is about
    the whole path, not about a name at any depth. literal: the text before the first special character. glob: the rest.
    """

    def __init__(self, text: bytes) -> None:
        self.keeps = text.startswith(b"!")
        text = text[self.keeps :]
        self.folders_only = text.endswith(b"/")
        if self.folders_only:
            text = text[:-1]
        self.anchored = b"/" in text
        if self.anchored:
            text = text.removeprefix(b"/")
        special = _SPECIAL.search(text)
        at = special.start() if special else len(text)
        self.literal, self.glob = text[:at], text[at:]
        plain = re.split(rb"[\[\\]", self.glob, maxsplit=1)[0]
        self._needed = max((part.strip(b"/") for part in re.split(rb"[*?]+", plain)), key=len)

    def matches(self, path: bytes, name: bytes, is_folder: bool) -> bool:
        """Whether it matches a path, whose last part is `name`."""
        subject = path if self.anchored else name
        return (
            (is_folder or not self.folders_only)
            and subject.startswith(self.literal)
            and self._needed in subject
            and (self._compiled.match(subject[len(self.literal) :]) if self.glob else subject == self.literal)
        )

    @cached_property
    def _compiled(self) -> Wildmatch:
        """The glob alone: like git, which compares what stands before it first."""
        return Wildmatch(self.glob)


class Patterns:
    """Patterns as in a .gitignore, relative to the folder `base`. The last one that matches decides."""

    def __init__(self, base: str, lines: Iterable[str]) -> None:
        texts = (_without_spaces(line.encode("utf-8", "surrogateescape").partition(b"\0")[0]) for line in lines)
        self._fill(base, [_Pattern(text) for text in texts if text and not text.startswith(b"#")])

    def _fill(self, base: str, patterns: Sequence[_Pattern]) -> None:
        self._base = os.path.join(os.path.abspath(base), "")
        self._patterns = patterns
        self._globs = [number for number, pattern in enumerate(patterns) if pattern.glob]
        # Patterns without special characters are looked up: (it is anchored, it is for folders, text) -> the last one.
        self._literals: dict[tuple[bool, bool, bytes], int] = {}
        for number, pattern in enumerate(patterns):
            if not pattern.glob:
                for folders in (True,) if pattern.folders_only else (True, False):
                    self._literals[pattern.anchored, folders, pattern.literal] = number

    def verdict(self, path: str, is_folder: bool) -> bool | None:
        """What the patterns say of the path itself, not of the folders over it.

        True: excluded. False: kept by a `!` pattern. None: no pattern matches.
        """
        relative = self._relative(path)
        return None if relative is None else self._said_of(relative, is_folder)

    def match(self, path: str, is_folder: bool) -> bool:
        """Whether `path`, or a folder over it, is excluded."""
        relative = self._relative(path)
        if relative is None:
            return False
        over = [number for number, byte in enumerate(relative) if byte == 0x2F]
        return any(self._said_of(relative[:end], True) for end in over) or self._said_of(relative, is_folder) is True

    def but_for(self, folder: str) -> Patterns:
        """The same without the patterns that exclude `folder` or one over it: the user has named that folder."""
        relative = self._relative(folder)
        if relative is None or not self.match(folder, is_folder=True):
            return self
        parts = relative.split(b"/")
        over = [(b"/".join(parts[: n + 1]), name) for n, name in enumerate(parts)]
        kept = Patterns(self._base, ())
        kept._fill(self._base, [p for p in self._patterns if p.keeps or not any(p.matches(*at, True) for at in over)])
        return kept

    def _relative(self, path: str) -> bytes | None:
        """The path below `base`; None if it is not below it."""
        absolute = os.path.abspath(path)
        if not os.path.normcase(absolute).startswith(os.path.normcase(self._base)):
            return None
        return absolute[len(self._base) :].replace(os.sep, "/").encode("utf-8", "surrogateescape")

    def _said_of(self, relative: bytes, is_folder: bool) -> bool | None:
        name = relative.rpartition(b"/")[2]
        last = max(
            self._literals.get((True, is_folder, relative), -1), self._literals.get((False, is_folder, name), -1)
        )
        for number in reversed(self._globs):
            if number < last:
                break
            if self._patterns[number].matches(relative, name, is_folder):
                last = number
                break
        return None if last < 0 else not self._patterns[last].keeps


def _without_spaces(text: bytes) -> bytes:
    """`text` without the spaces at its end; one behind a backslash stays."""
    kept = text.rstrip(b" ")
    escaped = (len(kept) - len(kept.rstrip(b"\\"))) % 2
    return text[: len(kept) + escaped]
