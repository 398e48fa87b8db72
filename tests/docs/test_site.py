"""The site: it builds without a warning, and what its pages show is so."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import pytest
import yaml

from tests.support.command import ROOT, environment, lint
from tests.support.documents import Block, blocks, comparable, printed, prose, read, stage
from transfer_lint.cli import cli
from transfer_lint.lint import configuration, lookup

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))
FOUND = [(page, block) for page in PAGES for block in blocks(read(page))]
MEND = "python -m tests.support.documents mends the pages"


def of(*kinds: str, language: str = "") -> list[pytest.param]:  # type: ignore[valid-type]
    return [
        pytest.param(page, block, id=f"{page}:{block.start}")
        for page, block in FOUND
        if block.kind in kinds and language in ("", block.language)
    ]


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    known = {"python", "sh", "text", "diff", "yaml", "toml", "lua", "json", "elisp", "mermaid", "markdown"}
    for page, block in FOUND:
        assert block.language in known, (page, block.start)
        if block.language in ("text", "diff"):
            assert block.kind in ("output of", "messages of"), (page, block.start)


@pytest.mark.parametrize(("page", "block"), of("output of", "messages of"))
def test_output_is_what_the_tool_prints(page: str, block: Block, tmp_path: Path) -> None:
    stage(read(page), tmp_path)
    assert block.text.strip()
    assert comparable(block.text) == comparable(printed(block, tmp_path)), MEND


ONE_BY_ONE = """
import json, os, sys, traceback
import torch
for page, text in json.load(sys.stdin):
    if os.fork() == 0:
        try:
            exec(compile(text, page, "exec"), {"__name__": "__main__"})
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(f"{page} fails")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a fork")
def test_python_is_python_and_runs() -> None:
    """Each in a process of its own, which has torch already."""
    python = [(page, block) for page, block in FOUND if block.language == "python"]
    for page, block in python:
        compile(block.text, page, "exec")
    # a part is no program; what needs more is run elsewhere
    programs = [[page, block.text] for page, block in python if block.kind not in ("file", "part", "run")]
    command = [sys.executable, "-c", ONE_BY_ONE]
    known = environment(INSTANTID_MODELS=os.devnull)
    ran = subprocess.run(command, env=known, input=json.dumps(programs), capture_output=True, text=True, check=False)
    assert programs
    assert ran.returncode == 0, ran.stderr


def commands() -> list[str]:
    """Every transfer-lint command, in shell blocks and in running text."""
    shell = [line for _, block in FOUND if block.language == "sh" for line in block.text.splitlines()]
    parts = [part.strip() for line in shell for part in re.split(r"&&|;", line)]
    spans = [span for page in PAGES for span in re.findall(r"`([^`\n]+)`", prose(read(page)))]
    return [part for part in dict.fromkeys((*parts, *spans)) if part.startswith("transfer-lint ")]


@pytest.mark.parametrize("command", commands())
def test_commands_and_their_options_exist(command: str) -> None:
    name, *arguments = shlex.split(command, comments=True)[1:]
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    if name == "trace":  # what follows the script is the script's
        scripts = (n for n, a in enumerate(arguments) if a.endswith(".py") and not arguments[n - 1].startswith("-"))
        arguments = arguments[: next(scripts, len(arguments))]
    if "--" in arguments:  # what follows is another program's
        arguments = arguments[: arguments.index("--")]
    known = {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)} | {
        "--help"
    }
    assert {argument for argument in arguments if argument.startswith("-") and argument != "-"} <= known


def test_shell_is_shell() -> None:
    for _, block in FOUND:
        if block.language == "sh":
            subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)


@pytest.mark.parametrize(("page", "block"), of("config"))
def test_configurations_load(page: str, block: Block, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(block.text, encoding="utf-8")
    settings = lookup.load([str(tmp_path)])
    assert settings.root == str(tmp_path)
    (tmp_path / "pyproject.toml").unlink()
    text = re.sub(r"^\[tool\.transfer-lint\]\n|(?<=^\[)tool\.transfer-lint\.", "", block.text, flags=re.MULTILINE)
    (tmp_path / "transfer-lint.toml").write_text(text, encoding="utf-8")
    assert replace(lookup.load([str(tmp_path)]), source="") == replace(settings, source="")


def test_the_values_that_a_comment_of_the_configuration_names_are_taken() -> None:
    first, *_ = (block for page, block in FOUND if page == "docs/configuration.md" and block.kind == "config")
    keys = {key.name: key for key in configuration.KEYS}
    named = [
        (line.split(" ")[0], value)
        for line in first.text.splitlines()
        for value in re.findall(r'"([^"]+)"', line.partition("# ")[2])
    ]
    assert len(named) >= 5
    for key, value in named:
        keys[key].form.read(value)


def test_editors_start_a_command_that_exists() -> None:
    languages = ("lua", "toml", "json", "elisp")
    found = [block for page, block in FOUND if page == "docs/editors.md" and block.language in languages]
    starting = [block for block in found if re.search(r'"transfer-lint".*"server"', block.text, re.DOTALL)]
    assert [block.language for block in starting] == ["lua", "toml", "json", "json", "elisp", "elisp"]
    for block in found:
        assert block.text.count("{") == block.text.count("}")
        assert block.text.count("(") == block.text.count(")")


def only(kind: str) -> object:
    (block,) = (block for _, block in FOUND if block.kind == kind)
    return yaml.safe_load(block.text)


def test_the_action_takes_what_the_page_gives_it() -> None:
    action = yaml.safe_load(read("action.yml"))
    shown = only("action")
    assert isinstance(shown, dict)
    (step,) = (step for step in shown["jobs"]["transfers"]["steps"] if "transfer-lint" in step["uses"])
    assert set(step["with"]) <= set(action["inputs"])
    runs = action["runs"]["steps"]
    assert not any("${{ inputs" in step.get("run", "") for step in runs)  # an input is no part of a script


def act(folder: Path, **inputs: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the action's step that checks, as a runner does; what it printed, and the summary that it wrote."""
    (step,) = (step for step in yaml.safe_load(read("action.yml"))["runs"]["steps"] if step.get("id") == "check")
    tool = folder / "b i n" / "transfer-lint"
    tool.parent.mkdir(parents=True)
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m transfer_lint "$@"\n')
    tool.chmod(0o755)
    summary = folder / "summary.md"
    given = {"PATHS": ".", "FAIL_ON": "error", "ARGS": "", "SARIF": "", **inputs}
    known = environment(BIN=str(tool.parent), RUNNER_TEMP=str(folder), GITHUB_STEP_SUMMARY=str(summary), **given)
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    ran = subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, check=False)
    return ran, summary.read_text() if summary.exists() else ran.stderr


DISCARDED = "import torch\n\n\ndef f(x: torch.Tensor):\n    x.cuda(0)\n    return x\n"


def test_the_action_expands_nothing(tmp_path: Path) -> None:
    (tmp_path / "waste.py").write_text(DISCARDED)
    ran, _ = act(tmp_path, PATHS="waste.py *", ARGS="--select TL201")
    assert ran.returncode == 2, ran.stderr  # `*` is no file
    assert "::error file=*," in ran.stdout
    assert "::error file=waste.py,line=5" in ran.stdout


@pytest.mark.parametrize("paths", ["My Nodes", "My Nodes\nother.py\r\n"], ids=["one", "lines"])
def test_the_action_takes_paths_with_blanks(paths: str, tmp_path: Path) -> None:
    (tmp_path / "My Nodes").mkdir()
    (tmp_path / "My Nodes" / "a.py").write_text(DISCARDED)
    (tmp_path / "other.py").write_text("x = 1\n")
    ran, _ = act(tmp_path, PATHS=paths)
    assert ran.returncode == 1, ran.stderr
    assert "::error file=My Nodes/a.py,line=5" in ran.stdout


def test_the_action_says_how_many_are_not_annotated_and_writes_sarif(tmp_path: Path) -> None:
    (tmp_path / "many.py").write_text(DISCARDED.replace("    x.cuda(0)\n", "    x.cuda(0)\n" * 13))
    ran, summary = act(tmp_path, SARIF="found.sarif")
    assert ran.returncode == 1, ran.stderr
    assert "| error | 13 | 3 |" in summary
    assert "| warning | 0 | 0 |" in summary
    assert '"version": "2.1.0"' in (tmp_path / "found.sarif").read_text()
    *_, upload = yaml.safe_load(read("action.yml"))["runs"]["steps"]
    assert upload["if"].startswith("always()")


def test_gitlab_runs_a_command_that_exists(tmp_path: Path) -> None:
    shown = only("gitlab")
    assert isinstance(shown, dict)
    (line,) = (line for line in shown["transfers"]["script"] if line.startswith("transfer-lint"))
    report = shown["transfers"]["artifacts"]["reports"]["codequality"]
    lint(*shlex.split(line)[1:], cwd=tmp_path, expect=0)
    assert (tmp_path / report).read_text() == "[]\n"


def test_the_configuration_reference_is_current() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "make_config_docs.py"))
    assert script["FILE"].read_text(encoding="utf-8") == script["document"](), "python scripts/make_config_docs.py"


def test_it_builds_without_a_warning(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env=environment(NO_MKDOCS_2_WARNING="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "WARNING" not in ran.stderr
    built = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.html")}
    assert {f"{page[5:-3]}.html" for page in PAGES} <= built
    architecture = (tmp_path / "site" / "architecture.html").read_text(encoding="utf-8")
    assert architecture.count('class="flow picture"') == 2  # the maps are pictures
    assert "flowchart" not in architecture
    for page in built:
        text = (tmp_path / "site" / page).read_text(encoding="utf-8")
        assert not re.search(r'<(?:script|link)[^>]+(?:src|href)="https?://(?!example)', text), page
