"""What is installed works: from a wheel in an empty environment, and from a checkout with `pip install -e`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.support.command import MENDED, ROOT, WASTE
from transfer_lint.version import __version__

pytestmark = pytest.mark.slow


def clean_environment() -> dict[str, str]:
    """Nothing of this process's Python paths."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}


def run(*command: str | Path, cwd: Path, expect: int = 0) -> str:
    found = subprocess.run(command, cwd=cwd, env=clean_environment(), capture_output=True, text=True, check=False)
    assert found.returncode == expect, found.stdout + found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what a release builds: the source archive, and the wheel that is made of it."""
    checkout = tmp_path_factory.mktemp("release") / "checkout"
    ignored = shutil.ignore_patterns(".*_cache", ".venv*", "__pycache__", ".git", "node_modules", "build", "dist")
    shutil.copytree(ROOT, checkout, ignore=ignored)
    prepare = ("scripts/prepare_release.py", "someone/transfer-lint", f"v{__version__}")
    run(sys.executable, *prepare, cwd=checkout)
    run(sys.executable, "-m", "build", "--no-isolation", cwd=checkout)
    return checkout / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


def test_an_index_takes_what_is_built(built: Path) -> None:
    said = run(sys.executable, "-m", "twine", "check", "--strict", *built.iterdir(), cwd=built)
    assert len(list(built.iterdir())) == said.count("PASSED") == 2, said


def test_what_is_built_names_its_version_and_addresses(built: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(name))
    assert metadata["Version"] == __version__
    addresses = dict(line.split(", ") for line in metadata.get_all("Project-URL", []))
    assert {"Homepage", "Documentation", "Changelog", "Issues"} == addresses.keys()
    assert all(address.startswith("https://github.com/someone/transfer-lint") for address in addresses.values())
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "constraints.txt", "tests/conftest.py", "docs/index.md"} <= names


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
