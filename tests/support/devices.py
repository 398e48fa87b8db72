"""What tests need of the machine. `pytest --simulate cuda` runs them on a device that is not there."""

from __future__ import annotations

import pytest
import torch

from transfer_lint.tracing.machine import active

SIMULATED = active() is not None
GPU = torch.cuda.is_available() and not SIMULATED

needs_gpu = pytest.mark.skipif(not GPU, reason="there is no GPU here: torch.cuda says so, or it is simulated")
outside = pytest.mark.skipif(SIMULATED, reason="is about what is outside of a simulation, and these tests run in one")
