"""Names of files and what stands in them command neither a terminal nor the runner of a CI job, in no format."""

from __future__ import annotations

import os
import re
import subprocess
import unicodedata
from pathlib import Path

import pytest

from tests.report.test_full import on_a_terminal
from tests.support.command import MENDED, WASTE, lint
from transfer_lint.lint.forms import OUTPUT_FORMATS
from transfer_lint.report import colours
from transfer_lint.report.terminal import linked, printed, styled
from transfer_lint.visible import visible

NAMES = (
    "nl_\n::error file=x::pwned.py",
    "::error::x.py",
    "\x1b]0;title\x07.py",
    "rtl\u202eyp.py",
    "##vso[task.setvariable variable=x]y.py",
    "##[error]z.py",
    os.fsdecode(b"\xff\x80.py"),
    "csi\x9b8m.py",
)
OURS = {value for value in vars(colours).values() if isinstance(value, int)}
REMARK = "# \x07\u202e\x1b]0;pwned\x07\x1b[8m ##[error]x\u2069"
SOURCE = WASTE.replace("# stays", REMARK)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(SOURCE, encoding="utf-8")
    return tmp_path


def unseen(text: str) -> set[str]:
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}


def commands(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip().startswith("::") or "##[" in line or "##vso[" in line]


@pytest.mark.parametrize("form", OUTPUT_FORMATS)
def test_of_every_format(hostile: Path, form: str) -> None:
    ran = lint("check", "--output-format", form, ".", cwd=hostile, expect=1)
    assert unseen(ran.out) == unseen(ran.err) == set()
    assert commands(ran.err) == []
    if form == "github":  # one for each finding, begun by us
        lines = ran.out.splitlines()
        assert len(lines) == 2 * len(NAMES)
        assert all(line.startswith(("::notice file=", "::warning file=")) for line in lines)
    elif form in ("full", "concise"):
        assert commands(ran.out) == []
        assert r"nl_\n::error" in ran.out


def test_of_statistics_problems_and_explain(hostile: Path) -> None:
    (hostile / NAMES[0]).chmod(0o444)
    (hostile / "\x1bbroken.py").write_bytes(b"# coding: nonsense\n.to(x)\n")
    for command in (("check", "--statistics"), ("fix",), ("check", "\x1b[8mno.py"), ("explain", f"{NAMES[1]}:6")):
        ran = lint(*command, cwd=hostile)
        assert unseen(ran.out) == unseen(ran.err) == set(), command
        assert commands(ran.out) == commands(ran.err) == []


def test_a_diff_is_escaped_on_a_terminal_and_elsewhere_applied_by_git(hostile: Path) -> None:
    sent = on_a_terminal("fix", "-q", "--diff", "--hints", cwd=hostile, NO_COLOR="1")
    assert unseen(sent) == {"\r"}
    assert r"\x07\u202e\x1b]0;pwned\x07\x1b[8m" in sent
    patch = lint("fix", "--diff", cwd=hostile).out.encode()
    subprocess.run(["git", "apply", "-"], input=patch, cwd=hostile, capture_output=True, check=True)
    assert {(hostile / name).read_text(encoding="utf-8") for name in NAMES} == {MENDED.replace("# stays", REMARK)}


def test_on_a_terminal_the_only_escapes_are_our_colours(hostile: Path) -> None:
    for width in ("40", "100"):
        sent = on_a_terminal("check", "-q", "--hints", cwd=hostile, COLUMNS=width)
        styles = {part.partition("m")[0] for part in sent.split("\x1b")[1:]}
        assert styles <= {"[0", "[1", "[2", "[22", *(f"[38;5;{number}" for number in OURS)}
        assert unseen(sent) == {"\r", "\x1b"}


def test_on_a_terminal_the_only_links_are_to_files_and_pages(hostile: Path) -> None:
    sent = on_a_terminal("check", "-q", "--hints", cwd=hostile, FORCE_HYPERLINK="1")
    targets = re.findall(r"\x1b\]8;;(.*?)\x07", sent)
    assert len(targets) >= 2 * 2 * len(NAMES)
    assert all(target == "" or target.startswith("file:///") for target in targets)
    assert all(target.isascii() and target.isprintable() for target in targets)
    for name in NAMES:
        assert any(target.startswith((hostile / name).absolute().as_uri() + "#") for target in targets)
    rest = re.sub(r"\x1b\]8;;[!-~]*\x07|\x1b\[[0-9;]*m", "", sent)
    assert unseen(rest) == {"\r"}


def test_a_style_of_somebody_else_is_no_style() -> None:
    assert printed("a \x1b[8m b") == r"a \x1b[8m b"
    assert printed(f"{styled('x', fg='red')}\x1b[8m") == "\x1b[31mx\x1b[0m" + r"\x1b[8m"
    assert printed(styled("\x1b[8m", bold=True)) == "\x1b[1m" + r"\x1b[8m" + "\x1b[0m"
    assert printed(linked("\x1b[8m", "file:///a")) == "\x1b]8;;file:///a\x07" + r"\x1b[8m" + "\x1b]8;;\x07"
    assert printed(linked("a", "file:///\x1b[8m")) == printed(linked("a", "no address")) == "a"


def test_what_people_read_stays() -> None:
    text = "naïve 名前 e\u0301 \u3000 \xa0 🙂 \\"
    assert visible(text) == text == printed(text)
    assert printed("a::b: # [x]") == "a::b: # [x]"
    assert visible("\ufeff\u200b\xad\ud800\uffff") == r"\ufeff\u200b\xad\ud800\uffff"
