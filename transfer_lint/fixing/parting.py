"""Lines that are too long, parted into rows where a formatter parts them."""

from __future__ import annotations

import tokenize
from collections.abc import Collection, Iterator, Sequence
from keyword import iskeyword

from transfer_lint.fixing.brackets import (
    CLOSING,
    OPENING,
    OPERATORS,
    between,
    clauses_of,
    closing_of,
    commas_of,
    depth,
    is_augmented,
    is_loose,
    is_operator,
)
from transfer_lint.fixing.tokens import statements

_BETWEEN = OPERATORS | {"for"}
"""What a formatter begins a line with, where it parts a value there."""
_CHAIN = 3  # calls of methods that a formatter puts on a line each, if they do not fit on one
_LEVELS = (
    {"if", "else"},
    {"or"},
    {"and"},
    {"<", ">", "==", "!=", "<=", ">="},
    {"|"},
    {"^"},
    {"&"},
    {"<<", ">>"},
    {"+", "-"},
    {"*", "/", "//", "%", "@"},
)
"""The operators that part a value, from the loosest."""


def parted(line: str, statement: Sequence[tokenize.TokenInfo], width: int, indent: str) -> str:
    """A line that is too long, on several lines, as a formatter parts the value of an assignment or of a `return`.

    A value that begins with a call has the call's arguments on a line of their own if they fit there, else on one each.
    Another one, or a chain of three calls, is put into brackets, in one piece or parted at its operators or calls. What
    would still be too long stays.
    """
    tokens = [token for token in statement[:-1] if token.type != tokenize.COMMENT]
    if tokens[-1].string == ":":
        tokens.pop()
    margin, end = line[: len(line) - len(line.lstrip())], line[len(line.rstrip("\r\n")) :]
    begin = max((n + 1 for n, token in enumerate(tokens) if _begins_value(tokens, n)), default=0)
    value = tokens[begin:]
    if tokens[0].string == "assert":
        value = list(next(between(value, commas_of(value))))
    if not value:
        return line
    rows = (begin and _long_chain(line, value, width, margin + indent)) or (
        _call_in_rows(line, value, width, margin + indent, indent)
        or (_bracketed(line, value, width, margin + indent) if begin else None)
    )
    if rows is None:
        return line
    first, *inner, last = rows
    ending = f"{margin}{last}{line[value[-1].end[1] :]}"
    return end.join([line[: value[0].start[1]] + first, *(margin + indent + row for row in inner), ending])


def lines_parted(lines: Sequence[str], old: Collection[str], most: int, width: int, indent: str) -> Iterator[str]:
    """The lines of a statement of several lines. Those that are new and too long are parted.

    Only what a bracket holds on one line of its own, all of it or one item: a formatter parts that at its commas, and
    an item that is a call, or a list, at its brackets.
    """
    tokens = [token for statement in statements("".join(lines)) for token in statement]
    for number, line in enumerate(lines, 1):
        short = line in old or len(line.rstrip()) <= most
        inside = [] if short else [n for n, token in enumerate(tokens) if token.start[0] == number]
        if not inside:
            yield line
            continue
        held = [tokens[n] for n in inside]
        around = [n for n, token in enumerate(tokens) if token.type != tokenize.COMMENT and n not in inside]
        before = next((tokens[n].string for n in reversed(around) if n < inside[0]), "")
        after = next((tokens[n].string for n in around if n > inside[-1]), "")
        rows = _held_in_rows(line, held, before, after, width, indent)
        end = line[len(line.rstrip("\r\n")) :]
        yield from [row + end for row in rows] if rows is not None else [line]


def _held_in_rows(
    line: str,
    held: Sequence[tokenize.TokenInfo],
    before: str,
    after: str,
    width: int,
    indent: str,
) -> list[str] | None:
    """The items on a line between two brackets, or the one item between commas, in rows; None if they do not fit."""
    margin = line[: len(line) - len(line.lstrip())]
    comment = line[held[-1].start[1] :].rstrip() if held[-1].type == tokenize.COMMENT else ""
    held = [token for token in held if token.type != tokenize.COMMENT]
    if not held or any(depth(held[:n]) < 0 for n in range(len(held) + 1)) or depth(held):
        return None
    commas = commas_of(held)
    items = list(between(held, commas or clauses_of(held), kept=not commas))
    alone = len(items) == 1 and (before == "," or before in OPENING or held[0].string in _BETWEEN)
    if not alone and not (before in OPENING and after in CLOSING):
        return None
    rows = [row for item in items for row in _item_in_rows(line, item, margin, width, indent, bool(commas))]
    if not all(len(row) <= width for row in rows):
        return None
    return [*rows[:-1], f"{rows[-1]}  {comment}" if comment else rows[-1]]


def _item_in_rows(
    line: str, item: Sequence[tokenize.TokenInfo], margin: str, width: int, indent: str, comma: bool
) -> list[str]:
    """One item, with the comma behind it; parted at the last bracket that it can be, if it does not fit on a row."""
    text = line[item[0].start[1] : item[-1].end[1]]
    end = "," if comma else ""
    begin = next((n + 1 for n, token in enumerate(item) if token.string == "in"), 0) if item[0].string == "for" else 0
    begin = begin or item[0].string in _BETWEEN
    if len(margin + text + end) <= width:
        return [margin + text + end]
    for opening in reversed([n for n, t in enumerate(item) if t.string in ("(", "[") and depth(item[:n]) == 0]):
        closing = closing_of(item, opening)
        inner = item[opening + 1 : closing]
        if not inner:
            continue
        if is_loose((*item[begin:opening], *item[closing + 1 :])):
            break
        if not _takes_comma(item, opening) and opening != begin:
            break
        if _takes_comma(item, opening):
            rows = _inside_in_rows(line, inner, margin + indent, width, indent, item[opening].string == "[")
        else:
            rows = [margin + indent + line[inner[0].start[1] : inner[-1].end[1]]]
        head = margin + line[item[0].start[1] : item[opening].end[1]]
        tail = margin + line[item[closing].start[1] : item[-1].end[1]] + end
        if len(head) <= width and len(tail) <= width:
            return [head, *rows, tail]
    return [margin + text + end]


def _inside_in_rows(
    line: str, inside: Sequence[tokenize.TokenInfo], margin: str, width: int, indent: str, apart: bool
) -> list[str]:
    """What stands in brackets, on one row if it fits there, else one each of its items, or of its clauses.

    apart: the brackets are those of a list, whose items are always on one each.
    """
    commas, clauses = commas_of(inside), clauses_of(inside)
    whole = margin + line[inside[0].start[1] : inside[-1].end[1]]
    if len(whole) <= width and not (apart and not clauses):
        return [whole]
    parts = between(inside, clauses, kept=True) if clauses else between(inside, commas)
    return [row for part in parts for row in _item_in_rows(line, part, margin, width, indent, not clauses)]


def _takes_comma(item: Sequence[tokenize.TokenInfo], opening: int) -> bool:
    """Whether a bracket is that of a call, or of a list: in others, a comma at the end would make a tuple."""
    before = item[opening - 1] if opening else None
    named = before is not None and before.type == tokenize.NAME and not iskeyword(before.string)
    return named if item[opening].string == "(" else before is None or before.string in OPENING | {"=", ","}


def broken(line: str, statement: Sequence[tokenize.TokenInfo], width: int, indent: str) -> str:
    """A line that was several, and that fits in no form of a formatter: broken at commas in brackets."""
    margin, end = line[: len(line) - len(line.lstrip())] + indent, line[len(line.rstrip("\r\n")) :]
    commas = [t.end[1] for n, t in enumerate(statement) if t.string == "," and depth(statement[:n]) > 0]
    rows, start = [], 0
    while len(line[start:].rstrip()) + (len(margin) if start else 0) > width:
        room = width - (len(margin) if start else 0)
        cut = max((column for column in commas if start < column <= start + room), default=0)
        if not cut:
            return line
        rows.append(line[start:cut].strip() if start else line[start:cut])
        start = cut
    return end.join([rows[0], *(margin + row for row in (*rows[1:], line[start:].strip()))]) + end if rows else line


def _begins_value(tokens: Sequence[tokenize.TokenInfo], n: int) -> bool:
    word = tokens[n].string
    if n == 0 or tokens[0].string in ("for", "async"):
        return word in ("return", "assert", "if", "elif", "while", "in") and depth(tokens[:n]) == 0
    return (word in ("=", "await") or is_augmented(word)) and depth(tokens[:n]) == 0


def _call_in_rows(
    line: str, value: Sequence[tokenize.TokenInfo], width: int, margin: str, indent: str
) -> list[str] | None:
    """What ends with `f(`, the arguments, and what begins with `)`; None if there is no such call.

    It is the call at the end of the value, or else the one at its beginning; or the value is a list or the like.
    """
    operators = [token.string for n, token in enumerate(value) if is_operator(token) and depth(value[:n]) == 0]
    for opening, closing in _calls(value):
        inside, begin = value[opening + 1 : closing], value[0].start[1]
        if not inside or is_loose(value[closing + 1 :]) or (is_loose(value[:opening]) and len(operators) > 1):
            continue
        rows = [row[len(margin) :] for row in _inside_in_rows(line, inside, margin, width, indent, opening == 0)]
        last = line[value[closing].start[1] : value[-1].end[1]]
        if value[opening].end[1] <= width and _fit([*rows, last], margin, width):
            return [line[begin : value[opening].end[1]], *rows, last]
    return None


def _calls(value: Sequence[tokenize.TokenInfo]) -> Iterator[tuple[int, int]]:
    """The indexes of the brackets of the calls at the end of a value, and of the one at its beginning.

    Those of a list or dictionary count as such.
    """
    around = value[0].string in OPENING and closing_of(value, 0) == len(value) - 1
    if around and (value[0].string != "(" or commas_of(value[1:-1])):
        yield 0, len(value) - 1
    for n in reversed(range(1, len(value))):
        closing = closing_of(value, n) if value[n].string == "(" and depth(value[:n]) == 0 else 0
        if closing and _is_called(value[n - 1]) and _is_chain(value[closing + 1 :]):
            yield n, closing
    first = next((n for n, token in enumerate(value) if token.string == "("), 0)
    if (
        first
        and _is_called(value[first - 1])
        and all(token.type == tokenize.NAME or token.string in (".", "-") for token in value[:first])
    ):
        yield first, closing_of(value, first)


def _is_called(token: tokenize.TokenInfo) -> bool:
    """Whether brackets after it are those of a call."""
    return token.string in CLOSING or (token.type == tokenize.NAME and not iskeyword(token.string))


def _is_chain(tokens: Sequence[tokenize.TokenInfo]) -> bool:
    """Whether they are attributes, calls and items of what stands before them."""
    return all(
        depth(tokens[:n]) > 0
        or token.string in OPENING | CLOSING | {"."}
        or (token.type == tokenize.NAME and not iskeyword(token.string))
        for n, token in enumerate(tokens)
    )


def _bracketed(line: str, value: Sequence[tokenize.TokenInfo], width: int, margin: str) -> list[str] | None:
    """The value in brackets, on a line of its own; if it needs several, one for each item, or each loosest operator."""
    if (
        value[0].string == "lambda"
        or all(token.type == tokenize.NAME or token.string == "." for token in value)
        or _is_one_call(value)
    ):
        return None
    rows = [line[value[0].start[1] : value[-1].end[1]]]
    if commas := commas_of(value):
        rows = [line[part[0].start[1] : part[-1].end[1]] + "," for part in between(value, commas)]
    elif len(margin + rows[0]) > width:
        rows = [line[part[0].start[1] : part[-1].end[1]] for part in between(value, _turns(value), kept=True)]
    return ["(", *rows, ")"] if _fit(rows, margin, width) else None


def _long_chain(line: str, value: Sequence[tokenize.TokenInfo], width: int, margin: str) -> list[str] | None:
    """A value of three method calls or more, in brackets, on one line of its own or with one for each call."""
    dots = [n for n in range(1, len(value)) if value[n].string == "." and depth(value[:n]) == 0]
    called = [n for n in dots if value[n + 2 : n + 3] and value[n + 2].string == "("]
    if len(called) < _CHAIN or not _is_chain(value):
        return None
    rows = [line[value[0].start[1] : value[-1].end[1]]]
    if not _fit(rows, margin, width):
        rows = [line[part[0].start[1] : part[-1].end[1]] for part in between(value, called[1:], kept=True)]
    return ["(", *rows, ")"] if _fit(rows, margin, width) else None


def _turns(value: Sequence[tokenize.TokenInfo]) -> Sequence[int]:
    """The indexes of the loosest operators outside of brackets, which begin a row each."""
    outside = [n for n in range(1, len(value)) if depth(value[:n]) == 0 and not is_operator(value[n - 1])]
    return next((found for level in _LEVELS if (found := [n for n in outside if value[n].string in level])), ())


def _is_one_call(value: Sequence[tokenize.TokenInfo]) -> bool:
    """Whether there is no operator outside of brackets."""
    return all(
        token.type == tokenize.NAME or token.string == "." or token.string in OPENING | CLOSING or depth(value[:n]) > 0
        for n, token in enumerate(value)
    ) and not any(token.string in ("if", "else") for token in value)


def _fit(rows: Sequence[str], margin: str, width: int) -> bool:
    return all(len(margin + row) <= width for row in rows)
