"""What is derived from torch is what the torch that is installed does."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys

import pytest

from tests.support.command import ROOT

SCRIPT = ROOT / "scripts" / "derive_torch_knowledge.py"
DERIVED = ROOT / "transfer_lint" / "flow" / "knowledge" / "torch_derived.toml"


def _written_by() -> str:
    return DERIVED.read_text(encoding="utf-8").split()[3]


def test_current() -> None:
    """Neither the file nor what makes it has changed since it was made, so it would be made again as it is."""
    head, _, body = DERIVED.read_text(encoding="utf-8").partition("\n\n")
    assert head.splitlines()[-1] == runpy.run_path(str(SCRIPT))["sums"](body), "run scripts/derive_torch_knowledge.py"


@pytest.mark.slow
@pytest.mark.skipif("DERIVE" not in os.environ, reason="takes minutes: set DERIVE")
def test_it_is_made_again_as_it_is() -> None:
    torch = pytest.importorskip("torch")
    version = torch.__version__.partition("+")[0]
    if version != _written_by():
        pytest.skip(f"the file is of torch {_written_by()}, this is {version}: other operators, other samples")
    if torch.version.cuda or torch.version.hip:
        pytest.skip("the file is of torch's build for the CPU; builds for a device also try the device")
    command = [sys.executable, SCRIPT, "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr[-2000:]
    assert done.returncode == 0, f"python scripts/derive_torch_knowledge.py mends it\n{said}"


def test_says_how_it_was_made() -> None:
    heading = DERIVED.read_text(encoding="utf-8").partition("\n\n")[0]
    assert "python scripts/derive_torch_knowledge.py" in heading
    assert _written_by()[0].isdigit()
