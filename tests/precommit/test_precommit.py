"""The hooks, run by the real pre-commit in a repository of its own, against this checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command import CLEAN, LEFT, MENDED, ROOT, WASTE, lint
from tests.support.documents import blocks, read

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


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps the environment that it makes for the hooks."""
    return tmp_path_factory.mktemp("home")


def configuration(document: str) -> dict[str, Any]:
    """What a document shows of `.pre-commit-config.yaml`."""
    (block,) = (block for block in blocks(read(document)) if block.argument == ".pre-commit-config.yaml")
    found: dict[str, Any] = yaml.safe_load(block.text)
    return found


@pytest.fixture
def repository(tmp_path: Path, hooks: tuple[Path, str]) -> Path:
    """A pack with the README's configuration, filled in as that asks, and without what is not of this repository."""
    copy, commit = hooks
    folder = tmp_path / "pack"
    folder.mkdir()
    git(folder, "init", "--quiet")
    shown = configuration("README.md")["repos"][0]
    assert (shown["repo"].rpartition("/")[0], shown["rev"]) == ("https://github.com/OWNER", "COMMIT")
    filled = {"repos": [{**shown, "repo": f"file://{copy}", "rev": commit}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(filled))
    (folder / "pyproject.toml").write_text(
        '[tool.transfer-lint]\nextend-exclude = ["vendored"]\nfix-hints = "always"\n'
    )
    (folder / "nodes.py").write_text(WASTE)
    (folder / "clean.py").write_text(CLEAN)
    (folder / "vendored").mkdir()
    (folder / "vendored" / "theirs.py").write_text(WASTE)
    git(folder, "add", "--all")
    return folder


def pre_commit(folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    settings = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GIT_"))}
    settings |= {"PRE_COMMIT_HOME": str(home), "PRE_COMMIT_COLOR": "never"}
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False, timeout=600)


def test_one_hook_mends_and_reports(repository: Path, home: Path) -> None:
    fixed = pre_commit(repository, home)
    assert fixed.returncode == 1, fixed.stdout + fixed.stderr
    assert "files were modified by this hook" in fixed.stdout
    assert "fixed 2 transfers in 1 file; nothing left" in fixed.stdout
    assert (repository / "nodes.py").read_text() == MENDED
    assert (repository / "vendored" / "theirs.py").read_text() == WASTE
    git(repository, "add", "--all")
    again = pre_commit(repository, home)
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("Passed") == 1


def test_what_has_no_fix_fails_until_it_is_known_or_allowed(repository: Path, home: Path) -> None:
    (repository / "nodes.py").write_text(LEFT)
    git(repository, "add", "--all")
    changed = pre_commit(repository, home)
    assert changed.returncode == 1
    assert "1 warning left (of 2 found)" in changed.stdout
    git(repository, "add", "--all")
    left = pre_commit(repository, home)
    assert left.returncode == 1, left.stdout + left.stderr
    assert left.stdout.count("TL301") == 1  # said once
    assert "files were modified" not in left.stdout

    config = repository / ".pre-commit-config.yaml"
    plain = yaml.safe_load(config.read_text())
    for arguments in (["--exit-zero"], ["--fail-on", "error"]):
        plain["repos"][0]["hooks"][0]["args"] = arguments
        config.write_text(yaml.safe_dump(plain))
        git(repository, "add", "--all")
        allowed = pre_commit(repository, home)
        assert allowed.returncode == 0, allowed.stdout + allowed.stderr

    plain["repos"][0]["hooks"] = [{"id": "transfer-lint-fix"}]
    config.write_text(yaml.safe_dump(plain))
    with (repository / "pyproject.toml").open("a") as stream:
        stream.write('baseline = "known.json"\n')
    lint("check", "--write-baseline", cwd=repository, hints=False, expect=0)
    git(repository, "add", "--all")
    known = pre_commit(repository, home)
    assert known.returncode == 0, known.stdout + known.stderr


def test_the_other_hook_reports_alone(repository: Path, home: Path) -> None:
    config = repository / ".pre-commit-config.yaml"
    config.write_text(config.read_text().replace("transfer-lint-fix", "transfer-lint"))
    git(repository, "add", "--all")
    found = pre_commit(repository, home)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "nodes.py:6:14: TL101" in found.stdout
    assert "theirs.py" not in found.stdout
    assert (repository / "nodes.py").read_text() == WASTE


@pytest.mark.parametrize("document", ["README.md", "docs/ci.md"])
def test_the_hook_stands_before_the_formatter(document: str) -> None:
    ours, *others = configuration(document)["repos"]
    assert [hook["id"] for hook in ours["hooks"]] == ["transfer-lint-fix"]
    assert [hook["id"] for other in others for hook in other["hooks"]] == ["ruff-check", "ruff-format"]
