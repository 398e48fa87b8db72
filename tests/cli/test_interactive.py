"""`fix --interactive`, answered by a person, and `check --watch`."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import MENDED, PATIENCE, WASTE, Ran, environment, lint
from tests.support.notebooks import notebook, sources

FIXED_FIRST = MENDED.replace("return y", 'return y.to("cuda:0")')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "waste.py").write_text(WASTE)
    return tmp_path


def fix(folder: Path, answers: str, *arguments: str, expect: int = 0) -> Ran:
    stdin = "".join(f"{answer}\n" for answer in answers)
    return lint("fix", "--interactive", *arguments, cwd=folder, stdin=stdin, expect=expect)


@pytest.mark.parametrize(
    ("answers", "text", "said"),
    [
        pytest.param("yy", MENDED, "fixed 2, ignored 0, left 0", id="yes"),
        pytest.param("nn", WASTE, "fixed 0, ignored 0, left 2", id="no"),
        pytest.param("yn", FIXED_FIRST, "fixed 1, ignored 0, left 1", id="one of two"),
        pytest.param("q", WASTE, "fixed 0, ignored 0, left 2", id="quit"),
        pytest.param("nq", WASTE, "fixed 0, ignored 0, left 2", id="no, then quit"),
        pytest.param("yq", FIXED_FIRST, "fixed 1, ignored 0, left 1", id="quitting keeps what was decided"),
        pytest.param(
            "in",
            WASTE.replace('x.to("cuda:0")', 'x.to("cuda:0")  # transfer-lint: ignore[TL103]'),
            "fixed 0, ignored 1, left 1",
            id="ignore",
        ),
    ],
)
def test_each_answer(answers: str, text: str, said: str, folder: Path) -> None:
    ran = fix(folder, answers)
    assert (folder / "waste.py").read_text() == text
    assert said in ran.err


def test_quitting_says_how_many_files_were_not_looked_at(folder: Path) -> None:
    for name in ("x.py", "y.py"):
        (folder / name).write_text(WASTE)
    assert fix(folder, "q").err.endswith("fixed 0, ignored 0, left 2, not looked at: 2 files\n")


def test_a_question_mark_explains_the_answers(folder: Path) -> None:
    ran = fix(folder, "?ynn")
    assert "  a  all: apply it, and all others of this rule\n" in ran.out
    assert "fixed 1, ignored 0, left 1" in ran.err


def test_finding_evidence_and_diff_are_shown(folder: Path) -> None:
    out = fix(folder, "nn").out
    assert "warning TL101 redundant-transfer  waste.py:6:14" in out
    assert "moves it there" in out
    assert "-    return y.to" in out
    assert "+    return y  # stays" in out


def test_all_of_a_rule_in_all_files(folder: Path) -> None:
    body = WASTE.partition("\n\n\n")[2]
    (folder / "waste.py").write_text(WASTE + "\n\n" + body.replace("twice", "again"))
    (folder / "zoo.py").write_text(WASTE)
    assert "fixed 3, ignored 0, left 3" in fix(folder, "nannn").err
    for name in ("waste.py", "zoo.py"):
        assert "return y  # stays" in (folder / name).read_text()
        assert "t.device" not in (folder / name).read_text()


def test_equal_findings_are_asked_about_one_by_one(folder: Path) -> None:
    text = 'import torch\n\n\ndef f(x: torch.Tensor):\n    x = x.to("cuda:0")\n' + '    x = x.to("cuda:0")\n' * 3
    (folder / "waste.py").write_text(text + "    return x\n")
    assert "fixed 1, ignored 0, left 3" in fix(folder, "nnyn").err
    assert (folder / "waste.py").read_text().count("x.to(") == 3


def test_notebooks(folder: Path) -> None:
    (folder / "waste.py").unlink()
    (folder / "a.ipynb").write_text(notebook("!ls", WASTE), encoding="utf-8")
    out = fix(folder, "ny").out
    assert "a.ipynb:cell 2:6:14" in out
    assert sources((folder / "a.ipynb").read_text(encoding="utf-8"))[1] == WASTE.replace('y.to("cuda:0")', "y")


def test_unsafe_fixes_on_request_only(folder: Path) -> None:
    (folder / "waste.py").write_text("import torch\n\n\ndef f(x: torch.Tensor):\n    x.cuda(0)\n    return x\n")
    assert fix(folder, "").out == ""
    assert "(unsafe)" in fix(folder, "y", "--unsafe-fixes").out
    assert "x = x.cuda(0)" in (folder / "waste.py").read_text()


def test_what_it_does_not_go_with(folder: Path) -> None:
    assert "leave out" in fix(folder, "", "--diff", expect=2).err
    assert "leave out" in lint("check", "--watch", "-", cwd=folder, expect=2).err


def test_no_answer_changes_nothing_more(folder: Path) -> None:
    lint("fix", "--interactive", cwd=folder, stdin="", expect=130)
    assert (folder / "waste.py").read_text() == WASTE


def test_watch(folder: Path) -> None:
    log = folder.parent / "watched.log"
    with (
        log.open("w") as stream,
        subprocess.Popen(
            [sys.executable, "-m", "transfer_lint", "check", "--watch", "."],
            cwd=folder,
            env=environment(PYTHONUNBUFFERED="1"),
            stdout=stream,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        waited_for(log, "watching", 1)
        assert log.read_text().count("TL101") == 1
        waited_for(log, "watching", 2, lambda: (folder / "waste.py").write_text(MENDED))
        assert log.read_text().count("TL101") == 1
        waited_for(log, "did you mean 'ignore'?", 1, lambda: (folder / "transfer-lint.toml").write_text("ignored = 1"))
        (folder / "transfer-lint.toml").unlink()
        waited_for(log, "TL101", 2, lambda: (folder / "waste.py").write_text(WASTE))
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert "Traceback" not in log.read_text()


def waited_for(log: Path, said: str, times: int, change: Callable[[], object] = int) -> None:
    """Wait until it is said. The change is made again until then: one before the watcher looks goes unseen."""
    for turn in range(20 * PATIENCE):
        if log.read_text().count(said) >= times:
            return
        if turn % 20 == 0:
            change()
        time.sleep(0.05)
    raise AssertionError(log.read_text())
