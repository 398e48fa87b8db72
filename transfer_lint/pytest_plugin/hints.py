"""What a failure on a simulated machine may be due to, by its message."""

from __future__ import annotations

import re

from transfer_lint.pytest_plugin.options import Simulated

_SIMULATED = (
    (
        r"\d of \d+ simulated",
        "the test asks for a device that is not simulated: "
        "--simulate {kind}:N gives it N devices, and now there are {n}",
    ),
    (
        r"not compiled with CUDA|no NVIDIA driver|No CUDA GPUs|libcuda\.so|found no NVIDIA|CUDA driver initialization",
        "the simulated devices are in the process of the test and in what it forks: a process that it starts afresh, "
        "and code that asks the driver itself, find no device",
    ),
    (r"\bNCCL\b|nccl", "NCCL is not simulated: use the backend gloo, or leave the test to a machine with cards"),
    (
        r"\btriton\b|Triton|\.ptx\b|nvcc|CUDA_HOME",
        "kernels of one's own, Triton's among them, are not simulated: leave the test to a machine with a card",
    ),
)
"""Regular expression over the message of an exception -> hint."""


def hint(message: str, simulated: Simulated | None) -> str:
    """The hint for a failure with that message; "" if there is none."""
    if simulated is not None:
        for pattern, text in _SIMULATED:
            if re.search(pattern, message):
                return text.format(kind=simulated.kind, n=simulated.devices)
    return ""
