"""Expressions that look at comments and notebooks get past any line. One that backtracks would take minutes here."""

from __future__ import annotations

import pytest

from transfer_lint.files import magics
from transfer_lint.lint.suppression import read_comments

LONG = 400_000


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("# transfer-lint: ignore" + " " * LONG + "x", id="blanks in a reason"),
        pytest.param("# transfer-lint: ignore[" * (LONG // 24), id="lists that do not end"),
        pytest.param("# " * LONG, id="comments"),
    ],
)
def test_comments(line: str) -> None:
    assert len(read_comments(f"{line}\n").ignores) <= 1


def test_the_end_of_a_reason() -> None:
    (ignore,) = read_comments("x = 1  # transfer-lint: ignore[TL101]  as #12  says   # and more\n").ignores
    assert ignore.reason == "as #12  says"


@pytest.mark.parametrize("line", [" " * LONG, " " * LONG + "x", "a ?" * (LONG // 3) + "x", "a = " * (LONG // 4)])
def test_lines_of_a_notebook(line: str) -> None:
    for form in (magics._LINE, magics._ASSIGNMENT):
        assert not form.fullmatch(line)
