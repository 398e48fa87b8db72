"""Code that has become shorter or longer, on fewer or more lines, as a formatter would write it."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from transfer_lint.files.parsing import parse
from transfer_lint.files.text import lines_of
from transfer_lint.fixing.brackets import (
    CLOSING,
    depth,
    is_around_all,
    keeps_lines,
    pairs_of,
    starts_of,
    tokens_of,
)
from transfer_lint.fixing.chains import unbracketed, unchained
from transfer_lint.fixing.parting import broken, lines_parted, parted
from transfer_lint.fixing.tokens import longest, spans, spelled, spelling, statements

_Change: TypeAlias = tuple[int, int, int, int]
"""From which to which of the old lines, and from which to which of the new ones."""

_MUCH = 1.2  # times as long as what stood there: a line that was several
_LINE_END = re.compile(r"[ \t]*\r?\n[ \t]*")
_NO_BLANK = re.compile(rf"(?<=[(\[{{]){_LINE_END.pattern}|{_LINE_END.pattern}(?=[)\]}}]|\.[^0-9])")
"""A line's end that leaves no blank: after an opening bracket, and before a closing one and the dot of an attribute."""
_LAST_COMMA = re.compile(rf",(?={_LINE_END.pattern}[)\]}}])")


def laid_out(before: str, after: str, width: int, indent: str, *, formatted: bool = True) -> str:
    """`after` with the statements that are not in `before` on as many lines as they need.

    Brackets that fit on a line are joined, where a formatter has put them on lines of their own: the opening one ends a
    line, the closing one begins one. What holds a comment, a comma before its closing bracket, or a text of several
    lines stays. A call that does not fit on its line is parted, where no line of code in `before` is as long, nor what
    stood there. Never is it other code.

    formatted: a formatter keeps the width; else it is that of the code in `before`, and comments may be over it.
    """
    try:
        known = spelled(before)
        found = [each for each in statements(after) if spelling(each) not in known]
    except (tokenize.TokenError, SyntaxError):
        return after
    lines = lines_of(after)
    most = max(width, longest(before))
    old = lines_of(before)
    changes = list(_changes(old, lines))
    columns = [len((line if formatted else line.partition("#")[0]).rstrip()) for line in old]
    stood = _lengths(columns, changes)
    free = frozenset() if formatted else _lines_over(columns, changes, width)
    for statement in reversed(found):
        first, last = statement[0].start[0] - 1, statement[-1].end[0]
        allowed = max(most, *(stood.get(line, 0) for line in range(first, last)))
        if spans(statement):
            lines[first:last] = [_shorter("".join(lines[first:last]), frozenset(old), allowed, width, indent)]
        elif first not in free and _end(statement, () if formatted else old) > allowed:
            lines[first] = line = parted(lines[first], statement, width, indent)
            if line.count("\n") == 1 and len(line) > allowed * _MUCH:
                lines[first] = broken(line, statement, width, indent)
    new = "".join(lines)
    return new if new == after or _tree(new) == _tree(after) else after


def _end(statement: Sequence[tokenize.TokenInfo], old: Sequence[str]) -> int:
    """The column where a statement on one line ends: without its comment, if that stood behind code on an old line."""
    *_, last, _ = statement
    beside = [line for line in old if line.rstrip().endswith(last.string) and line.lstrip()[0] not in CLOSING]
    return statement[-3 if last.type == tokenize.COMMENT and beside else -2].end[1]


def _shorter(code: str, old: Collection[str], most: int, width: int, indent: str) -> str:
    """A statement of several lines on as few as a formatter would need; as given, if that has shorter lines."""
    given = code
    if _is_by_hand(code, old):
        return "".join(lines_parted(lines_of(code), old, most, width, indent))
    code = unchained(_unnested(code, old), width)
    bare = unbracketed(code)
    for form in (bare, code) if bare else (code,):
        lines = lines_of(_at_other_call(_join(form, width), width, indent))
        if len(lines) == 1 and len(lines[0].rstrip()) > most and (found := list(statements(lines[0]))):
            lines = lines_of(parted(lines[0], found[0], width, indent))
        else:
            lines = lines_of("".join(lines_parted(lines, old, most, width, indent)))
        if form is code or all(len(line.rstrip()) <= width for line in lines):
            break
    shorter = "".join(lines)
    return given if _columns(given) < _columns(shorter) > most else shorter


def _is_by_hand(code: str, old: Collection[str]) -> bool:
    """Whether a line of a statement has stood there that opens two brackets for the next: no formatter does that."""
    tokens = tokens_of(code)
    lines = enumerate(lines_of(code), 1)
    return any(depth([token for token in tokens if token.start[0] == n]) > 1 for n, line in lines if line in old)


def _columns(code: str) -> int:
    """The columns of the longest line."""
    return max(len(line.rstrip()) for line in lines_of(code))


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
    new = parted(flat, next(iter(statements(flat))), width, indent)
    return new if new != flat and all(len(line.rstrip()) <= width for line in lines_of(new)) else code


def _tree(code: str) -> str:
    """The syntax tree as text; "" for what does not stand at the top level."""
    try:
        return ast.dump(parse(code))
    except (SyntaxError, ValueError):
        return ""


def _lengths(columns: Sequence[int], changes: Sequence[_Change]) -> Mapping[int, int]:
    """The index of each line that has changed -> the columns of the longest line in its place before."""
    return {
        line: max(columns[begin:end], default=0) for begin, end, first, last in changes for line in range(first, last)
    }


def _lines_over(columns: Sequence[int], changes: Sequence[_Change], width: int) -> frozenset[int]:
    """The indices of the lines in place of one that was over the width: nobody keeps it there."""
    return frozenset(
        line
        for begin, end, first, last in changes
        for line, before in zip(range(first, last), columns[begin:end], strict=False)
        if end - begin == last - first and before > width
    )


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Change]:
    """What has been replaced."""
    from difflib import SequenceMatcher

    for kind, *span in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "replace":
            begin, end, first, last = span
            yield begin, end, first, last


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
