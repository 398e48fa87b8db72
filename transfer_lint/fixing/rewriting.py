"""Carry out a plan on one file's text. libcst is imported only when the first file has to change."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from transfer_codemods.actions import Anchor
from transfer_codemods.style import Style
from transfer_lint.files.parsing import parse
from transfer_lint.files.text import lines_of
from transfer_lint.findings import Changes, Edit, EditComment
from transfer_lint.fixing.layout import laid_out
from transfer_lint.problems import Problem

if TYPE_CHECKING:
    from transfer_codemods.fix_transfers import Rewriter


@dataclass(frozen=True)
class Rewrite:
    """The result of a rewrite. text: the new text. refused: anchors of actions that were not carried out, and why."""

    text: str
    refused: Mapping[Anchor, str]


def rewrite(
    path: str,
    text: str,
    changes: Changes,
    target_version: tuple[int, int] | None = None,
    style: Style | None = None,
) -> Rewrite:
    """Carry out `changes` in `text`; everything else stays the same, byte for byte.

    style: how new code is written; None: as the file is.

    Raises:
        Problem: libcst cannot parse the text or cannot reproduce it, or the rewrite does not parse as Python
            `target_version`.
    """
    return rewriting_of(path, text, target_version, style).carry_out(changes)


def rewriting_of(
    path: str, text: str, target_version: tuple[int, int] | None = None, style: Style | None = None
) -> Rewriting:
    """The rewriting of a text, see `rewrite`. That of a text that was asked for a moment ago is used again."""
    key = path, text, target_version, style
    found = _RECENT.pop(key, None) or Rewriting(path, text, target_version, style)
    _RECENT[key] = found
    while len(_RECENT) > 1 and sum(len(one[1]) for one in _RECENT) > _MOST_RECENT:
        del _RECENT[next(iter(_RECENT))]
    return found


_MOST_RECENT = 200_000  # characters; what libcst makes of a text takes hundreds of times its size


class Rewriting:
    """Carries out changes in a text, which is parsed by libcst once, however many there are.

    target_version, style: see `rewrite`.
    """

    def __init__(
        self, path: str, text: str, target_version: tuple[int, int] | None = None, style: Style | None = None
    ) -> None:
        self._style = style
        self._path = path
        self._text = text
        self._target_version = target_version
        self._parses = False  # whether it is known that the text parses

    def carry_out(self, changes: Changes) -> Rewrite:
        """The text with these changes and no others. Raises what `rewrite` raises."""
        plan = {anchor: change for anchor, change in changes.items() if not isinstance(change, EditComment)}
        if not plan:
            edited = {anchor: change for anchor, change in changes.items() if isinstance(change, EditComment)}
            return Rewrite(edit_comments(self._text, edited), {})
        try:
            rewritten = self._rewriter.rewrite(plan)
            start, end, part = self._rewriter.code(rewritten.module)
        except RecursionError:
            raise self._too_deep() from None
        if part != self._text[start:end]:
            formatted = self._style is not None and self._style.line_length is not None
            indent = rewritten.module.default_indent
            part = laid_out(self._text[start:end], part, self._rewriter.width, indent, formatted=formatted)
            if not self._parses:
                _must_parse(self._path, self._text, 0, self._target_version)
                self._parses = True  # so it is enough to look at what has changed
            _must_parse(self._path, part, self._text.count("\n", 0, start), self._target_version)
        return Rewrite(self._text[:start] + part + self._text[end:], rewritten.refused)

    @cached_property
    def _rewriter(self) -> Rewriter:
        import libcst as cst

        from transfer_codemods import Rewriter

        try:
            body = self._text.rstrip(" \t")
            if not body.endswith(("\n", "\r")):
                body = self._text
            # blanks on a last line without an end get lost in libcst
            rewriter = Rewriter(cst.parse_module(body), self._style)
            if rewriter.text != body:
                what = "cannot be rewritten without disturbing it (libcst reads it differently)"
                raise Problem(self._path, what, "edit by hand")
            return rewriter
        except cst.ParserSyntaxError as error:
            what = f"cannot be rewritten: libcst does not parse it (line {error.raw_line}: {error.message})"
            raise Problem(self._path, what, "edit by hand") from None
        except RecursionError:
            raise self._too_deep() from None

    def _too_deep(self) -> Problem:
        return Problem(self._path, "cannot be rewritten: it nests too deep", "edit by hand")


_RECENT: dict[tuple[str, str, tuple[int, int] | None, Style | None], Rewriting] = {}  # what was used last stands last


def edit_comments(text: str, changes: Mapping[Anchor, EditComment]) -> str:
    """Edit comments, and delete lines that are then empty.

    Lines 1 and 2 are never deleted: a comment further down could move into them and be read as a coding cookie.
    """
    lines = lines_of(text)
    for (line, column), change in sorted(changes.items(), reverse=True):
        old = lines[line - 1]
        end = old[len(old.rstrip("\r\n")) :]
        after = old[change.end_column - 1 : len(old) - len(end)]
        new = (old[: column - 1] + change.text + (after if change.text else after.lstrip())).rstrip()
        lines[line - 1] = new + end if new or line <= 2 else ""
    return "".join(lines)


def _must_parse(path: str, text: str, lines_above: int, target_version: tuple[int, int] | None) -> None:
    version = min(target_version or sys.version_info[:2], sys.version_info[:2])
    try:
        parse(text, feature_version=version)
    except SyntaxError as error:
        line = (error.lineno or 1) + lines_above
        what = f"its rewrite does not parse as Python {version[0]}.{version[1]} (line {line}: {error.msg})"
        raise Problem(path, f"{what}, left as it was", "raise target-version, or report this as a bug") from None


def edits(before: str, after: str) -> tuple[Edit, ...]:
    """The edits that turn `before` into `after`: whole lines, in order."""
    import difflib

    old, new = lines_of(before), lines_of(after)
    shorter = min(len(old), len(new))
    above = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    below = next((n for n in range(shorter - above) if old[-1 - n] != new[-1 - n]), shorter - above)
    matcher = difflib.SequenceMatcher(
        None, old[above : len(old) - below], new[above : len(new) - below], autojunk=False
    )
    return tuple(
        Edit(*_position(old, above + i1), *_position(old, above + i2), "".join(new[above + j1 : above + j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    )


def _position(lines: list[str], index: int) -> tuple[int, int]:
    """(line, column), 1-based, of the start of the line at `index`; past the last line, of the end of the text."""
    if index == len(lines) and lines and lines[-1][-1] not in "\r\n":
        return index, len(lines[-1]) + 1
    return index + 1, 1
