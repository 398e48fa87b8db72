"""Chains of calls over several lines, as a formatter would write them once they have lost a call.

A formatter puts each call of a chain on a line of its own only where two of them follow what has been called, or
indexed, already: of `f(x).to(d)` it parts the arguments instead.
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator, Sequence
from keyword import iskeyword

from transfer_lint.files.text import lines_of
from transfer_lint.fixing.brackets import (
    CLOSING,
    OPENING,
    Pair,
    depth,
    is_around_all,
    is_loose,
    pairs_of,
    starts_of,
    tokens_of,
)

_OPERATOR = re.compile(r"[ \t]*\r?\n[ \t]*([-+*/%@]|\*\*|//)(?= )")


def unchained(code: str, width: int) -> str:
    """A statement with the lines of chains joined at their dots, where the chains fit on a line or are too short to be
    parted there."""
    tokens, starts = tokens_of(code), starts_of(code)
    cuts = [
        (starts[chain[n - 2].end[0] - 1] + chain[n - 2].end[1], starts[dot.start[0] - 1] + dot.start[1])
        for pair in pairs_of(tokens)
        for chain in _chains(tokens, pair)
        if _links(chain) < 2 or _fits(code, chain, width)
        for n, dot in enumerate(chain)
        if dot.string == "." and n > 1 and chain[n - 1].type == tokenize.NL and depth(chain[:n]) == 0
    ]
    for begin, end in sorted(cuts, reverse=True):
        code = code[:begin] + code[end:]
    return code


def unbracketed(code: str) -> str | None:
    """A statement without the brackets around its value, if a formatter would rather part that at a call.

    It is a chain that is not to be parted at its dots, or has one operator and ends with a call.
    """
    tokens, starts = tokens_of(code), starts_of(code)
    for pair in pairs_of(tokens):
        chains = list(_chains(tokens, pair))
        inside = [token for token in tokens[pair.opening + 1 : pair.closing] if token.type != tokenize.NL]
        if is_around_all(tokens, pair) and len(chains) < 3 and all(_links(chain) < 2 for chain in chains):
            first = 1 if inside[0].string in ("-", "+", "~", "not") else 0
            held = sum(token.type != tokenize.NL for chain in chains for token in chain)
            if len(inside) != first + held + len(chains) - 1 or is_loose(inside):
                return None
            if len(chains) == 2 and inside[-1].string != ")":
                return None
            opening, closing = tokens[pair.opening], tokens[pair.closing]
            begin = starts[opening.start[0] - 1] + opening.start[1]
            end = starts[closing.end[0] - 1] + closing.end[1]
            margin = inside[0].start[1] - (len(code) - len(code.lstrip(" \t")))
            top, *rest = lines_of(code[begin + 1 : end - 1].strip())
            shorter = [line[min(margin, len(line) - len(line.lstrip(" \t"))) :] for line in rest]
            return code[:begin] + _OPERATOR.sub(r" \1", "".join([top, *shorter])) + code[end:]
    return None


def _chains(tokens: Sequence[tokenize.TokenInfo], pair: Pair) -> Iterator[Sequence[tokenize.TokenInfo]]:
    """The names with all that is called on them, right inside a pair of brackets."""
    chain: list[tokenize.TokenInfo] = []
    level = 0
    for token in tokens[pair.opening + 1 : pair.closing]:
        level += token.string in OPENING
        held = level or token.string == "." or token.type == tokenize.NL
        if held or (token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING) and not iskeyword(token.string)):
            if chain or token.type != tokenize.NL:
                chain.append(token)
        else:
            yield from _trimmed(chain)
            chain = []
        level -= token.string in CLOSING
    yield from _trimmed(chain)


def _fits(code: str, chain: Sequence[tokenize.TokenInfo], width: int) -> bool:
    """Whether a chain whose only line breaks are before its dots fits on one line, with what is around it there."""
    first, last = chain[0].start[0] - 1, chain[-1].end[0]
    begun, *rest = lines_of(code)[first:last]
    whole = begun.rstrip() + "".join(line.strip() for line in rest)
    return len(whole) <= width and all(line.lstrip().startswith(".") for line in rest)


def _trimmed(chain: list[tokenize.TokenInfo]) -> Iterator[Sequence[tokenize.TokenInfo]]:
    while chain and chain[-1].type == tokenize.NL:
        chain.pop()
    if chain:
        yield chain


def _links(chain: Sequence[tokenize.TokenInfo]) -> int:
    """How many attributes are taken of what has been called or indexed."""
    plain = [token for token in chain if token.type != tokenize.NL]
    return sum(
        token.string == "." and n > 0 and plain[n - 1].string in CLOSING and depth(plain[:n]) == 0
        for n, token in enumerate(plain)
    )
