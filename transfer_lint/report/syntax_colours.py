"""The syntax colours of code: which parts of a text are keywords, strings, comments and numbers."""

from __future__ import annotations

import keyword
import re
from bisect import bisect_right

Span = tuple[int, int, str]
"""(start, end, class) of a part of a line, in characters."""

_TOKEN = re.compile(
    r"""(?P<c>\#[^\n]*)
    |(?P<s>(?<!\w)[rbufRBUFtT]{0,2}(?:\"{3}(?:[^\\]|\\.)*?(?:\"{3}|\Z)|\'{3}(?:[^\\]|\\.)*?(?:\'{3}|\Z)
        |"(?:[^"\\\n]|\\.)*(?:"|$)|'(?:[^'\\\n]|\\.)*(?:'|$)))
    |(?P<n>(?<![\w.])(?:0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*)?\.?\d[\d_]*\.?(?:[eE][+-]?\d+)?[jJ]?)(?!\w))
    |(?P<k>\b(?:"""
    + "|".join(keyword.kwlist)
    + r""")\b)|\w+""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
"""c: a comment, s: a string, n: a number, k: a keyword."""


def spans(text: str) -> dict[int, list[Span]]:
    """1-based line -> its coloured parts, in order. A string over several lines has a part in each."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    lines: dict[int, list[Span]] = {}
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind is None:
            continue
        start, end = token.span()
        line = bisect_right(starts, start)
        while start < end:
            stop = min(end, starts[line] - 1 if line < len(starts) else len(text))
            if start < stop:
                lines.setdefault(line, []).append((start - starts[line - 1], stop - starts[line - 1], kind))
            start = stop + 1
            line += 1
    return lines


def coloured(text: str, found: list[Span], first: int, last: int) -> list[tuple[str, str]]:
    """(class or "", text) of the characters from `first` up to `last` of a line with these spans."""
    parts: list[tuple[str, str]] = []
    at = first
    for start, end, kind in found:
        start, end = max(start, at), min(end, last)
        if start < end:
            if at < start:
                parts.append(("", text[at:start]))
            parts.append((kind, text[start:end]))
            at = end
    return [*parts, ("", text[at:last])] if at < last else parts
