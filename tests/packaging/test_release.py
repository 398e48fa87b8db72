"""What is released: from one version, with links that work where only the README is shown, on all systems."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command import ROOT
from tests.support.documents import read
from transfer_lint.version import __version__

SCRIPT = runpy.run_path(str(ROOT / "scripts" / "prepare_release.py"))
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(read(f".github/workflows/{name}.yml"))
    return found["jobs"]  # type: ignore[no-any-return]


def test_the_version_stands_in_one_place() -> None:
    assert SCRIPT["version"]() == __version__
    assert 'dynamic = ["version"]' in read("pyproject.toml")
    with pytest.raises(SystemExit, match="the tag is v9"):
        SCRIPT["main"]("me/transfer-lint", "v9")


def test_no_requirement_has_an_upper_bound() -> None:
    """None is known to break with a later version; an exact version is for constraints.txt, which CI installs."""
    requirements = re.findall(
        r'^ *"([\w.-]+(?:\[[\w,-]+\])?[^";]*).*"', read("pyproject.toml").split("[project.scripts]")[0], re.MULTILINE
    )
    found = [each for each in requirements if ">=" in each or "==" in each]
    assert len(found) > 30
    assert [each for each in found if "<" in each or "==" in each] == []


def test_links_of_the_released_readme_are_absolute() -> None:
    new = SCRIPT["readme"](read("README.md"), "me/transfer-lint", "v1.0.0")
    links = re.findall(r"\]\(([^)\s]+)\)", new)
    assert len(links) > 30
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    assert "OWNER" not in new
    ours = [link.split("/v1.0.0/")[1] for link in links if "/blob/v1.0.0/" in link]
    assert [path for path in ours if not (ROOT / path.partition("#")[0]).exists()] == []


def test_the_released_metadata_has_addresses() -> None:
    new = SCRIPT["metadata"](read("pyproject.toml"), "me/transfer-lint")
    assert 'Homepage = "https://github.com/me/transfer-lint"' in new
    assert new.count("[project.urls]") == 1


def test_the_release_is_checked_and_published_without_a_secret() -> None:
    jobs = workflow("release")
    commands = [step.get("run", "") for step in jobs["build"]["steps"]]
    order = ["prepare_release.py", "-m build", "twine check --strict"]
    assert [next(i for i, run in enumerate(commands) if part in run) for part in order] == [3, 5, 6]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert (jobs["publish"]["needs"], jobs["announce"]["needs"]) == ("build", "publish")
    assert "secrets." not in read(".github/workflows/release.yml")


def test_each_system_has_each_python() -> None:
    jobs = workflow("ci")
    every = ["3.10", "3.11", "3.12", "3.13", "3.14"]
    assert jobs["all"]["strategy"]["matrix"]["python"] == every
    matrix = jobs["systems"]["strategy"]["matrix"]
    assert (matrix["system"], matrix["python"]) == (["windows-latest", "macos-latest"], every)
    (command,) = (step["run"] for step in jobs["systems"]["steps"] if "pytest" in step.get("run", ""))
    assert all((ROOT / part).exists() for part in command.split() if part.startswith("tests/"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_issues_ask_for_what_explain_prints(path: Path) -> None:
    template = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= template.keys()
    assert "transfer-lint explain FILE:LINE" in path.read_text(encoding="utf-8")


GITHUB = ROOT / ".github"
SCHEMAS = {
    "github-workflows": sorted((GITHUB / "workflows").glob("*.yml")),
    "github-actions": [ROOT / "action.yml"],
    "github-issue-forms": TEMPLATES,
    "github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
}


def validated(schema: str, *paths: Path) -> tuple[int, str]:
    """What a kept validator says of files by one of GitHub's schemas, which it holds itself."""
    pytest.importorskip("check_jsonschema", reason="it is for Python 3.11 and later")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *paths]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize("schema", SCHEMAS)
def test_github_understands_its_files(schema: str) -> None:
    assert SCHEMAS[schema]
    code, said = validated(schema, *SCHEMAS[schema])
    assert code == 0, said


def test_a_workflow_that_github_does_not_understand_is_seen(tmp_path: Path) -> None:
    text = read(".github/workflows/ci.yml")
    (tmp_path / "ci.yml").write_text(text.replace("runs-on: ubuntu-latest", "runs_on: ubuntu-latest", 1))
    code, said = validated("github-workflows", tmp_path / "ci.yml")
    assert code == 1
    assert "runs_on" in said or "runs-on" in said


def test_the_hooks_are_as_pre_commit_takes_them() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml"]
    subprocess.run(command, check=True)
