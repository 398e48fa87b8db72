from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from transfer_lint.tracing.simulate import Machine, simulate


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine with two simulated devices, seeded."""
    torch.manual_seed(0)
    with simulate("cuda", devices=2) as machine:
        yield machine
