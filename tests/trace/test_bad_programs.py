"""Programs that the simulated accelerator cannot carry: each gets a clear word, and what was measured is kept."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.command import TWO_SNAPSHOTS, lint

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and signals are POSIX's")

BEGIN = """\
import os
import torch

torch.ones(2, device="cuda")[0].item()
"""

LOADER = """\
import torch
from torch.utils.data import DataLoader, Dataset


class Rows(Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, number):
        return torch.ones(3, device={device!r})


if __name__ == "__main__":
    torch.ones(2, device="cuda")[0].item()
    loader = DataLoader(Rows(), num_workers=1, pin_memory={pinned}, multiprocessing_context={how!r})
    for batch in loader:
        batch.cuda(non_blocking=True).sum().item()
"""

FORK = """\
if os.fork() == 0:
    try:
        {code}
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
"""

EXTENSION = f"""{BEGIN}
os.environ.pop('CUDA_HOME', None)
from torch.utils.cpp_extension import load_inline
load_inline('k', cpp_sources='', cuda_sources='__global__ void k() {{}}', functions=[])
"""

IN_FORK = "Cannot re-initialize CUDA in forked subprocess"

# program -> words of its standard error, exit status, waits that are reported
PROGRAMS = {
    "forks": (BEGIN + FORK.format(code='torch.ones(2).to("cuda")'), IN_FORK, 0, 1),
    "forks with a tensor": (
        BEGIN + "x = torch.ones(2).cuda()\n" + FORK.format(code="x.sum().item()"),
        "CUDA error: initialization error",
        0,
        2,
    ),
    "forks early": (
        "import os\nimport torch\n" + FORK.format(code='print(torch.ones(2, device="cuda").sum().item())') + BEGIN,
        "2.0",
        0,
        1,
    ),
    "workers on the host": (LOADER.format(device="cpu", pinned=True, how="fork"), "", 0, 3),
    "workers on the device": (LOADER.format(device="cuda", pinned=False, how="fork"), IN_FORK, 1, 1),
    "started workers on the device": (
        LOADER.format(device="cuda", pinned=False, how="spawn"),
        "a process that the program starts has no simulated device",
        1,
        1,
    ),
    "an extension": (
        EXTENSION,
        "kernels of its own: these need a real device",
        1,
        1,
    ),
    "a ninth device": (
        BEGIN + "torch.ones(2, device='cuda:7')\ntorch.ones(2, device='cuda:8')\n",
        "--devices says how many there are",
        1,
        1,
    ),
    "NCCL": (
        BEGIN
        + "os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT='0', RANK='0', WORLD_SIZE='1')\n"
        + "torch.distributed.init_process_group('nccl')\n",
        "NCCL joins real devices",
        1,
        1,
    ),
    "kills itself": (
        BEGIN + TWO_SNAPSHOTS + "import signal\ntwo_snapshots()\nos.kill(os.getpid(), signal.SIGKILL)\n",
        "was killed by SIGKILL",
        137,
        1,
    ),
    "leaves": (BEGIN + "os._exit(4)\n", "exited with 4", 4, 1),
}


@pytest.mark.parametrize(("program", "words", "status", "waits"), PROGRAMS.values(), ids=PROGRAMS)
def test_a_clear_word(tmp_path: Path, program: str, words: str, status: int, waits: int) -> None:
    if program == EXTENSION and (shutil.which("nvcc") or Path("/usr/local/cuda").exists()):
        pytest.skip("CUDA's compiler is here, so the extension is built")
    (tmp_path / "a.py").write_text(program, encoding="utf-8")
    ran = lint("trace", "--simulate", "cuda", "--devices", "8", "--format", "json", "a.py", cwd=tmp_path, expect=status)
    assert words in ran.err
    entries = json.loads(ran.out)["entries"]
    assert sum(entry["waits"] for entry in entries) == waits, entries
