"""Chains of calls over several lines, as a formatter would write them once they have lost a call.

A formatter puts each call of a chain on a line of its own only where two of them follow what has been called, or
indexed, already: of `f(x).to(d)` it parts the arguments instead.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from keyword import iskeyword

from transfer_lint.files.text import lines_of

OPENING, CLOSING = frozenset("([{"), frozenset(")]}")
_BEFORE_VALUE = frozenset({"=", "return", "if", "elif", "while", "in", "assert"})


@dataclass(frozen=True)
class Pair:
    """A pair of brackets, by the indexes of their tokens."""

    opening: int
    closing: int


def tokens_of(code: str) -> Sequence[tokenize.TokenInfo]:
    """The tokens of a statement; none if it cannot be read."""
    try:
        return list(tokenize.generate_tokens(io.StringIO(code, newline="").readline))
    except (tokenize.TokenError, SyntaxError):
        return ()


def pairs_of(tokens: Sequence[tokenize.TokenInfo]) -> Sequence[Pair]:
    """The pairs of brackets whose content stands on lines of its own, and may be joined: the outer before the inner."""
    found: list[Pair] = []
    stack: list[int] = []
    for index, token in enumerate(tokens):
        if token.type == tokenize.OP and token.string in OPENING:
            stack.append(index)
        elif token.type == tokenize.OP and token.string in CLOSING and stack:
            found.append(Pair(stack.pop(), index))
    return [pair for pair in sorted(found, key=lambda pair: pair.opening) if _is_apart(tokens, pair)]


def _is_apart(tokens: Sequence[tokenize.TokenInfo], pair: Pair) -> bool:
    inside = tokens[pair.opening + 1 : pair.closing]
    return bool(inside) and inside[0].type == inside[-1].type == tokenize.NL and not any(map(_keeps_lines, inside))


def _keeps_lines(token: tokenize.TokenInfo) -> bool:
    return token.type == tokenize.COMMENT or (token.type != tokenize.NL and token.start[0] != token.end[0])


def is_around_all(tokens: Sequence[tokenize.TokenInfo], pair: Pair) -> bool:
    """Whether the parentheses are around a whole value, where one line needs none."""
    before, after = tokens[pair.opening - 1], tokens[pair.closing + 1]
    if tokens[pair.opening].string != "(" or not (after.type == tokenize.NEWLINE or after.string == ":"):
        return False
    if before.string not in _BEFORE_VALUE and not is_augmented(before.string):
        return False
    depth = 0
    for token in tokens[pair.opening + 1 : pair.closing]:
        depth += (token.string in OPENING) - (token.string in CLOSING)
        if depth == 0 and token.string in (",", ":=", "for", "yield"):
            return False
    return True


def is_augmented(sign: str) -> bool:
    """Whether it is the sign of an assignment such as `+=`."""
    return sign in ("<<=", ">>=") or re.fullmatch(r"[^\w=<>!:]{1,2}=", sign) is not None


def starts_of(code: str) -> Sequence[int]:
    """Where the lines of a text begin, and where the last one ends."""
    starts = [0]
    for line in lines_of(code):
        starts.append(starts[-1] + len(line))
    return starts


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
        if dot.string == "." and n > 1 and chain[n - 1].type == tokenize.NL and _level(chain, n) == 0
    ]
    for begin, end in sorted(cuts, reverse=True):
        code = code[:begin] + code[end:]
    return code


def unbracketed(code: str) -> str | None:
    """A statement without the brackets around its value, if that is a chain that is not to be parted at its dots."""
    tokens, starts = tokens_of(code), starts_of(code)
    for pair in pairs_of(tokens):
        chains = list(_chains(tokens, pair))
        inside = [token for token in tokens[pair.opening + 1 : pair.closing] if token.type != tokenize.NL]
        if is_around_all(tokens, pair) and len(chains) == 1 and _links(chains[0]) < 2:
            first = 1 if inside[0].string in ("-", "+", "~") else 0
            if inside[first] is not chains[0][0] or inside[-1] is not chains[0][-1]:
                return None
            opening, closing = tokens[pair.opening], tokens[pair.closing]
            begin = starts[opening.start[0] - 1] + opening.start[1]
            end = starts[closing.end[0] - 1] + closing.end[1]
            margin = inside[0].start[1] - (len(code) - len(code.lstrip(" \t")))
            top, *rest = lines_of(code[begin + 1 : end - 1].strip())
            shorter = [line[min(margin, len(line) - len(line.lstrip(" \t"))) :] for line in rest]
            return code[:begin] + "".join([top, *shorter]) + code[end:]
    return None


def _chains(tokens: Sequence[tokenize.TokenInfo], pair: Pair) -> Iterator[Sequence[tokenize.TokenInfo]]:
    """The names with all that is called on them, right inside a pair of brackets."""
    chain: list[tokenize.TokenInfo] = []
    depth = 0
    for token in tokens[pair.opening + 1 : pair.closing]:
        depth += token.string in OPENING
        held = depth or token.string == "." or token.type == tokenize.NL
        if held or (token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING) and not iskeyword(token.string)):
            if chain or token.type != tokenize.NL:
                chain.append(token)
        else:
            yield from _trimmed(chain)
            chain = []
        depth -= token.string in CLOSING
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


def _level(chain: Sequence[tokenize.TokenInfo], n: int) -> int:
    before = [token.string for token in chain[:n]]
    return sum(string in OPENING for string in before) - sum(string in CLOSING for string in before)


def _links(chain: Sequence[tokenize.TokenInfo]) -> int:
    """How many attributes are taken of what has been called or indexed."""
    plain = [token for token in chain if token.type != tokenize.NL]
    return sum(
        token.string == "." and n > 0 and plain[n - 1].string in CLOSING and _level(plain, n) == 0
        for n, token in enumerate(plain)
    )
