"""Code that has become shorter or longer, on fewer or more lines, as a formatter would write it."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Collection, Iterator, Mapping, Sequence
from keyword import iskeyword

from transfer_lint.files.parsing import parse
from transfer_lint.files.text import lines_of
from transfer_lint.fixing.brackets import (
    CLOSING,
    LOOSE,
    OPENING,
    between,
    closing_of,
    depth,
    is_around_all,
    is_augmented,
    is_loose,
    keeps_lines,
    pairs_of,
    starts_of,
    tokens_of,
)
from transfer_lint.fixing.chains import unbracketed, unchained
from transfer_lint.fixing.tokens import longest, spans, spelled, spelling, statements

_BETWEEN = LOOSE | {"for", "+", "-", "*", "/", "//", "%", "@", "**", "<<", ">>"}
"""What a formatter begins a line with, where it parts a value there."""
_MUCH = 1.2  # times as long as what stood there: a line that was several
_LINE_END = re.compile(r"[ \t]*\r?\n[ \t]*")
_NO_BLANK = re.compile(rf"(?<=[(\[{{]){_LINE_END.pattern}|{_LINE_END.pattern}(?=[)\]}}]|\.[^0-9])")
"""A line's end that leaves no blank: after an opening bracket, and before a closing one and the dot of an attribute."""
_LAST_COMMA = re.compile(rf",(?={_LINE_END.pattern}[)\]}}])")


def laid_out(before: str, after: str, width: int, indent: str) -> str:
    """`after` with the statements that are not in `before` on as many lines as they need.

    Brackets that fit on a line are joined, where a formatter has put them on lines of their own: the opening one ends a
    line, the closing one begins one. What holds a comment, a comma before its closing bracket, or a text of several
    lines stays. A call that does not fit on its line is parted, where no line of code in `before` is as long, nor what
    stood there. Never is it other code.
    """
    try:
        known = spelled(before)
        found = [each for each in statements(after) if spelling(each) not in known]
    except (tokenize.TokenError, SyntaxError):
        return after
    lines = lines_of(after)
    most = max(width, longest(before))
    old = lines_of(before)
    stood = _lengths(old, lines)
    for statement in reversed(found):
        first, last = statement[0].start[0] - 1, statement[-1].end[0]
        allowed = max(most, *(stood.get(line, 0) for line in range(first, last)))
        if spans(statement):
            lines[first:last] = [_shorter("".join(lines[first:last]), frozenset(old), allowed, width, indent)]
        elif len(lines[first].rstrip("\r\n")) > allowed:
            lines[first] = parted = _parted(lines[first], statement, width, indent)
            if parted.count("\n") == 1 and len(parted) > allowed * _MUCH:
                lines[first] = _broken(parted, statement, width, indent)
    new = "".join(lines)
    return new if new == after or _tree(new) == _tree(after) else after


def _shorter(code: str, old: Collection[str], most: int, width: int, indent: str) -> str:
    """A statement of several lines on as few as a formatter would need."""
    code = unchained(_unnested(code, old), width)
    bare = unbracketed(code)
    for form in (bare, code) if bare else (code,):
        lines = lines_of(_at_other_call(_join(form, width), width, indent))
        if len(lines) == 1 and len(lines[0].rstrip()) > most and (found := list(statements(lines[0]))):
            lines = lines_of(_parted(lines[0], found[0], width, indent))
        else:
            lines = lines_of("".join(_lines_parted(lines, old, most, width, indent)))
        if form is code or all(len(line.rstrip()) <= width for line in lines):
            break
    return "".join(lines)


def _unnested(code: str, old: Collection[str]) -> str:
    """A statement on one line, if a new line of it opens two brackets for the next: no formatter does that."""
    tokens = tokens_of(code)
    if any(map(keeps_lines, tokens)):
        return code
    for number, line in enumerate(lines_of(code), 1):
        if line not in old and depth([token for token in tokens if token.start[0] == number]) > 1:
            text = code.rstrip("\r\n")
            return _LINE_END.sub(" ", _NO_BLANK.sub("", _LAST_COMMA.sub("", text))) + code[len(text) :]
    return code


def _at_other_call(code: str, width: int, indent: str) -> str:
    """A statement parted at another call than it was: a later one, if that is enough now, or an earlier one."""
    tokens = tokens_of(code)
    breaks = [n for n, token in enumerate(tokens) if token.type == tokenize.NL]
    pair = next(iter(pairs_of(tokens)), None)
    if pair is None or breaks != [pair.opening + 1, pair.closing - 1]:
        return code
    if tokens[pair.closing + 1].string != "." and all(len(line.rstrip()) <= width for line in lines_of(code)):
        return code
    if _has_closing_comma(tokens[pair.opening + 1 : pair.closing]):
        return code
    flat = _NO_BLANK.sub("", code.rstrip("\r\n")) + code[len(code.rstrip("\r\n")) :]
    new = _parted(flat, next(iter(statements(flat))), width, indent)
    return new if new != flat and all(len(line.rstrip()) <= width for line in lines_of(new)) else code


def _tree(code: str) -> str:
    """The syntax tree as text; "" for what does not stand at the top level."""
    try:
        return ast.dump(parse(code))
    except (SyntaxError, ValueError):
        return ""


def _lengths(old: Sequence[str], new: Sequence[str]) -> Mapping[int, int]:
    """The index of each line that has changed -> the columns of the longest line in its place before."""
    from difflib import SequenceMatcher

    changes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return {
        line: max((len(each.rstrip()) for each in old[begin:end]), default=0)
        for kind, begin, end, first, last in changes
        if kind == "replace"
        for line in range(first, last)
    }


def _parted(line: str, statement: Sequence[tokenize.TokenInfo], width: int, indent: str) -> str:
    """A line that is too long, on several lines, as a formatter parts the value of an assignment or of a `return`.

    A value that begins with a call has the call's arguments on a line of their own if they fit there, else on one each.
    Another one is put into brackets, in one piece or parted at its `if` and `else`. What would still be too long stays.
    """
    tokens = [token for token in statement[:-1] if token.type != tokenize.COMMENT]
    if tokens[-1].string == ":":
        tokens.pop()
    margin, end = line[: len(line) - len(line.lstrip())], line[len(line.rstrip("\r\n")) :]
    begin = max((n + 1 for n, token in enumerate(tokens) if _begins_value(tokens, n)), default=0)
    value = tokens[begin:]
    if not value or any(map(_stays, value)):
        return line
    rows = _call_in_rows(line, value, width, margin + indent, indent) or (
        _bracketed(line, value, width, margin + indent) if begin else None
    )
    if rows is None:
        return line
    first, *inner, last = rows
    ending = f"{margin}{last}{line[value[-1].end[1] :]}"
    return end.join([line[: value[0].start[1]] + first, *(margin + indent + row for row in inner), ending])


def _lines_parted(lines: Sequence[str], old: Collection[str], most: int, width: int, indent: str) -> Iterator[str]:
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
    if not held or any(map(_stays, held)) or any(depth(held[:n]) < 0 for n in range(len(held) + 1)) or depth(held):
        return None
    commas = [n for n, token in enumerate(held) if token.string == "," and depth(held[:n]) == 0]
    items = list(between(held, commas))
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
        commas = [n for n, token in enumerate(inner) if token.string == "," and depth(inner[:n]) == 0]
        whole = margin + indent + line[inner[0].start[1] : inner[-1].end[1]]
        rows = [whole]
        if (len(whole) > width or item[opening].string == "[") and _takes_comma(item, opening):
            parts = between(inner, commas)
            rows = [row for part in parts for row in _item_in_rows(line, part, margin + indent, width, indent, True)]
        head = margin + line[item[0].start[1] : item[opening].end[1]]
        tail = margin + line[item[closing].start[1] : item[-1].end[1]] + end
        if len(head) <= width and len(tail) <= width:
            return [head, *rows, tail]
    return [margin + text + end]


def _takes_comma(item: Sequence[tokenize.TokenInfo], opening: int) -> bool:
    """Whether a bracket is that of a call, or of a list: in others, a comma at the end would make a tuple."""
    before = item[opening - 1] if opening else None
    named = before is not None and before.type == tokenize.NAME and not iskeyword(before.string)
    return named if item[opening].string == "(" else before is None or before.string in OPENING | {"=", ","}


def _broken(line: str, statement: Sequence[tokenize.TokenInfo], width: int, indent: str) -> str:
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
    for opening, closing in _calls(value):
        inside, begin = value[opening + 1 : closing], value[0].start[1]
        if not inside or is_loose(value[:opening]) or is_loose(value[closing + 1 :]):
            continue
        rows = [line[inside[0].start[1] : inside[-1].end[1]]]
        commas = [n for n, token in enumerate(inside) if token.string == "," and depth(inside[:n]) == 0]
        if len(margin + rows[0]) > width or (opening == 0 and commas):
            items = between(inside, commas)
            rows = [
                row[len(margin) :] for part in items for row in _item_in_rows(line, part, margin, width, indent, True)
            ]
        last = line[value[closing].start[1] : value[-1].end[1]]
        if value[opening].end[1] <= width and _fit([*rows, last], margin, width):
            return [line[begin : value[opening].end[1]], *rows, last]
    return None


def _calls(value: Sequence[tokenize.TokenInfo]) -> Iterator[tuple[int, int]]:
    """The indexes of the brackets of the calls at the end of a value, and of the one at its beginning.

    Those of a list or dictionary count as such.
    """
    if value[0].string in ("[", "{") and closing_of(value, 0) == len(value) - 1:
        yield 0, len(value) - 1
    for n in reversed(range(1, len(value))):
        closing = closing_of(value, n) if value[n].string == "(" and depth(value[:n]) == 0 else 0
        if closing and value[n - 1].type == tokenize.NAME and _is_chain(value[closing + 1 :]):
            yield n, closing
    first = next((n for n, token in enumerate(value) if token.string == "("), 0)
    if first and all(token.type == tokenize.NAME or token.string in (".", "-") for token in value[:first]):
        yield first, closing_of(value, first)


def _is_chain(tokens: Sequence[tokenize.TokenInfo]) -> bool:
    """Whether they are attributes, calls and items of what stands before them."""
    return all(
        depth(tokens[:n]) > 0
        or token.string in OPENING | CLOSING | {"."}
        or (token.type == tokenize.NAME and not iskeyword(token.string))
        for n, token in enumerate(tokens)
    )


def _bracketed(line: str, value: Sequence[tokenize.TokenInfo], width: int, margin: str) -> list[str] | None:
    """The value in brackets, on a line of its own; a conditional on three, if it needs them."""
    if all(token.type == tokenize.NAME or token.string == "." for token in value) or _is_one_call(value):
        return None
    rows = [line[value[0].start[1] : value[-1].end[1]]]
    if len(margin + rows[0]) > width:
        turns = [n for n, token in enumerate(value) if token.string in ("if", "else") and depth(value[:n]) == 0]
        rows = [line[part[0].start[1] : part[-1].end[1]] for part in between(value, turns, kept=True)]
    return ["(", *rows, ")"] if _fit(rows, margin, width) else None


def _is_one_call(value: Sequence[tokenize.TokenInfo]) -> bool:
    """Whether there is no operator outside of brackets."""
    return all(
        token.type == tokenize.NAME or token.string == "." or token.string in OPENING | CLOSING or depth(value[:n]) > 0
        for n, token in enumerate(value)
    ) and not any(token.string in ("if", "else") for token in value)


def _fit(rows: Sequence[str], margin: str, width: int) -> bool:
    return all(len(margin + row) <= width for row in rows)


def _stays(token: tokenize.TokenInfo) -> bool:
    """Whether code with this token in it is not parted: commas would mean something else, or may not stand there."""
    return token.type == tokenize.COMMENT or token.string in ("lambda", "for")


def _join(code: str, width: int) -> str:
    """A statement with all brackets joined that fit, the outermost first."""
    while (shorter := _join_one(code, width)) is not None:
        code = shorter
    return code


def _join_one(code: str, width: int) -> str | None:
    tokens, starts = tokens_of(code), starts_of(code)
    for pair in pairs_of(tokens):
        if _has_closing_comma(tokens[pair.opening + 1 : pair.closing]):
            continue
        opening, closing = tokens[pair.opening], tokens[pair.closing]
        begin = starts[opening.end[0] - 1] + opening.end[1]
        end = starts[closing.start[0] - 1] + closing.start[1]
        old = code[begin:end].strip()
        inner = _LINE_END.sub(" ", _NO_BLANK.sub("", old))
        head, tail = code[:begin], code[end:]
        apart = code[begin:end].replace(old, inner)
        if is_around_all(tokens, pair):
            head, tail = head[:-1], tail[1:]
        new = head + inner + tail
        line = new[: len(head) + len(inner)].rpartition("\n")[2] + tail.partition("\n")[0].rstrip("\r")
        if len(line) <= width:
            return new
        if old != inner and len(apart.rstrip().rpartition("\n")[2]) <= width:
            return code[:begin] + apart + code[end:]
    return None


def _has_closing_comma(inside: Sequence[tokenize.TokenInfo]) -> bool:
    """Whether a comma stands before a closing bracket, inside or of the pair itself."""
    signs = [token for token in inside if token.type != tokenize.NL]
    pairs = zip(signs, [*signs[1:], None], strict=True)
    return any(one.string == "," and (two is None or two.string in CLOSING) for one, two in pairs)
