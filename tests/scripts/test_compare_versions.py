"""scripts/compare_versions.py: the same version gives no difference, another one gives its differences."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import ROOT, WASTE

MOVED = """

class Encoder(torch.nn.Module):
    def __init__(self, model: torch.nn.Linear):
        super().__init__()
        self.model = model

    def forward(self, y: torch.Tensor):
        self.model.to("cuda:0")
        return self.model(y)
"""


def compared(new: Path, *trees: Path) -> tuple[int, str]:
    script = str(ROOT / "scripts" / "compare_versions.py")
    ran = subprocess.run([sys.executable, script, ROOT, new, *trees], capture_output=True, text=True, check=False)
    assert not ran.stderr
    return ran.returncode, ran.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "a pack").mkdir()
    (tmp_path / "a pack" / "nodes.py").write_text(WASTE + MOVED)
    return tmp_path / "a pack"


def test_the_same_version(tree: Path) -> None:
    assert compared(ROOT, tree, tree) == (0, "a pack: the same\na pack: the same\nno difference on 2 trees\n")


@pytest.mark.parametrize(
    ("file", "old", "new", "shown"),
    [
        pytest.param("transfer_lint/rules/redundant_transfer.py", "does nothing", "is idle", "is idle", id="message"),
        pytest.param("codemods/transfer_codemods/guard_module.py", " != ", "  !=  ", "+nodes.py ", id="fixed bytes"),
    ],
)
def test_another_version(tree: Path, tmp_path: Path, file: str, old: str, new: str, shown: str) -> None:
    copy = tmp_path / "copy"
    for name in ("transfer_lint", "codemods"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    text = (copy / file).read_text(encoding="utf-8")
    assert old in text
    (copy / file).write_text(text.replace(old, new), encoding="utf-8")
    code, out = compared(copy, tree)
    assert code == 1
    assert shown in out
    assert out.endswith("1 of 1 trees differ\n")
