"""What the README and the pages beside it say is so: commands, what they print, snippets, tables. And it is short."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import torch
import yaml

from tests.support.command import COOL, MENDED, ROOT, WASTE, environment, lint
from tests.support.documents import (
    MEASURED,
    RESULTS,
    TABLE_ROW,
    Block,
    blocks,
    comparable,
    measured,
    printed,
    prose,
    read,
    rule_rows,
    stage,
)
from transfer_lint.cli import COMMANDS as COMMANDS_OF_THE_TOOL
from transfer_lint.cli import cli

README = read("README.md")
COMMANDS = read("docs/commands.md")
BLOCKS = tuple(block for name in ("README.md", "docs/runtime.md", "CONTRIBUTING.md") for block in blocks(read(name)))
SPANS = tuple(span for text in (README, COMMANDS) for span in re.findall(r"`([^`\n]+)`", prose(text)))

MEND = "python -m tests.support.documents mends the README"

SHOWN = [block for block in blocks(README) if block.kind in ("output of", "messages of")]
SCRIPTS = [block.text.replace("\\\n", " ") for block in BLOCKS if block.language == "sh"]
SHELL = [line.strip() for script in SCRIPTS for line in script.splitlines()]
"""Lines of shell; those that a backslash divides are one."""


def only(**wanted: str) -> Block:
    """The one block whose fields are these."""
    (found,) = (block for block in BLOCKS if all(getattr(block, name) == value for name, value in wanted.items()))
    return found


def test_a_reader_decides_in_a_minute() -> None:
    assert len(TABLE_ROW.sub("", README)) < 7_000


def invocations() -> list[str]:
    """Every transfer-lint command, in shell blocks and in running text."""
    parts = [part for line in SHELL for part in re.split(r"&&|;", line)]
    written = [re.sub(r"^(\S*/)?transfer-lint ", "transfer-lint ", part.strip()) for part in (*parts, *SPANS)]
    shown = [block.argument for block in SHOWN]
    return [text for text in dict.fromkeys((*written, *shown)) if text.startswith("transfer-lint ")]


def options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    stage(README, folder)
    return folder


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: f"{block.kind} {block.argument}")
def test_output_is_what_the_tool_prints(block: Block, staged: Path) -> None:
    assert comparable(block.text) == comparable(printed(block, staged)), MEND


def test_there_is_output_and_there_are_commands() -> None:
    assert len(SHOWN) >= 3
    assert {text.split()[1] for text in invocations()} == set(COMMANDS_OF_THE_TOOL)


@pytest.mark.parametrize("invocation", invocations())
def test_commands_and_their_options_exist(invocation: str) -> None:
    name, *arguments = shlex.split(re.sub(r"\[[A-Z]+\]", "", invocation), comments=True)[1:]
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert {argument for argument in arguments if argument.startswith("-") and argument != "-"} <= options_of(command)


def test_options_in_running_text_exist() -> None:
    known = {"-", "-P"}  # -P is of Python
    for name in cli.list_commands(click.Context(cli)):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        known |= options_of(command)
    named = {span.split()[0] for span in SPANS if span.startswith("-")}
    assert named
    assert named <= known


def test_the_diff_is_of_the_files_with_fixes(staged: Path) -> None:
    found = lint("check", "fixtures/instantid_original", cwd=staged, expect=1).out.splitlines()
    diff = lint("fix", "--diff", "fixtures/instantid_original", cwd=staged, expect=1).out
    changed = re.findall(r"^\+\+\+ b/(.*)$", diff, re.MULTILINE)
    assert len(changed) >= 2
    assert changed == sorted({line.split(":")[0] for line in found if line.endswith("[*]")})


def test_shell_is_shell() -> None:
    for block in BLOCKS:
        if block.language == "sh":
            subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)


def test_the_test_command_is_what_ci_runs() -> None:
    (line,) = (line for line in SHELL if line.endswith("-m pytest"))
    plain = (ROOT / ".ci/run").read_text(encoding="utf-8").replace('"$venv/bin/python"', ".venv/bin/python")
    plain = plain.replace(" --disable-pip-version-check", "")
    make, install, test = (part.strip() for part in line.split("&&"))
    assert make == "python3 -m venv .venv"
    assert install in plain.splitlines()
    assert test.removeprefix(".venv/bin/") in plain.splitlines()


def test_how_long_the_tests_take_is_said_alike() -> None:
    said = [
        re.findall(r"tests take about (\d+) minutes on two\s+cores", text) for text in (README, read("CONTRIBUTING.md"))
    ]
    assert len(said[0]) == 1
    assert said[0] == said[1]


@pytest.mark.slow
def test_the_main_job_on_a_fresh_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    ignored = shutil.ignore_patterns(".*_cache", ".venv*", "__pycache__", ".git", ".hypothesis", "build", "dist")
    shutil.copytree(ROOT, clone, ignore=ignored)
    (block,) = (block for block in BLOCKS if block.language == "sh" and "fix --diff fixtures" in block.text)
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    ran = subprocess.run(["sh", "-c", block.text], cwd=clone, env=bare, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    for said in only(kind="messages of").text.splitlines():
        assert comparable(said).strip() in comparable(ran.stderr)
    assert "+++ b/fixtures/instantid_original/nodes_apply.py" in ran.stdout


def test_the_table_of_rules_says_what_the_rules_say() -> None:
    assert TABLE_ROW.findall(README) == rule_rows(), MEND


def test_what_was_measured_is_a_result() -> None:
    (shown,) = MEASURED.findall(read("docs/runtime.md"))
    assert shown == measured(), MEND
    machine = re.findall(r"^Machine `([^`]+)`", shown, re.MULTILINE)
    assert [(RESULTS / f"{name}.json").exists() for name in machine] == [True]


def test_an_ignore_comment_keeps_a_transfer(tmp_path: Path) -> None:
    (comment,) = re.findall(r"# transfer-lint: ignore\[TL102\].*", README)
    (tmp_path / "a.py").write_text(COOL.replace('x.to("cuda:0")', f'x.to("cuda:0")  {comment}'), encoding="utf-8")
    assert "TL102" not in lint("check", "--fail-on", "hint", "a.py", cwd=tmp_path, expect=1).out
    (tmp_path / "a.py").write_text("# transfer-lint: skip-file\n" + WASTE, encoding="utf-8")
    lint("check", "--fail-on", "hint", "a.py", cwd=tmp_path, expect=0)


def test_the_hooks_exist() -> None:
    repository, *_ = yaml.safe_load(only(argument=".pre-commit-config.yaml").text)["repos"]
    defined = {hook["id"] for hook in yaml.safe_load(read(".pre-commit-hooks.yaml"))}
    assert {hook["id"] for hook in repository["hooks"]} < defined


def test_the_runtime_snippet_runs(tmp_path: Path) -> None:
    from instantid_runtime.model import SDXL_WIDTHS, InstantID, Sizes
    from instantid_runtime.resampler import ResamplerSizes

    small = ResamplerSizes(width=64, inner=64, hidden=64, depth=1, output=32)
    weights = InstantID(Sizes(small, tuple(width // 20 for width in SDXL_WIDTHS))).state_dict()
    (tmp_path / "instantid").mkdir()
    torch.save(weights, tmp_path / "instantid" / "ip-adapter.bin")
    code = only(kind="run", argument="runtime").text + "\nprint(list(tokens.shape), nothing.shape == tokens.shape)\n"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(INSTANTID_MODELS=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == f"[1, {small.tokens}, 32] True\n", run.stderr


def test_the_rewrites_run_as_a_codemod(tmp_path: Path) -> None:
    (line,) = (span for span in SPANS if "libcst.tool" in span)
    (tmp_path / "a.py").write_text(WASTE, encoding="utf-8")
    (tmp_path / "transfer-lint.toml").write_text('fix-hints = "always"')
    # An installed transfer-lint brings the planner; from a checkout this stands for it.
    info = tmp_path / "site" / "planner-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: transfer-lint\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[transfer_codemods.planner]\ntransfer-lint = transfer_lint.fixing.planning:plan\n"
    )
    known = environment()
    known["PYTHONPATH"] = os.pathsep.join((str(tmp_path / "site"), known["PYTHONPATH"]))
    command = [sys.executable, *shlex.split(line.replace("PATH", "a.py"))[1:]]
    if sys.version_info < (3, 11):
        command.remove("-P")
    run = subprocess.run(command, cwd=tmp_path, env=known, capture_output=True, text=True, check=False)
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == MENDED, run.stderr
