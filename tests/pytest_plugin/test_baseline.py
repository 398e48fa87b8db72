"""`--transfer-baseline`: counts that grow fail their test, those that shrink are told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.pytest_plugin.conftest import Run
from transfer_lint.evidence.limits import Counts
from transfer_lint.evidence.model import Entry, Frame
from transfer_lint.evidence.suite import Record
from transfer_lint.problems import Problem
from transfer_lint.pytest_plugin.baseline import Baseline, differences, read, text_of

pytest_plugins = ["pytester"]

STEP = """\
import torch


def step(model, batch):
    loss = model(batch.to("cuda")).square().mean()
    loss.backward()
    return loss.detach()
"""

PLANTED = STEP.replace("    return", "    print(f'loss {loss:.3f}')\n    return")

TESTS = """\
import pytest
import torch
from training import step


@pytest.fixture
def model():
    return torch.nn.Linear(4, 1).to("cuda")


def test_step(model):
    for batch in torch.ones(3, 2, 4):
        step(model, batch)


@pytest.mark.parametrize("size", [1, 2])
def test_size(model, size):
    step(model, torch.ones(size, 4))
"""

MEASURED = """\
{
 "version": 1,
 "device": "simulated cuda:1",
 "tests": {
  "tests/test_training.py::test_size[1]": {"bytes": 16, "copies": 1, "waits": 1},
  "tests/test_training.py::test_size[1] (setup)": {"bytes": 20, "copies": 2, "waits": 2},
  "tests/test_training.py::test_size[2]": {"bytes": 32, "copies": 1, "waits": 1},
  "tests/test_training.py::test_size[2] (setup)": {"bytes": 20, "copies": 2, "waits": 2},
  "tests/test_training.py::test_step": {"bytes": 96, "copies": 3, "waits": 3},
  "tests/test_training.py::test_step (setup)": {"bytes": 20, "copies": 2, "waits": 2}
 }
}
"""
BASELINE = ("--simulate", "cuda", "--transfer-baseline", "transfers.json")


def git(folder: Path, *arguments: str) -> str:
    own = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def test_a_planted_wait_in_a_pull_request_breaks_the_build(pytester: pytest.Pytester, run: Run) -> None:
    folder = pytester.path
    (folder / "tests").mkdir()
    (folder / "training.py").write_text(STEP, encoding="utf-8")
    (folder / "tests" / "test_training.py").write_text(TESTS, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
    run(*BASELINE, "--write-transfer-baseline", "-n", "2").assert_outcomes(passed=3)
    assert (folder / "transfers.json").read_text(encoding="utf-8") == MEASURED
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "training.py", "tests/test_training.py", "pytest.ini", "transfers.json")
    git(folder, "commit", "-qm", "A training step")

    git(folder, "switch", "-qc", "log-the-loss")
    (folder / "training.py").write_text(PLANTED, encoding="utf-8")
    git(folder, "commit", "-qam", "Log the loss")
    result = run(*BASELINE)
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines_random([
        "6 waits, 3 waits before",
        "  training.py:7 in step: 3 waits (item on cuda:0)",
        "108 B, 96 B before",
        "(baseline transfers.json)",
        "FAILED tests/test_training.py::test_step - Failed: 6 waits, 3 waits before",
    ])  # fmt: skip
    assert git(folder, "status", "--porcelain", "--untracked-files=no") == "", "the baseline is as it was committed"

    git(folder, "switch", "-q", "main")
    run(*BASELINE).assert_outcomes(passed=3)


def test_what_shrinks_and_what_is_new_is_told_and_kept_on_request(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_it="""
        import torch

        def test_less():
            torch.ones(2).cuda()

        def test_new():
            torch.ones(1).cuda()

        def test_failing():
            torch.ones(4).cuda()
            assert False
    """
    )
    before = {
        "test_it.py::test_less": Counts(2, 2, 16),
        "test_it.py::test_failing": Counts(0, 0, 0),
        "test_it.py::test_not_run": Counts(1, 1, 4),
        "test_gone.py::test_gone": Counts(1, 1, 4),
    }
    file = pytester.path / "transfers.json"
    file.write_text(text_of(Baseline("simulated cuda:1", before)), encoding="utf-8")
    result = run(*BASELINE)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([
        "*assert False*",
        "1 test moved less than before (transfers.json):",
        "  test_it.py::test_less: 2 waits, 2 copies, 16 B -> 1 wait, 1 copy, 8 B",
        "1 new test, not in transfers.json so far: test_it.py::test_new",
        "--write-transfer-baseline keeps what is new and what is less",
    ])  # fmt: skip
    assert read(str(file)).tests == before
    run(*BASELINE, "--write-transfer-baseline").assert_outcomes(passed=2, failed=1)
    kept = {name: before[name] for name in ("test_it.py::test_failing", "test_it.py::test_not_run")}
    new = {"test_it.py::test_less": Counts(1, 1, 8), "test_it.py::test_new": Counts(1, 1, 4)}
    assert read(str(file)).tests == {**kept, **new}


def test_growth_in_the_set_up_of_a_test(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest, torch

        @pytest.fixture
        def x():
            return torch.ones(2).cuda()

        def test_it(x):
            pass
    """
    )
    file = pytester.path / "transfers.json"
    file.write_text(text_of(Baseline("simulated cuda:1", {"test_it.py::test_it": Counts()})), encoding="utf-8")
    result = run(*BASELINE)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["* ERROR at setup of test_it *", "1 wait, 0 waits before", "  test_it.py:5 in x: 1 wait *"]
    )


def record(name: str, waits: int, phase: str = "call") -> Record:
    entry = Entry("read", "cuda:0", "cpu", "float32", "item", (Frame("a.py", 1, "f"),), count=waits, waits=waits)
    return Record(name, phase, [entry] if waits else [])


def test_differences() -> None:
    baseline = Baseline("cuda", {"a": Counts(1), "b": Counts(1), "c": Counts(1)})
    run = [record("c", 0), record("a", 1), record("b", 2), record("new", 3), record("a", 1, "setup")]
    assert [(each.title, each.grew) for each in differences(baseline, run)] == [
        ("a (setup)", True), ("b", True), ("c", False)
    ]  # fmt: skip


def test_the_file_is_the_same_whatever_the_order(tmp_path: Path) -> None:
    names = ["b::ü", "a::\\xf6[|]", "a::z"]
    texts = {text_of(Baseline("cuda", {name: Counts(1, 2, 3) for name in order})) for order in (names, names[::-1])}
    (text,) = texts
    (tmp_path / "b.json").write_text(text, encoding="utf-8")
    assert read(str(tmp_path / "b.json")) == Baseline("cuda", {name: Counts(1, 2, 3) for name in names})
    assert json.loads(text_of(Baseline("cuda", {})))["tests"] == {}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<<<<<<< ours\n{}", "is no JSON, perhaps because of a merge"),
        ("[]", "is no baseline"),
        ('{"version": 2}', "is a baseline of version 2, not 1"),
        ('{"version": 1, "device": "cuda", "tests": {"a": {"waits": 1}}}', "is no baseline"),
        (None, "does not exist"),
    ],
)
def test_a_file_that_is_no_baseline(tmp_path: Path, text: str | None, what: str) -> None:
    file = tmp_path / "b.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(Problem, match=what):
        read(str(file))
