"""Text from elsewhere, made visible: what would command a terminal or hide from a reader is written as an escape."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of Unicode: controls (ESC, newlines), formats (bidi controls, what has no width), halves of pairs."""


def visible(text: str, keep: str = "") -> str:
    r"""`text` with an escape, `\x1b` or `\u202e`, for each character that is not seen; those in `keep` stay."""
    if text.isprintable():
        return text
    return "".join(_escaped(char) if _unseen(char) and char not in keep else char for char in text)


def _unseen(char: str) -> bool:
    return not char.isprintable() and (unicodedata.category(char) in _UNSEEN or char in "\ufffe\uffff")


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
