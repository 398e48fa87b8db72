"""`check --add-ignores`: write a suppression comment for every reported finding."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from transfer_lint.files import disk
from transfer_lint.files.decoding import decode
from transfer_lint.files.parsing import parse
from transfer_lint.files.temporary import remove_leftovers
from transfer_lint.files.text import Source, lines_of
from transfer_lint.findings import Finding
from transfer_lint.lint.deep_stack import deep
from transfer_lint.lint.outcome import Outcome
from transfer_lint.lint.suppression import Comments, Ignore, read_comments
from transfer_lint.problems import Problem


@dataclass
class Ignored:
    """What `--add-ignores` did. hidden: findings that are now suppressed. refused: those that cannot be, and why."""

    hidden: list[Finding] = field(default_factory=list)
    refused: dict[Finding, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def add_ignores(outcome: Outcome, reason: str, done: Ignored) -> None:
    """Write a suppression comment for each finding into its file, each file by atomic replacement.

    reason: added to new comments, and to extended comments that have no reason. done: is filled file by file.
    """
    by_path: dict[str, list[Finding]] = {}
    for finding in outcome.findings:
        by_path.setdefault(finding.path, []).append(finding)
    remove_leftovers(by_path)
    for path, findings in by_path.items():
        try:
            data = disk.read(path)
            file = decode(path, data)
            if file.text != outcome.texts[path]:
                raise Problem(path, "changed on disk while it was being looked at, left as it was", "run again")
            text, refused = with_ignores(file.text, findings, reason)
            done.refused.update(refused)
            hidden = partial(done.hidden.extend, [finding for finding in findings if finding not in refused])
            if text == file.text:
                hidden()
            else:
                disk.replace(path, data, _checked(file, text), hidden)
        except Problem as problem:
            done.problems.append(problem)


def _checked(file: Source, text: str) -> bytes:
    """The bytes to write. Raises Problem if the syntax tree is not the same as before, or `encode` raises it."""
    data = file.encode(text)
    if deep(_tree, file.text) != deep(_tree, text):
        raise Problem(file.path, "would not mean the same with the comments, left as it was", "write them by hand")
    return data


def _tree(text: str) -> str:
    return ast.dump(parse(text))


def with_ignores(text: str, findings: Sequence[Finding], reason: str) -> tuple[str, Mapping[Finding, str]]:
    """`text` with a suppression comment for each finding; and the findings that cannot be suppressed, and why."""
    why = "a comment cannot hide what is wrong with a comment or with the whole file"
    refused = {finding: why for finding in findings if finding.about_lint}
    hideable = [finding for finding in findings if finding not in refused]
    lines = lines_of(text)
    ends = _ends(text) if hideable else set()
    for finding in hideable:
        comments = read_comments("".join(lines), always=True)
        if comments.hide(finding):
            continue  # a comment suppresses it already, perhaps one written for another finding
        near = _near(finding, comments)
        existing = [ignore for line in near for ignore in comments.ignores if ignore.line == line]
        if existing and existing[0].ended:
            refused[finding] = f"its ignore comment has ended ({existing[0].terms.spelled}): give that a later end"
        elif existing:
            _extend(lines, existing[0], finding.code, reason)
        else:  # the statement's last line can always take a comment
            comment = f"# transfer-lint: ignore[{finding.code}]" + (f" {reason}" if reason else "")
            _append(lines, next(line for line in near if line in ends), comment)
    return "".join(lines), refused


def _near(finding: Finding, comments: Comments) -> list[int]:
    """The lines on which a comment suppresses the finding, the nearest first."""
    return list(dict.fromkeys((finding.end_line, finding.line, *comments.statements.get(finding.line, ())[::-1])))


def _extend(lines: list[str], ignore: Ignore, code: str, reason: str) -> None:
    line = lines[ignore.line - 1]
    why = ignore.reason or reason
    comment = f"# transfer-lint: ignore[{', '.join((*ignore.selectors, code))}]" + (f" {why}" if why else "")
    lines[ignore.line - 1] = line[: ignore.column - 1] + comment + line[ignore.end_column - 1 :]


def _append(lines: list[str], number: int, comment: str) -> None:
    line = lines[number - 1]
    body = line.rstrip()
    end = line[len(line.rstrip("\r\n")) :]
    lines[number - 1] = f"{body}  {comment}{end}"


def _ends(text: str) -> set[int]:
    """The lines that can take a comment at their end: not those that end inside a string or in a backslash."""
    found: set[int] = set()
    inside = 0  # nesting depth of f-strings: only the newest Pythons allow comments in them
    starts = getattr(tokenize, "FSTRING_START", None), getattr(tokenize, "TSTRING_START", None)
    stops = getattr(tokenize, "FSTRING_END", None), getattr(tokenize, "TSTRING_END", None)
    for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        inside += (token.type in starts) - (token.type in stops)
        if token.type in (tokenize.NEWLINE, tokenize.NL) and not inside:
            found.add(token.start[0])
    return found
