"""Files with nothing to report are answered for before anything is imported, in the same words as otherwise."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import CLEAN, WASTE, environment, lint
from transfer_lint import nothing


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "a.py": CLEAN,
        "b.py": CLEAN,
        "waste.py": WASTE,
        "ignored.py": "# transfer-lint: skip-file\n",
    }.items():
        Path(name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("arguments", [["a.py"], ["a.py", "b.py"], ["-q", "a.py"], ["a.py", "--quiet"]])
def test_same_words(folder: Path, arguments: list[str]) -> None:
    assert nothing.answers(["check", *arguments])
    quick = lint("check", *arguments, cwd=folder, hints=False, expect=0)
    long = lint("check", *arguments, "--fail-on", "hint", cwd=folder, hints=False, expect=0)
    assert quick.out == long.out == ""
    assert quick.err == re.sub(r"[0-9.]+ s", "0.0 s", long.err)


def write(name: str, text: str) -> Callable[[], object]:
    return lambda: Path(name).write_text(text)


@pytest.mark.parametrize(
    ("arguments", "before"),
    [
        pytest.param(["check", "waste.py"], None, id="a transfer"),
        pytest.param(["check", "ignored.py"], None, id="a comment for this tool"),
        pytest.param(["check", "a.py", "a.py"], None, id="the same file twice"),
        pytest.param(["check", "a.py", "./a.py"], None, id="the same file, otherwise written"),
        pytest.param(["check", "gone.py"], None, id="no such file"),
        pytest.param(["check", "."], None, id="a folder"),
        pytest.param(["check"], None, id="no path"),
        pytest.param(["check", "-"], None, id="standard input"),
        pytest.param(["check", "a.py", "--output-format=json"], None, id="an option"),
        pytest.param(["fix", "a.py"], None, id="another command"),
        pytest.param(["check", "a.py"], write("transfer-lint.toml", ""), id="a configuration"),
        pytest.param(["check", "a.py"], write("pyproject.toml", "[tool.transfer-lint]\n"), id="one in pyproject.toml"),
        pytest.param(["check", "c.py"], lambda: Path("c.py").symlink_to("a.py"), id="a link"),
    ],
)  # fmt: skip
def test_left_to_the_command(folder: Path, arguments: list[str], before: Callable[[], object] | None) -> None:
    if before is not None:
        before()
    assert not nothing.answers(arguments)


def test_other_peoples_configuration_does_not_count(folder: Path) -> None:
    Path("pyproject.toml").write_text("[tool.black]\n")
    assert nothing.answers(["check", "a.py"])


def test_imports_next_to_nothing(folder: Path) -> None:
    program = (
        "import sys\nfrom transfer_lint.__main__ import main\nsys.argv = ['transfer-lint', 'check', 'a.py']\n"
        "main()\nprint(*sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    assert {"click", "dataclasses", "typing", "ast", "inspect", "libcst"}.isdisjoint(ran.stdout.split())
