"""The hooks, run by the real pre-commit in a repository of its own, against this checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import CLEAN, MENDED, ROOT, WASTE

pytestmark = pytest.mark.slow


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com", "-c", "init.defaultBranch=main")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """This checkout as it stands, committed to a repository of its own; and the commit."""
    copy = tmp_path_factory.mktemp("hooks")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("the checkout is no git repository")
    wanted = ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")
    for name in listed.stdout.decode().split("\0"):
        if name in wanted or name.startswith(("transfer_lint/", "codemods/", "runtime/")):
            source = ROOT / name
            if source.is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy / name)
    git(copy, "init", "--quiet")
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "as it stands")
    return copy, git(copy, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, hooks: tuple[Path, str]) -> Path:
    copy, commit = hooks
    folder = tmp_path / "pack"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: file://{copy}\n    rev: {commit}\n    hooks:\n"
        "      - id: transfer-lint-fix\n      - id: transfer-lint\n"
    )
    (folder / "pyproject.toml").write_text(
        '[tool.transfer-lint]\nextend-exclude = ["vendored"]\nfix-hints = "always"\n'
    )
    (folder / "nodes.py").write_text(WASTE)
    (folder / "clean.py").write_text(CLEAN)
    (folder / "vendored").mkdir()
    (folder / "vendored" / "theirs.py").write_text(WASTE)
    git(folder, "add", "--all")
    return folder


def pre_commit(folder: Path, home: Path, *hook: str) -> subprocess.CompletedProcess[str]:
    settings = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GIT_"))}
    settings |= {"PRE_COMMIT_HOME": str(home), "PRE_COMMIT_COLOR": "never"}
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files", *hook]
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False, timeout=600)


def test_hooks(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    found = pre_commit(repository, home, "transfer-lint")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "nodes.py:6:14: TL101" in found.stdout
    assert "theirs.py" not in found.stdout

    fixed = pre_commit(repository, home, "transfer-lint-fix")
    assert fixed.returncode == 1, fixed.stdout + fixed.stderr  # pre-commit fails a hook that changes files
    assert "files were modified by this hook" in fixed.stdout
    assert (repository / "nodes.py").read_text() == MENDED
    assert (repository / "vendored" / "theirs.py").read_text() == WASTE

    git(repository, "add", "--all")
    again = pre_commit(repository, home)
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("Passed") == 2
