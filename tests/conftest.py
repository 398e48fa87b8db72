"""What all tests share."""

from __future__ import annotations

import os

import pytest

# One thread of torch and numpy for each process: tests run side by side, and more threads would wait for each other.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Results are kept for one session of one process, not in the user's folder."""
    pytest.MonkeyPatch().setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("caches")))


@pytest.fixture(scope="session", autouse=True)
def own_models(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The models of scenarios lie where pytest tidies up, also where a scenario's process is killed."""
    pytest.MonkeyPatch().setenv("SCENARIO_MODELS", str(tmp_path_factory.mktemp("models")))
