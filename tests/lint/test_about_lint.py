"""Group 9 beyond what its pages show: which comments are in use, what becomes of a line, where a parser stopped."""

from __future__ import annotations

import pytest

from transfer_codemods.actions import Anchor
from transfer_lint.findings import Finding, Heat, Severity
from transfer_lint.fixing.planning import comments_of
from transfer_lint.fixing.rewriting import edit_comments
from transfer_lint.lint.about_lint import unparsable, unused
from transfer_lint.lint.suppression import read_comments

PATH = "a.py"


def found(code: str, line: int) -> Finding:
    return Finding(PATH, line, 3, line, 8, code, "some-name", Severity.WARNING, Heat.CALL, "", "")


def mended(text: str, *findings: Finding) -> str:
    return edit_comments(text, comments_of(unused(PATH, read_comments(text), findings)))


IGNORE = "# transfer-lint: ignore"

CASES = {
    "used": (f"x.to(d)  {IGNORE}[TL101] why\n", ["TL101"], f"x.to(d)  {IGNORE}[TL101] why\n"),
    "bare and used": (f"x.to(d)  {IGNORE}\n", ["TL101"], f"x.to(d)  {IGNORE}\n"),
    "bare and idle": (f"x.to(d)  {IGNORE}\n", [], "x.to(d)\n"),
    "a bare one does not hide itself": (f"x.to(d)  {IGNORE}[ALL]\n", [], "x.to(d)\n"),
    "other code": (f"x.to(d)  {IGNORE}[TL102]\n", ["TL101"], "x.to(d)\n"),
    "unknown code": (f"x.to(d)  {IGNORE}[TL999]\n", ["TL101"], "x.to(d)\n"),
    "prefix": (f"x.to(d)  {IGNORE}[TL1, TL2] a  b\n", ["TL101"], f"x.to(d)  {IGNORE}[TL1] a  b\n"),
    "two that hide the same": (f"x.to(d)  {IGNORE}[TL1,TL101]\n", ["TL101"], f"x.to(d)  {IGNORE}[TL1,TL101]\n"),
    "comment before": (f"x.to(d)  # type: ignore  {IGNORE}[TL101]\n", [], "x.to(d)  # type: ignore\n"),
    "comment after": (f"x.to(d)  {IGNORE}[TL101] why  # noqa\n", [], "x.to(d)  # noqa\n"),
    "a number is no comment": (f"x.to(d)  {IGNORE}[TL101] see #12\n", [], "x.to(d)\n"),
    "two on a line": (f"x.to(d)  {IGNORE}[TL101] {IGNORE}[TL102]\n", ["TL102"], f"x.to(d)  {IGNORE}[TL102]\n"),
    "two idle ones on a line": (f"x.to(d)  {IGNORE}[TL101] {IGNORE}[TL102] z\n", [], "x.to(d)\n"),
    "no line end": (f"x.to(d)  {IGNORE}", [], "x.to(d)"),
    "crlf": (f"a\r\nb\r\n  {IGNORE}\r\nc\r\n", [], "a\r\nb\r\nc\r\n"),
    "wide characters": (f"'\U0001f600\u00e9'  {IGNORE}\n", [], "'\U0001f600\u00e9'\n"),
    "alone with another": (f"a\nb\n{IGNORE} # coding: latin-1\n", [], "a\nb\n# coding: latin-1\n"),
    "in the first lines": (f"#!/bin/x\n{IGNORE}\n# coding: latin-1\n", [], "#!/bin/x\n\n# coding: latin-1\n"),
    "it names itself": (f"a  {IGNORE}[TL1, unused-suppression]\n", [], f"a  {IGNORE}[unused-suppression]\n"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "hidden", "after"), CASES.values(), ids=CASES)
def test_mended(before: str, hidden: list[str], after: str) -> None:
    assert mended(before, *(found(code, 1) for code in hidden)) == after
    assert mended(after, *(found(code, 1) for code in hidden)) == after


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("x = (\n", (1, 5, 1), id="never closed"),
        pytest.param("\n\nx = 'abc\n", (3, 5, 3), id="string"),
        pytest.param("if x:\n", (1, 6, 1), id="at the end"),
        pytest.param("\u00e9 = )\n", (1, 5, 1), id="characters, not bytes"),
    ],
)
def test_where_a_file_does_not_parse(text: str, place: tuple[int, int, int]) -> None:
    with pytest.raises(SyntaxError) as caught:
        compile(text, PATH, "exec")
    finding = unparsable(PATH, text, caught.value)
    assert (finding.line, finding.column, finding.end_line) == place
    assert finding.column <= finding.end_column <= len(text.split("\n")[finding.line - 1]) + 1
    assert "does not parse as Python 3." in finding.message


@pytest.mark.parametrize("lineno", [None, 0, 7])
def test_a_place_outside_the_file_is_brought_into_it(lineno: int | None) -> None:
    error = SyntaxError("odd", (PATH, lineno, 99, None))
    finding = unparsable(PATH, "ab\ncd\n", error)
    assert finding.anchor == Anchor(2 if lineno == 7 else 1, 3)
