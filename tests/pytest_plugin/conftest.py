"""Runs pytest with the plugin in a process of its own, as its users do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import environment

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest in the test's folder with this plugin and pytest-xdist, and with no other plugins."""
    for name, value in environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", OMP_NUM_THREADS="1").items():
        monkeypatch.setenv(name, value)

    def run(*options: str, plugin: bool = True) -> pytest.RunResult:
        own = ("-p", "transfer_lint.pytest_plugin.plugin") if plugin else ()
        return pytester.runpytest_subprocess("-p", "xdist.plugin", *own, "-p", "no:cacheprovider", *options)

    return run


def records_in(report: Path) -> dict[tuple[str, str], Any]:
    """(name, phase) -> record of a JSON report."""
    return {(each["name"], each["phase"]): each for each in json.loads(report.read_text(encoding="utf-8"))["tests"]}


def counts(record: Any) -> tuple[int, int, int]:
    return record["waits"], record["copies"], record["bytes"]
