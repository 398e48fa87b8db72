"""The report for people: exactly what it looks like, plain and on a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.command import WASTE, environment, lint
from transfer_codemods.actions import DeleteTransfer
from transfer_lint.findings import Evidence, Finding, Fix, Heat, Safety, Severity
from transfer_lint.lint.outcome import Outcome, Summary
from transfer_lint.report import View, report

FIX = Fix(Safety.SAFE, "delete the call", DeleteTransfer())
EVIDENCE = (
    Evidence("nodes.py", 3, 5, "`m` was moved there"),
    Evidence("pack/model.py", 110, 9, "`m(x)` is where `m` is"),
)
ONE = Finding(
    "nodes.py", 4, 11, 4, 16, "TL101", "redundant-transfer", Severity.WARNING, Heat.STEP, "Node.run",
    "`y` is already on `d`", EVIDENCE, FIX,
)  # fmt: skip
TEXT = "def run(m, x, d):\n    \n    m.to(d)\n    y = m(x).to(d)\n"


def shown(finding: Finding, text: str = TEXT, **view: object) -> list[str]:
    outcome = Outcome((finding,), (), Summary(1, 1, 0, 1, 0, 0, 0.0), {finding.path: text})
    return list(report("full")(outcome, View(**view)))  # type: ignore[arg-type]


def test_a_warning() -> None:
    finding = replace(ONE, column=14, end_column=19)
    assert shown(finding) == [
        "warning TL101 redundant-transfer  nodes.py:4:14",
        "      `y` is already on `d`",
        "      │",
        "    4 │ y = m(x).to(d)",
        "      │          ━━━━━",
        "      │",
        " why  ├╴ nodes.py:3         `m` was moved there",
        "      ╰╴ pack/model.py:110  `m(x)` is where `m` is",
        "heat  runs at every step, in Node.run",
        " fix  delete the call (safe)",
        "",
    ]


def test_ascii_where_the_terminal_knows_no_more() -> None:
    lines = shown(replace(ONE, column=14, end_column=19), fancy=False)
    assert "".join(lines).isascii()
    assert lines[4] == "      |          ^^^^^"


def test_a_hint_is_one_line() -> None:
    hint = replace(ONE, severity=Severity.HINT, message="may be\nthere")
    assert shown(hint) == ["nodes.py:4:11: TL101 hint may be there [*]"]


def test_blank_lines_stand_around_blocks_and_at_their_end() -> None:
    hint = replace(ONE, severity=Severity.HINT)
    for findings, ends_blank in (((hint, hint), False), ((ONE, hint), True), ((hint, ONE), True)):
        outcome = Outcome(findings, (), Summary.of(findings, 1, 1, 0, 0.0), {"nodes.py": TEXT})
        lines = list(report("full")(outcome, View()))
        assert (lines[-1] == "") is ends_blank
        assert ("", "") not in pairwise(lines)


def test_an_unsafe_fix_says_how_it_is_had() -> None:
    unsafe = replace(ONE, fix=replace(FIX, safety=Safety.UNSAFE))
    assert " fix  delete the call (unsafe: only with --unsafe-fixes)" in shown(unsafe)
    assert " fix  delete the call (unsafe)" in shown(unsafe, unsafe_fixes=True)
    assert not [line for line in shown(replace(ONE, fix=None)) if "fix" in line]


@pytest.mark.parametrize(
    ("line", "column", "end", "code", "mark"),
    [
        pytest.param("\t\ty.to(d)", 5, 10, "y.to(d)", "  ━━━━━", id="tabs before are taken off"),
        pytest.param("y =\tx.to(d)", 7, 12, "y =    x.to(d)", "         ━━━━━", id="a tab is four blanks"),
        pytest.param("名前.to(d)", 4, 9, "名前.to(d)", "     ━━━━━", id="wide characters"),
        pytest.param("e\u0301.to(d)", 4, 9, "e\u0301.to(d)", "  ━━━━━", id="combining characters"),
        pytest.param("\x1b[2Jy.to(d)", 7, 12, "\\x1b[2Jy.to(d)", "         ━━━━━", id="a terminal is not commanded"),
    ],
)
def test_the_mark_stands_under_the_call(line: str, column: int, end: int, code: str, mark: str) -> None:
    finding = replace(ONE, line=1, end_line=1, column=column, end_column=end)
    lines = shown(finding, line + "\n")
    assert [part.removeprefix("    1 │ ").removeprefix("      │ ") for part in lines[3:5]] == [code, mark]


def test_long_lines_are_cut_around_the_call() -> None:
    text = f"first({'a, ' * 100}y.to(d){', b' * 100})\n"
    start = text.index("to(d)") + 1
    lines = shown(replace(ONE, line=1, end_line=1, column=start, end_column=start + 5), text, width=80)
    assert all(len(line) <= 80 for line in lines[2:6])
    assert lines[3][lines[4].index("━") :].startswith("to(d)")


def test_calls_over_several_lines_are_cut_after_six() -> None:
    text = "y = x.to(\n" + "    # why\n" * 10 + "    d,\n)\n"
    finding = replace(ONE, line=1, column=7, end_line=13, end_column=2)
    code = [line for line in shown(finding, text) if re.match(r" +\d+ │", line)]
    assert code == ["    1 │ y = x.to(", *(f"{number:>5} │     # why" for number in range(2, 7))]
    assert "      │ ..." in shown(finding, text)


IMPATIENT = """
import sys
from transfer_lint.cli import common, main
common.Bar._PATIENCE = common.Bar._INTERVAL = 0
main()
"""


def on_a_terminal(*arguments: str, cwd: Path, program: tuple[str, ...] = ("-m", "transfer_lint"), **extra: str) -> str:
    """What a terminal of 100 columns is sent."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, *program, *arguments],
        cwd=cwd,
        env=environment(**{"TERM": "xterm", "COLUMNS": "100", **extra}),
        stdout=follower,
        stderr=follower,
        stdin=subprocess.DEVNULL,
    ):
        os.close(follower)
        parts: list[bytes] = []
        try:
            while part := os.read(leader, 65536):
                parts.append(part)
        except OSError:  # the other end has gone
            pass
    os.close(leader)
    return b"".join(parts).decode()


def test_on_a_terminal_full_and_coloured_elsewhere_concise_and_plain(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    sent = on_a_terminal("check", "-q", cwd=tmp_path)
    assert "\x1b[38;5;130m\x1b[1mwarning TL101" in sent
    assert "╰╴" in sent
    plain = on_a_terminal("check", "-q", cwd=tmp_path, NO_COLOR="1")
    assert "\x1b" not in plain
    assert plain.split("\r\n")[:9] == re.sub(r"\x1b\[[\d;]+m", "", sent).split("\r\n")[:9]
    assert "\x1b" not in on_a_terminal("check", "-q", cwd=tmp_path, TERM="dumb")
    assert "\x1b" not in lint("check", "--output-format", "full", cwd=tmp_path).out
    assert "╰╴" not in lint("check", cwd=tmp_path).out


def test_a_progress_bar_on_a_terminal_and_none_elsewhere(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"n{number}.py").write_text(WASTE)
    impatient = ("-c", IMPATIENT)
    sent = on_a_terminal("check", cwd=tmp_path, program=impatient)
    assert re.search(r"\rchecking .*━.* 5/10 .*\x1b\[K", sent)
    assert sent.index("10/10") < sent.index("\r\x1b[K") < sent.index("n0.py:6")  # wiped before the results
    for width in (24, 40, 60):
        narrow = on_a_terminal("check", "--no-cache", cwd=tmp_path, program=impatient, COLUMNS=str(width))
        bars = re.findall(r"\r(checking.*?)\x1b\[K", re.sub(r"\x1b\[[\d;]+m", "", narrow))
        assert bars
        assert all(len(bar) < width for bar in bars)
    assert "checking" not in on_a_terminal("check", "-q", cwd=tmp_path, program=impatient)
    calm = ("-c", IMPATIENT.replace("= 0", "= 1e9"))  # a run that is over before that
    assert "checking" not in on_a_terminal("check", cwd=tmp_path, program=calm)
    assert "checking" not in lint("check", cwd=tmp_path).err


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_an_explanation_fits_the_terminal(tmp_path: Path, columns: int) -> None:
    (tmp_path / "a.py").write_text(WASTE.replace("twice", "twice_" * 8).replace("# stays", "# stays " * 4))
    sent = on_a_terminal("explain", "a.py:6", cwd=tmp_path, COLUMNS=str(columns)).replace("\r\n", "\n")
    plain = lint("explain", "a.py:6", cwd=tmp_path, expect=0).out
    assert max(map(len, sent.splitlines())) <= columns
    assert sent.split() == plain.split()
