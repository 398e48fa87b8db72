"""The other commands, help, and ends that nobody asked for."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import PATIENCE, WASTE, environment, lint
from transfer_lint.rules import RULES
from transfer_lint.version import __version__


def test_version_and_help(tmp_path: Path) -> None:
    assert __version__ in lint("--version", cwd=tmp_path, expect=0).out
    top = lint("--help", cwd=tmp_path, expect=0).out
    for command in ("check", "fix", "rules", "explain"):
        assert command in top
        assert f"transfer-lint {command}" in lint(command, "--help", cwd=tmp_path, expect=0).out  # an example
    lint("chekc", cwd=tmp_path, expect=2)


def test_rules_lists_all_and_prints_pages(tmp_path: Path) -> None:
    listed = lint("rules", cwd=tmp_path, expect=0).out.splitlines()
    assert [line.split()[:2] for line in listed] == [[code, rule.name] for code, rule in RULES.items()]
    for code, rule in RULES.items():
        page = lint("rules", rule.name, cwd=tmp_path, expect=0).out
        assert page == lint("rules", code.lower(), cwd=tmp_path, expect=0).out
        assert page.startswith(f"{rule.name} ({code})")
        assert "<!--" not in page


def test_rules_names_the_nearest(tmp_path: Path) -> None:
    assert "did you mean 'redundant-transfer'?" in lint("rules", "redundant-transferr", cwd=tmp_path, expect=2).err


def test_explain(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    told = lint("explain", "a.py:6", cwd=tmp_path, expect=0).out
    assert "cuda:0" in told
    assert "TL101" in told
    lint("explain", "a.py:6:14", cwd=tmp_path, expect=0)
    lint("explain", "a.py:1", cwd=tmp_path, expect=0)


def test_explain_says_what_is_reported_of_no_transfer(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import torch\n\ntorch.autograd.set_detect_anomaly(True)\n")
    for place in ("a.py:3", "a.py:3:16"):
        assert "TL304 explicit-wait (warning; no fix)" in lint("explain", place, cwd=tmp_path, expect=0).out
    assert "TL304" not in lint("explain", "a.py:3:1", cwd=tmp_path, expect=0).out


def test_explain_says_what_is_reported_where_no_method_is_called(tmp_path: Path) -> None:
    lines = ["import torch", "", 'x = torch.ones(4, device="cuda:0")', "for i in range(100):", "    if x[0] > 1:"]
    lines += [
        "        x = x * 2",
        "    torch.autograd.grad(x.sum(), x)",
        "    if i > 98 and bool(x[1]):",
        "        break",
        "",
    ]
    (tmp_path / "a.py").write_text("\n".join(lines))
    reported = lint("check", "--output-format", "concise", "a.py", cwd=tmp_path, expect=1).out.splitlines()
    waits = [line.split(": ")[0] for line in reported if "TL301" in line]
    assert waits
    for place in waits:
        for asked in (place, place.rpartition(":")[0]):
            assert "TL301 host-read-in-hot-path" in lint("explain", asked, cwd=tmp_path, expect=0).out


@pytest.mark.parametrize(
    ("place", "words"),
    [
        pytest.param("a.py", "PATH:LINE", id="no line"),
        pytest.param("a.py:0", "counted from 1", id="line 0"),
        pytest.param("a.py:3:0", "counted from 1", id="column 0"),
        pytest.param("a.py:99", "has no line 99, only 14", id="beyond the end"),
        pytest.param("b.py:1", "b.py: cannot be read: no such file or directory", id="no file"),
        pytest.param("bad.py:1", "does not parse", id="unparsable"),
        pytest.param(".:1", ".: ", id="folder"),
    ],
)
def test_explain_cannot(tmp_path: Path, place: str, words: str) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    (tmp_path / "bad.py").write_text("x.to(\n")
    assert words in lint("explain", place, cwd=tmp_path, expect=2).err


READING = """
import sys
class Input:
    @property
    def buffer(self):
        print("reading", flush=True)
        return sys.__stdin__.buffer
sys.stdin = Input()
sys.argv = ["transfer-lint", "check", "-"]
from transfer_lint.__main__ import main
main()
"""


def test_an_interrupt_ends_quietly_with_130(tmp_path: Path) -> None:
    command = [sys.executable, "-c", READING]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr
        assert process.stdout
        assert process.stdout.readline() == b"reading\n"
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
        assert process.stderr.read().decode().strip() == "interrupted"
    assert process.returncode == 130


def test_a_failure_of_the_tool_prints_no_traceback_unless_asked(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom transfer_lint.lint import check\nfrom transfer_lint.cli import main\n"
        "check.check_paths = lambda *a, **k: {}['oh']\nsys.argv = ['transfer-lint', 'check']\nmain()\n"
    )
    for extra, shown in (({}, False), ({"TRANSFER_LINT_DEBUG": "1"}, True)):
        ran = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=environment(**extra),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 2
        assert "the tool failed on it (KeyError: 'oh'); report this as a bug" in ran.stderr
        assert ("Traceback" in ran.stderr) is shown


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("transfer-lint che", {"check"}),
        ("transfer-lint check --sel", {"--select"}),
        ("transfer-lint check --select TL20", {code for code in RULES if code.startswith("TL20")}),
        ("transfer-lint fix --ignore TL101,tl2", {f"TL101,{code}" for code in RULES if code.startswith("TL2")}),
        ("transfer-lint rules TL9", {code for code in RULES if code.startswith("TL9")}),
    ],
)
def test_a_shell_completes(tmp_path: Path, words: str, completed: set[str]) -> None:
    asked = {"_TRANSFER_LINT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    out = lint(cwd=tmp_path, **asked).out
    assert {line.partition(",")[2] for line in out.splitlines()} == completed
