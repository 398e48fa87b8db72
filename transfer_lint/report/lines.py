"""Lines that fit a terminal: how many columns a text takes, wrapping, cutting, and shortening of places."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

from transfer_lint.report.terminal import STYLE, unstyled
from transfer_lint.visible import visible

_BREAK = re.compile(r"(?<=[,(\[/.=:])(?=[^\W_])")
"""Where a word of code or a path that is longer than a whole line is broken: behind a mark, before a name."""
_WORD = re.compile("( *)([^ ]+)")


def printable(text: str) -> str:
    """`text` as it is printed, so that its width is known; a tab becomes four spaces."""
    return visible(text.replace("\t", "    "))


def width(text: str) -> int:
    """The columns that `text` takes on a terminal."""
    plain = unstyled(text)
    return len(plain) if plain.isascii() else sum(map(_columns, plain))


@cache
def _columns(char: str) -> int:
    """0 for what combines with the character before it, 2 for wide characters (East Asian, most emoji)."""
    if unicodedata.category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrap(text: str, room: int, hanging: str = "") -> list[str]:
    """`text` in lines of at most `room` columns; all but the first begin with `hanging`.

    A line is broken at blanks; a word that does not fit a line of its own also behind punctuation. What still does not
    fit stays whole.
    """
    lines: list[str] = []
    line, begun = "", False
    for gap, word in _words(text, room - width(hanging)):
        if begun and width(line) + len(gap) + width(word) > room:
            lines.append(line)
            line, begun = hanging, False
        line += (gap if begun else "") + word
        begun = True
    return [*lines, line]


def _words(text: str, room: int) -> Iterator[tuple[str, str]]:
    """(the blanks before it, word). A styled word is not broken."""
    for gap, word in _WORD.findall(text):
        for part in [word] if width(word) <= room or STYLE.search(word) else _BREAK.split(word):
            yield gap, part
            gap = ""


def cut(text: str, room: int) -> str:
    """`text`, or its beginning and `...`, in at most `room` columns."""
    return text if width(text) <= room else _taken(text, max(room - 3, 0)) + "..."[: max(room, 0)]


def cut_before(text: str, room: int) -> str:
    """`text`, or `...` and its end, in at most `room` columns."""
    return text if width(text) <= room else "..."[: max(room, 0)] + _taken(text, max(room - 3, 0), backwards=True)


def _taken(text: str, room: int, *, backwards: bool = False) -> str:
    """As much of the beginning of `text`, or of its end, as fits; a combining character stays with its base."""
    pieces = _pieces(text)
    taken: list[str] = []
    for piece in reversed(pieces) if backwards else pieces:
        room -= width(piece)
        if room < 0:
            break
        taken.append(piece)
    return "".join(reversed(taken) if backwards else taken)


def _pieces(text: str) -> Sequence[str]:
    pieces: list[str] = []
    for char in text:
        if pieces and not _columns(char):
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


def shortened(place: str, room: int, gap: str = "…") -> str:
    """A place, `folder/sub/name.py:12`, in at most `room` columns if that can be: without what is in the middle.

    The line number always stays, the file's name as long as there is room, then folders from both ends.
    """
    if width(place) <= room:
        return place
    first, *rest = place.split("/")
    for number in range(1, len(rest)):
        for kept in ((first, gap, *rest[number:]), (gap, *rest[number:])):
            if width(short := "/".join(kept)) <= room:
                return short
    name, colon, number_ = place.rpartition("/")[2].partition(":")
    left = room - width(gap + colon + number_)
    return _taken(name, left // 2) + gap + _taken(name, left - left // 2, backwards=True) + colon + number_
