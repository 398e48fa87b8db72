"""Brackets in the tokens of a statement."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transfer_lint.files.text import lines_of

OPENING, CLOSING = frozenset("([{"), frozenset(")]}")
LOOSE = frozenset({"if", "else", "and", "or", "not", "in", "is", "<", ">", "==", "!=", "<=", ">=", ",", "|", "&", "^"})
"""What binds looser than arithmetic: a value with this in it is parted there first."""
OPERATORS = LOOSE | {"+", "-", "*", "/", "//", "%", "@", "**", "<<", ">>"}
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
    return bool(inside) and inside[0].type == inside[-1].type == tokenize.NL and not any(map(keeps_lines, inside))


def keeps_lines(token: tokenize.TokenInfo) -> bool:
    """Whether code with this token in it cannot be joined: a comment, or a text of several lines."""
    return token.type == tokenize.COMMENT or (token.type != tokenize.NL and token.start[0] != token.end[0])


def is_around_all(tokens: Sequence[tokenize.TokenInfo], pair: Pair) -> bool:
    """Whether the parentheses are around a whole value, where one line needs none."""
    before, after = tokens[pair.opening - 1], tokens[pair.closing + 1]
    if tokens[pair.opening].string != "(" or not (after.type == tokenize.NEWLINE or after.string == ":"):
        return False
    if before.string not in _BEFORE_VALUE and not is_augmented(before.string):
        return False
    level = 0
    for token in tokens[pair.opening + 1 : pair.closing]:
        level += (token.string in OPENING) - (token.string in CLOSING)
        if level == 0 and token.string in (",", ":=", "for", "yield"):
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


def closing_of(tokens: Sequence[tokenize.TokenInfo], opening: int) -> int:
    """The index of the bracket that closes the one at `opening`; -1 if there is none."""
    return next((n for n in range(opening + 1, len(tokens)) if depth(tokens[opening : n + 1]) == 0), -1)


def depth(tokens: Sequence[tokenize.TokenInfo]) -> int:
    """How many more brackets open than close."""
    return sum((token.string in OPENING) - (token.string in CLOSING) for token in tokens)


def commas_of(tokens: Sequence[tokenize.TokenInfo]) -> Sequence[int]:
    """The indexes of the commas outside of brackets that part items: not those of a `lambda`'s parameters."""
    found: list[int] = []
    level = parameters = 0
    for index, token in enumerate(tokens):
        level += (token.string in OPENING) - (token.string in CLOSING)
        if level == 0:
            parameters += (token.string == "lambda") - (token.string == ":" and parameters > 0)
            if token.string == "," and not parameters:
                found.append(index)
    return found


def clauses_of(tokens: Sequence[tokenize.TokenInfo]) -> Sequence[int]:
    """The indexes of the `for` and `if` that begin the clauses of a comprehension, if that is what the tokens are."""
    level, found = 0, list[int]()
    for index, token in enumerate(tokens):
        level += (token.string in OPENING) - (token.string in CLOSING)
        if level == 0 and (token.string == "for" or (token.string == "if" and found)):
            found.append(index - (tokens[index - 1].string == "async"))
    return found


def between(
    tokens: Sequence[tokenize.TokenInfo], at: Sequence[int], *, kept: bool = False
) -> Iterator[Sequence[tokenize.TokenInfo]]:
    """The tokens between those at these indexes; each of these begins what follows it, or is left out."""
    starts = [0, *(n if kept else n + 1 for n in at)]
    for start, stop in zip(starts, [*at, len(tokens)], strict=True):
        if start < stop:
            yield tokens[start:stop]


def is_operator(token: tokenize.TokenInfo) -> bool:
    """Whether it stands between two values, or before one."""
    return token.string in OPERATORS


def is_loose(tokens: Sequence[tokenize.TokenInfo]) -> bool:
    """Whether something outside of brackets binds looser than arithmetic."""
    return any(token.string in LOOSE and depth(tokens[:n]) == 0 for n, token in enumerate(tokens))
