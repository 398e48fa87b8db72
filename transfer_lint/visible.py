"""Text from elsewhere, made visible: what would command a terminal or hide from a reader is written as an escape."""

from __future__ import annotations

import unicodedata
from functools import cache

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of Unicode: controls (ESC, newlines), formats (bidi controls, what has no width), halves of pairs."""


def visible(text: str, keep: str = "") -> str:
    r"""`text` with an escape, `\x1b` or `\u202e`, for each character that is not seen; those in `keep` stay."""
    return text if text.isprintable() else text.translate(_table(keep))


class _Table(dict[int, str]):
    """Code of a character -> what is printed; filled as characters are met, because Unicode is large."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        unseen = not char.isprintable() and (unicodedata.category(char) in _UNSEEN or char in "\ufffe\uffff")
        self[code] = char.encode("unicode_escape").decode("ascii") if unseen else char
        return self[code]


@cache
def _table(keep: str) -> _Table:
    return _Table((ord(char), char) for char in keep)
