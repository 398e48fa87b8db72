"""The rule that CONTRIBUTING builds from nothing, built as it says in a copy of the project."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import ROOT, environment
from tests.support.documents import blocks, read

BLOCKS = tuple(blocks(read("CONTRIBUTING.md")))
RUNS_PROGRAMS = re.compile(r"<!-- output of: transfer-lint .*--s(?:imulate|cenario)")
NEEDED = (
    "transfer_lint",
    "codemods",
    "scripts",
    "docs",
    "tests",
    "fixtures",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
)


(CODE,) = {code for block in BLOCKS if block.kind == "append" for code in re.findall(r"TL\d+", block.text)}


def forget(copy: Path) -> None:
    """Take the rule out of `copy`: its files, and every line that names it."""
    for block in BLOCKS:
        if block.kind == "file":
            (copy / block.argument).unlink()
    for name in ("README.md", "CHANGELOG.md"):
        lines = (copy / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (copy / name).write_text("".join(line for line in lines if CODE not in line), encoding="utf-8")


def follow(copy: Path) -> None:
    """Write in `copy` what the steps say."""
    for block in BLOCKS:
        path = copy / block.argument
        if block.kind == "file":
            path.write_text(block.text, encoding="utf-8")
        elif block.kind == "append":
            path.write_text(path.read_text(encoding="utf-8") + block.text, encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, folder / name)
    for page in (folder / "docs").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        if RUNS_PROGRAMS.search(text) or CODE not in text:
            page.unlink()  # what stands in these does not depend on the rule, and takes long
    forget(folder)
    assert run(folder, "pytest", "tests/rules/test_catalogue.py").returncode == 0
    follow(folder)
    return folder


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    known["PYTHONPATH"] = str(copy / "codemods")
    known["PYTEST_ADDOPTS"] = "-n0"  # workers would each collect all tests
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=copy, env=known, capture_output=True, text=True, check=False)


def command(part: str) -> list[str]:
    """The one `python -m ...` of the document in which `part` stands, without `python -m`."""
    (line,) = (line for block in BLOCKS for line in block.text.splitlines() if part in line)
    return line.split()[2:]


def test_the_steps_bring_a_rule_and_what_names_it() -> None:
    assert [block.kind for block in BLOCKS if block.kind] == ["file", "file", "append"]


def test_the_rule_is_the_one_of_the_tree() -> None:
    for block in BLOCKS:
        if block.kind == "file":
            assert (ROOT / block.argument).read_text(encoding="utf-8") == block.text


def test_the_rule_passes_the_tests_that_its_page_makes(copy: Path) -> None:
    ran = run(copy, *command("pytest tests/rules -k"))
    assert ran.returncode == 0, ran.stdout
    (passed,) = re.findall(r"(\d+) passed", ran.stdout)
    assert int(passed) >= 10


def test_the_rule_is_named_where_it_has_to_be(copy: Path) -> None:
    written = run(copy, *command("tests.support.documents"))
    assert written.returncode == 0, written.stderr
    ran = run(copy, "pytest", "tests/rules/test_catalogue.py")
    assert ran.returncode == 0, ran.stdout


def test_the_rule_finds_what_it_is_for(copy: Path) -> None:
    (page,) = (block.text for block in BLOCKS if block.argument.endswith(".md") and block.kind == "file")
    example = next(blocks(page)).text
    (copy / "sampler.py").write_text(example, encoding="utf-8")
    (code,) = set(re.findall(r"# (TL\d+)$", example, re.MULTILINE))
    assert f" {code} " in run(copy, "transfer_lint", "check", "sampler.py").stdout
    assert code in run(copy, "transfer_lint", "rules").stdout


def test_the_rule_is_in_the_style_of_the_house(copy: Path) -> None:
    pytest.importorskip("ruff")
    rules = [block.argument for block in BLOCKS if block.kind == "file" and block.argument.endswith(".py")]
    assert run(copy, "ruff", "check", *rules).returncode == 0
    assert run(copy, "ruff", "format", "--check", *rules).returncode == 0
