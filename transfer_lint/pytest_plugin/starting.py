"""Starts what the options ask for: a simulation, measuring, and, in the process that the user sees, reports."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from importlib.util import find_spec

import pytest

from transfer_lint.problems import Problem, install_command
from transfer_lint.pytest_plugin import baseline as baselines
from transfer_lint.pytest_plugin.options import Asked

OLDEST = (8, 2)
"""The oldest pytest whose hooks are understood."""

MEASURING = "transfer_lint_measuring"
HASHED = 32 * 2**20
"""Size in bytes up to which a report compares the contents of transfers."""


def start(config: pytest.Config, asked: Asked) -> None:
    """Begin the simulation and the measuring. They end with the configuration."""
    early = "torch" in sys.modules
    _check(asked)
    from transfer_lint.pytest_plugin.measuring import Measuring
    from transfer_lint.tracing.expect import has_device
    from transfer_lint.tracing.session import trace

    if asked.simulated is None and not has_device():
        raise pytest.UsageError(
            "--transfers and --transfer-baseline: there is no accelerator here; --simulate cuda stands in for one"
        )
    measuring = Measuring(asked, _baseline(asked))
    if asked.simulated and early:
        measuring.notes.append("torch was imported before the simulation began: what asked for devices then saw none")
    stack = ExitStack()
    config.add_cleanup(stack.close)
    simulated = (asked.simulated.kind, asked.simulated.devices) if asked.simulated else ("", 1)
    measuring.tracing = stack.enter_context(
        trace(
            "pytest",
            simulated=simulated[0],
            devices=simulated[1],
            follow_uses=False,
            hash_limit=HASHED if asked.report else 0,
            reach=None,
        )
    )
    stack.enter_context(measuring.watched())
    config.pluginmanager.register(measuring, MEASURING)


def configured(config: pytest.Config) -> None:
    """Begin to collect what is measured, unless this process is a worker of xdist, whose controller does that."""
    measuring = config.pluginmanager.get_plugin(MEASURING)
    if measuring is None or hasattr(config, "workerinput"):
        return
    from transfer_lint.pytest_plugin.collecting import Collecting

    measuring.collecting = Collecting(config, measuring)
    config.pluginmanager.register(measuring.collecting, "transfer_lint_collecting")


def start_for_limits(config: pytest.Config) -> None:
    """Begin to measure the real machine, for the limits of tests, unless measuring has begun."""
    if config.pluginmanager.hasplugin(MEASURING):
        return
    from transfer_lint.pytest_plugin.measuring import Measuring

    measuring = Measuring(Asked())
    if find_spec("torch"):
        from transfer_lint.tracing.expect import has_device
        from transfer_lint.tracing.session import trace

        if has_device():
            stack = ExitStack()
            config.add_cleanup(stack.close)
            measuring.tracing = stack.enter_context(trace("pytest", follow_uses=False, hash_limit=0, reach=None))
    config.pluginmanager.register(measuring, MEASURING)


def _check(asked: Asked) -> None:
    """Raise UsageError for options that cannot be followed."""
    if pytest.version_tuple[:2] < OLDEST:
        raise pytest.UsageError(f"transfer-lint needs pytest {'.'.join(map(str, OLDEST))} or newer")
    if asked.write_baseline and not asked.baseline:
        raise pytest.UsageError("--write-transfer-baseline needs --transfer-baseline FILE")
    for name in ("torch", *(["jinja2"] if asked.form == "html" else [])):
        if not find_spec(name):
            raise pytest.UsageError(f"{name} is not installed: {install_command('pytest')}")


def _baseline(asked: Asked) -> baselines.Baseline | None:
    """The baseline in the file, or an empty one to be written; None if none is asked for."""
    if not asked.baseline:
        return None
    if asked.write_baseline and not os.path.exists(asked.baseline):
        return baselines.Baseline(asked.device, {})
    try:
        found = baselines.read(asked.baseline)
    except Problem as problem:
        raise pytest.UsageError(f"--transfer-baseline: {problem}") from None
    if found.device == asked.device:
        return found
    if asked.write_baseline:
        return baselines.Baseline(asked.device, {})
    raise pytest.UsageError(
        f"--transfer-baseline: {asked.baseline} was measured on {found.device}, and this run is on {asked.device}"
    )
