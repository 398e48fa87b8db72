"""The entry point. Until something is asked for, it only adds options, a marker and a fixture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from transfer_lint.pytest_plugin import options

MARKER = (
    'transfers(waits=N, copies=N, bytes="1 MiB"): the most that the test may wait for a device, copy between devices '
    "and move, on a real device or with --simulate cuda (transfer-lint)"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    options.add(parser.getgroup("transfer-lint", "transfer-lint: device transfers and host waits"))


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begin a simulation before any module of the tests can ask for devices."""
    asked = options.asked(early_config.known_args_namespace)
    if asked.anything:
        from transfer_lint.pytest_plugin.starting import start

        start(early_config, asked)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and begin to collect what is measured."""
    config.addinivalue_line("markers", MARKER)
    if options.asked(config.option).anything:
        from transfer_lint.pytest_plugin.starting import configured

        configured(config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to measure if a test has limits, and nothing else has asked for that."""
    if any(item.get_closest_marker("transfers") for item in session.items):
        from transfer_lint.pytest_plugin.starting import start_for_limits

        start_for_limits(session.config)


@pytest.fixture
def transfers() -> Iterator[Any]:
    """What has moved since this fixture was set up: `waits`, `copies`, `bytes`. Skips where there is no device."""
    pytest.importorskip("torch")
    from transfer_lint.tracing.expect import recording

    with recording() as moved:
        if not moved.measured:
            pytest.skip("transfers cannot be measured without an accelerator: --simulate cuda stands in for one")
        yield moved
