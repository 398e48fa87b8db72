"""Little memory, and output that cannot be written: it is said what is wanting, and the exit code is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import MENDED, PATIENCE, WASTE, environment
from transfer_lint.lint import deep_stack

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="as Linux limits memory, and /dev/full")


def shell(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a shell program in which `$lint` is the command."""
    ran = subprocess.run(
        ["bash", "-c", f'lint="{sys.executable} -m transfer_lint"; {program}'],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":  # enough for several processes
        (tmp_path / f"{name}.py").write_text(WASTE + f"# {'x' * 100_000}\n")
    return tmp_path


@pytest.mark.parametrize("kilobytes", [600_000, 300_000, 200_000])
def test_little_address_space(folder: Path, kilobytes: int) -> None:
    ran = shell(folder, f"ulimit -v {kilobytes}; $lint check --hints")
    assert ran.stdout.count("TL101 warning") == 3
    assert ran.stderr.startswith("3 warnings and 3 hints (3 files, 6 transfers")
    assert ran.returncode == 1


def test_fixing_in_little_address_space(folder: Path) -> None:
    ran = shell(folder, "ulimit -v 600000; $lint fix --hints")
    assert "fixed 6 transfers in 3 files; nothing left" in ran.stderr
    assert all(path.read_text().startswith(MENDED) for path in folder.iterdir())


def test_a_file_that_needs_more_than_there_is_to_be_fixed(tmp_path: Path) -> None:
    """What that comes to is the system's and libcst's affair: the file is named, and so is what can be done."""
    (tmp_path / "large.py").write_text(WASTE + "x = 1\n" * 150_000)
    (tmp_path / "small.py").write_text(WASTE)
    ran = shell(tmp_path, "ulimit -v 300000; $lint fix --hints")
    (line,) = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: large.py: ")
    assert "memory" in line
    assert "exclude it" in line
    assert "fixed 2 transfers in 1 file" in ran.stderr
    assert ran.returncode == 2
    assert (tmp_path / "small.py").read_text() == MENDED


def test_a_file_for_which_the_memory_does_not_suffice(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text(WASTE + "x = [" + "[1, 2], " * 400_000 + "]\n")
    (tmp_path / "small.py").write_text(WASTE)
    ran = shell(tmp_path, "ulimit -v 300000; $lint check --hints")
    assert "small.py:6:14: TL101" in ran.stdout
    assert "large.py: nests too deep, or needs more memory than there is; exclude it, or give more" in ran.stderr
    assert ran.returncode == 2


def test_no_room_for_processes(folder: Path) -> None:
    """As where a container gives no more: the work is done in the process that is there."""
    program = (
        "import multiprocessing, sys\nfrom transfer_lint.cli import main\n"
        "def full(self):\n    raise BlockingIOError(11, 'Resource temporarily unavailable')\n"
        "multiprocessing.Process.start = full\nsys.argv = ['transfer-lint', 'check', '--hints']\nmain()\n"
    )
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert ran.stdout.count("TL101 warning") == 3
    assert ran.returncode == 1


def test_no_room_for_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(deep_stack.threading.Thread, "start", full)
    assert deep_stack.deep(lambda: "done") == "done"


@pytest.mark.parametrize(
    "options", ["check", "check --output-format json", "rules", "rules TL101", "--help", "fix --diff"]
)
def test_a_full_output(folder: Path, options: str) -> None:
    ran = shell(folder, f"$lint {options} > /dev/full")
    assert (
        ran.stderr
        == "error: standard output: cannot be written: no space left on device; make room, or write elsewhere\n"
    )
    assert ran.returncode == 2


def test_a_full_output_file(folder: Path) -> None:
    ran = shell(folder, "$lint check --output-file /dev/full")
    assert "/dev/full: cannot be written: no space left on device" in ran.stderr
    assert ran.returncode == 2


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("$lint check 2> /dev/full", 1),
        ("$lint check --no-such-option 2> /dev/full", 2),
        ("$lint check > /dev/full 2> /dev/full", 2),
        ("$lint check nowhere.py 2> /dev/full", 2),
        ("$lint check >&-", 1),
        ("$lint check 2>&-", 1),
        ("$lint check >&- 2>&-", 1),
        ("echo > clean.py; $lint check clean.py 2>&-", 0),
        ("echo > clean.py; $lint check clean.py 2> /dev/full", 0),
    ],
)
def test_the_exit_code_is_right_whatever_can_be_said(folder: Path, program: str, code: int) -> None:
    assert shell(folder, program).returncode == code


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / f"waste_{number}.py").write_text(WASTE)
    ran = shell(tmp_path, "$lint check -q --hints | head -1; exit ${PIPESTATUS[0]}")
    assert ran.stdout.count("\n") == 1
    assert ran.stderr == ""
    assert ran.returncode == 141
