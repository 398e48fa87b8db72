"""One glob as git's wildmatch reads it, matched in linear time.

The glob becomes an automaton whose states are bits of one number (the Shift-And method of Baeza-Yates and Gonnet):
each byte of a name costs a few operations on that number, whatever the glob. Nothing is ever tried twice.
"""

from __future__ import annotations

import re

_SLASH = 0x2F
_NO_BYTE: frozenset[int] = frozenset()
_STARSTAR = re.compile(rb"\*\*+(?=(?P<rest>/|\\/|\Z))")
_CLASSES = {
    b"alnum": rb"[0-9A-Za-z]",
    b"alpha": rb"[A-Za-z]",
    b"blank": rb"[ \t]",
    b"cntrl": rb"[\x00-\x1f\x7f]",
    b"digit": rb"[0-9]",
    b"graph": rb"[!-~]",
    b"lower": rb"[a-z]",
    b"print": rb"[ -~]",
    b"punct": rb"[!-/:-@\[-`{-~]",
    b"space": rb"[ \t\n\r]",
    b"upper": rb"[A-Z]",
    b"xdigit": rb"[0-9A-Fa-f]",
}
"""POSIX classes, in the C locale; space as git's own table has it."""


class Wildmatch:
    """A compiled glob. `*`, `?` and classes match no slash; `**` between slashes matches any number of folders."""

    def __init__(self, glob: bytes) -> None:
        self._step: dict[int, int] = {}  # byte -> the states that it takes to the next
        self._within = 0  # states that every byte but a slash keeps: a star stands before their item
        self._across = 0  # states that every byte keeps: of `**`
        self._optional = 0  # states that hold the next one as well when they are entered: of `**/`
        self._any = 0  # states that every byte but a slash takes to the next: of `?`
        self._items = 0
        self._read(glob)
        self._accepting = 1 << self._items

    def match(self, name: bytes) -> bool:
        """Whether the glob matches all of `name`."""
        states = self._entered(1)
        for byte in name:
            step, stay = self._step.get(byte, 0), self._across
            if byte != _SLASH:
                step |= self._any
                stay |= self._within
            states = self._entered((states & step) << 1) | (states & stay)
            if not states:
                return False
        return bool(states & self._accepting)

    def _entered(self, states: int) -> int:
        return states | (states & self._optional) << 1

    def _read(self, glob: bytes) -> None:
        at = 0
        while at < len(glob):
            here = 1 << self._items
            byte = glob[at]
            if byte == 0x2A:  # *
                starts = at == 0 or glob[at - 1] == _SLASH
                if starts and (found := _STARSTAR.match(glob, at)):
                    at = self._folders(found, here)
                else:
                    self._within |= here
                    at += 1
                continue
            at += 1
            if byte == 0x3F:  # ?
                self._any |= here
                self._items += 1
            elif byte == 0x5B:  # [
                members, at = _bracket(glob, at)
                self._take(members - {_SLASH})
            elif byte == 0x5C:  # \
                self._take({*glob[at : at + 1]})
                at += 1
            else:
                self._take({byte})

    def _folders(self, found: re.Match[bytes], here: int) -> int:
        """Read `**/` or a last `**`; returns the position past it."""
        self._across |= here
        if found["rest"] == b"/":  # none, or any number of folders
            self._optional |= here
            self._take({_SLASH})
            end = found.end() + 1
            while again := re.compile(rb"\*\*+/").match(found.string, end):  # the same once more says no more
                end = again.end()
            return end
        return found.end()

    def _take(self, members: set[int] | frozenset[int]) -> None:
        """Add an item that one of the bytes takes to the next; without bytes nothing passes it."""
        for byte in members:
            self._step[byte] = self._step.get(byte, 0) | 1 << self._items
        self._items += 1


def _bracket(glob: bytes, at: int) -> tuple[frozenset[int], int]:
    """The members of the class whose `[` stands before `at`, and the position past it.

    A class that is not closed, or names no known POSIX class, has no members and ends the glob.
    """
    negated = glob[at : at + 1] in (b"!", b"^")
    at += negated
    members: set[int] = set()
    before: int | None = None  # what a range may begin with
    first = at
    while at < len(glob) and (glob[at] != 0x5D or at == first):
        byte = glob[at]
        if byte == 0x2D and before is not None and at + 1 < len(glob) and glob[at + 1] != 0x5D:  # a range
            at += 1 + (glob[at + 1] == 0x5C)
            if at >= len(glob):
                break
            members.update(range(before, glob[at] + 1))
            before = None
        elif byte == 0x5B and glob[at + 1 : at + 2] == b":":
            end = glob.find(b"]", at + 2)
            if end < 0:
                return _NO_BYTE, len(glob)
            if end > at + 2 and glob[end - 1] == 0x3A:
                known = _CLASSES.get(glob[at + 2 : end - 1])
                if known is None:
                    return _NO_BYTE, len(glob)
                members.update(byte for byte in range(256) if re.fullmatch(known, bytes((byte,))))
                at, before = end, None
            else:
                members.add(byte)
                before = byte
        else:
            at += byte == 0x5C
            if at >= len(glob):
                break
            members.add(glob[at])
            before = glob[at]
        at += 1
    if at >= len(glob):
        return _NO_BYTE, len(glob)
    return frozenset(range(256)) - members if negated else frozenset(members), at + 1
