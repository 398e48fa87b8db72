"""Whether one path would be found by a walk is the same question as what the walk finds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from transfer_lint.files.discovery import Walk
from transfer_lint.settings import Settings

FILES = ("a.py", "build/b.py", "out/c.py", "out/kept.py", "sub/d.py", "sub/out/e.py", "sub/mine/f.py", "g.log.py")


@pytest.mark.parametrize("start", [".", "sub", "build", "out"])
@pytest.mark.parametrize("git", [True, False])
def test_finds_agrees_with_files(start: str, git: bool, tmp_path: Path) -> None:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    if git:
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        subprocess.run(["git", "-C", tmp_path, "add", "-f", "g.log.py"], check=True)
    (tmp_path / ".gitignore").write_text("/out/*\n!/out/kept.py\n*.log.py\n")
    (tmp_path / "sub" / ".gitignore").write_text("out/\n")
    folder = str(tmp_path / start)
    settings = Settings(root=str(tmp_path), extend_exclude=("mine",))
    below = [str(path) for path in Path(folder).rglob("*.py")]
    found = set(Walk(folder, settings).files()) & set(below)
    assert {path for path in below if Walk(folder, settings).finds(path)} == found
    assert found
