"""Programs that fork, start processes, die or ask for what is not simulated: the other tests go on."""

from __future__ import annotations

import json
import sys

import pytest

from tests.pytest_plugin.conftest import Run, counts, records_in

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills and forks as POSIX does")

SUITE = """\
import os
import signal
import subprocess
import sys

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset


def test_before():
    torch.ones(3).cuda()


def test_forks():
    x = torch.ones(3).cuda()
    pid = os.fork()
    if pid == 0:
        try:
            (x + 1).cpu()
        except RuntimeError as error:  # as on a card that was used before the fork
            os._exit(7 if "initialization error" in str(error) else 1)
        os._exit(0)
    assert os.WEXITSTATUS(os.waitpid(pid, 0)[1]) == 7


def test_loader():
    loader = DataLoader(TensorDataset(torch.arange(4.0)), batch_size=2, num_workers=2, pin_memory=True)
    assert sum(batch.cuda(non_blocking=True).sum().item() for batch, in loader) == 6


def test_starts_a_process():
    code = "import torch; torch.ones(3).cuda()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_ninth_device():
    torch.ones(3).to("cuda:8")


def test_is_killed():
    torch.ones(3).cuda()
    os.kill(os.getpid(), signal.SIGKILL)


def test_exits():
    torch.ones(3).cuda()
    os._exit(3)


def test_nccl():
    torch.distributed.init_process_group("nccl", rank=0, world_size=1, store=torch.distributed.HashStore())


def test_builds_kernels(monkeypatch):
    from torch.utils.cpp_extension import load_inline

    monkeypatch.setattr("torch.utils.cpp_extension.CUDA_HOME", None)
    load_inline("mine", cpp_sources="", cuda_sources="int x;", functions=[])


def test_after():
    torch.ones(3).cuda()
"""


def test_the_others_go_on_with_workers(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_it=SUITE)
    result = run("--simulate", "cuda:8", "--transfers", "out.json", "-n", "1")
    result.assert_outcomes(passed=4, failed=6)
    result.stdout.fnmatch_lines_random([
        "*worker 'gw*' crashed while running 'test_it.py::test_is_killed'*",
        "*worker 'gw*' crashed while running 'test_it.py::test_exits'*",
        "its process ended: what this test moved is not known, what was measured before is kept",
        "*CUDA error: invalid device ordinal (cuda:8 of 8 simulated)",
        "*--simulate cuda:N gives it N devices, and now there are 8",
        "*a process that it starts afresh, and code that asks the driver itself, find no device",
        "NCCL is not simulated: use the backend gloo, or leave the test to a machine with cards",
        "kernels of one's own, Triton's among them, are not simulated: leave the test to a machine with a card",
        "note: what the children of a forked process moved was not seen: test_it.py::test_forks*",
        "note: what these tests moved is not known, because their process ended: "
        "test_it.py::test_exits, test_it.py::test_is_killed",
        "written to out.json",
    ])  # fmt: skip
    found = records_in(pytester.path / "out.json")
    measured = {
        name: counts(found[f"test_it.py::{name}", "call"]) for name in ("test_before", "test_forks", "test_after")
    }
    assert set(measured.values()) == {(1, 1, 12)}
    assert ("test_it.py::test_is_killed", "call") not in found


def test_what_was_measured_before_an_exit_is_kept(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_it=SUITE)
    result = run("--simulate", "cuda", "--transfers", "out.json", "-k", "before or exits or after")
    assert result.ret == 3
    ended = "test_it.py::test_exits ended the whole process with os._exit(3): the others did not run"
    result.stderr.fnmatch_lines([
        f"*transfer-lint: {ended}",
        "transfer-lint: written to out.json",
        "transfer-lint: with pytest-xdist (-n 1) the other tests would go on",
    ])  # fmt: skip
    found = records_in(pytester.path / "out.json")
    assert (
        counts(found["test_it.py::test_before", "call"])
        == counts(found["test_it.py::test_exits", "call"])
        == (1, 1, 12)
    )
    assert json.loads((pytester.path / "out.json").read_text(encoding="utf-8"))["notes"][0] == ended


def test_torch_before_the_plugin(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(early="import torch\n\nHAS_CUDA = torch.cuda.is_available()\n")
    pytester.makepyfile(test_it="import torch\n\n\ndef test_it():\n    assert torch.ones(1).cuda().is_cuda\n")
    result = run("-p", "early", "--simulate", "cuda")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([
        "transfer-lint: torch was imported before the simulation began: what asked for devices then saw none"
    ])  # fmt: skip


def test_a_conftest_is_after_the_plugin(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makeconftest("import torch\n\nassert torch.cuda.device_count() == 3\n")
    pytester.makepyfile("def test_it(): pass")
    run("--simulate", "cuda:3").assert_outcomes(passed=1)


def test_a_report_that_cannot_be_written_fails_the_run(pytester: pytest.Pytester, run: Run) -> None:
    folder = pytester.mkdir("gone")
    pytester.makepyfile("import shutil\n\n\ndef test_it():\n    shutil.rmtree('gone')\n")
    result = run("--simulate", "cuda", "--transfers", str(folder / "out.md"))
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(["ERROR: *out.md: cannot be written*"])
