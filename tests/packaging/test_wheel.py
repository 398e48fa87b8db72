"""What is installed works: from a wheel in an empty environment, and from a checkout with `pip install -e`."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.command import MENDED, ROOT, WASTE

pytestmark = pytest.mark.slow


def clean_environment() -> dict[str, str]:
    """Nothing of this process's Python paths."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}


def run(*command: str | Path, cwd: Path, expect: int = 0) -> str:
    found = subprocess.run(command, cwd=cwd, env=clean_environment(), capture_output=True, text=True, check=False)
    assert found.returncode == expect, found.stdout + found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", into, ROOT, cwd=into)
    (found,) = into.glob("*.whl")
    return found


def environment_with(folder: Path, *requirement: str | Path) -> Path:
    """An empty environment with `requirement` and what it asks for; its folder of commands."""
    run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    commands = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [commands / "python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt"]
    run(*pip, *requirement, cwd=folder)
    return commands


def test_the_wheel_holds_the_packages_and_their_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops <= {"transfer_lint", "transfer_codemods", "instantid_runtime"}
    kinds = ("*.md", "*.toml", "*.json", "*.j2", "*.html", "*.css", "*.js", "py.typed")
    data = {"transfer_lint": kinds, "codemods/transfer_codemods": ("py.typed",)}
    for package, patterns in data.items():
        for pattern in patterns:
            for path in (ROOT / package).rglob(pattern):
                assert str(path.relative_to(ROOT).as_posix()).removeprefix("codemods/") in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.parametrize("how", ["wheel", "editable"])
def test_installed_it_works(wheel: Path, tmp_path: Path, how: str) -> None:
    requirement: tuple[str | Path, ...] = (wheel,) if how == "wheel" else ("-e", ROOT)
    commands = environment_with(tmp_path / "environment", *requirement)
    lint = commands / "transfer-lint"
    work = tmp_path / "work"
    work.mkdir()
    (work / "transfer-lint.toml").write_text('fix-hints = "always"')
    (work / "a.py").write_text(WASTE)
    (work / "b.py").write_text(WASTE)
    assert "TL101" in run(lint, "check", cwd=work, expect=1)
    assert "redundant-transfer" in run(lint, "rules", cwd=work)
    assert "Why is this bad?" in run(lint, "rules", "TL101", cwd=work)
    run(lint, "explain", "a.py:6", cwd=work)
    run(lint, "fix", "a.py", cwd=work)
    assert (work / "a.py").read_text() == MENDED
    codemod = ("-m", "libcst.tool", "codemod", "-x", "--no-format", "transfer_codemods.FixTransfers", "b.py")
    run(commands / "python", *codemod, cwd=work)
    assert (work / "b.py").read_text() == MENDED
    probe = "import importlib.util as u; print(u.find_spec('torch'), u.find_spec('tests'))"
    torch, tests = run(commands / "python", "-c", probe, cwd=work).split(" ", 1)
    assert torch == "None"
    if how == "wheel":
        assert tests.strip() == "None"
