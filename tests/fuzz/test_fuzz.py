"""A short hunt for crashes and broken promises; `python -m tests.fuzz.hunt` is the long one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import properties, writers

short = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[], Path]:
    """A new folder for each example."""
    numbers = iter(range(1_000_000))

    def make() -> Path:
        made = tmp_path / str(next(numbers))
        made.mkdir()
        return made

    return make


@short
@given(writers.sources(), st.booleans())
def test_source(folder: Callable[[], Path], text: str, unsafe: bool) -> None:
    properties.hold_source(folder(), text, unsafe=unsafe)


@short
@given(writers.configurations)
def test_configuration(folder: Callable[[], Path], text: str) -> None:
    properties.hold_configuration(folder(), text)


@short
@given(writers.notebooks())
def test_notebook(folder: Callable[[], Path], text: str) -> None:
    properties.hold_notebook(folder(), text)


@short
@given(writers.pattern_files)
def test_patterns(folder: Callable[[], Path], data: bytes) -> None:
    properties.hold_patterns(folder(), data)
