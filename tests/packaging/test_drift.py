"""runtime/instantid_runtime is what the tool makes of fixtures/instantid_original, byte for byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.command import ROOT, environment


def tree(folder: Path) -> dict[str, bytes]:
    """Path below `folder` -> bytes, without caches."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_runtime_has_not_drifted(tmp_path: Path) -> None:
    into = tmp_path / "made"
    subprocess.run([ROOT / ".ci/make-runtime", into], env=environment(PYTHON=sys.executable), check=True)
    made, kept = tree(into), tree(ROOT / "runtime" / "instantid_runtime")
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []
