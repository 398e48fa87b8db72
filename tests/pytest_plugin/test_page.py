"""docs/testing-without-a-gpu.md: its files give what it says, and its workflow is one."""

from __future__ import annotations

import re
import shlex
from types import SimpleNamespace

import pytest
import yaml

from tests.pytest_plugin.conftest import Run
from tests.support.devices import GPU
from tests.support.documents import blocks, read
from transfer_lint.pytest_plugin import options

pytest_plugins = ["pytester"]

BLOCKS = tuple(blocks(read("docs/testing-without-a-gpu.md")))


def test_its_tests_fail_as_it_says(pytester: pytest.Pytester, run: Run) -> None:
    for block in BLOCKS:
        if block.kind == "file":
            (pytester.path / block.argument).write_text(block.text, encoding="utf-8")
    (shown,) = (block.text.splitlines() for block in BLOCKS if block.kind == "shows")
    result = run(*shlex.split(shown[0])[1:])
    result.assert_outcomes(passed=2, failed=3)
    printed = result.stdout.str()
    for line in shown[1:]:
        test, _, message = line.removeprefix("# ").partition("  ")
        assert message.strip() in printed
        assert not test.strip() or f" {test} " in printed
    if not GPU:
        run().assert_outcomes(passed=5)


def test_its_commands_have_options_that_exist() -> None:
    known: set[str] = set()
    options.add(SimpleNamespace(addoption=lambda name, **_: known.add(name)))
    workflow = yaml.safe_load(next(block.text for block in BLOCKS if block.kind == "workflow"))
    steps = [step["run"] for step in workflow["jobs"]["simulated"]["steps"] if "run" in step]
    lines = [*steps, *(line for block in BLOCKS if block.language == "sh" for line in block.text.splitlines())]
    given = {option for line in lines if line.startswith("pytest ") for option in re.findall(r"--[\w-]+", line)}
    assert given
    assert given <= known
