"""`torch.autocast("cuda")` converts what it would on a device, and nothing on the host."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from transfer_lint.tracing.simulate import Machine

DTYPES = {
    "net(d)": torch.float16,
    "d @ d.T": torch.float16,
    "torch.softmax(d.half(), -1)": torch.float32,
    "F.layer_norm(d.half(), (3,))": torch.float32,
    "d.half().exp()": torch.float32,
    "torch.cat([d, d.half()])": torch.float32,
    "d.half() + 1": torch.float16,
    "d + 1": torch.float32,
    "h @ h.T": torch.float32,
    "nn.Conv1d(2, 3, 1, device='cuda')(d[None])": torch.float16,
    "F.scaled_dot_product_attention(d[None], d[None], d[None])": torch.float16,
    "nn.MultiheadAttention(3, 1, device='cuda')(d, d, d)[0]": torch.float16,
}


@pytest.mark.parametrize(("expression", "dtype"), DTYPES.items(), ids=DTYPES)
def test_dtype(machine: Machine, expression: str, dtype: torch.dtype) -> None:
    h = torch.arange(6.0).reshape(2, 3)
    given = {"torch": torch, "nn": nn, "F": F, "h": h, "d": h.cuda(), "net": nn.Linear(3, 4, device="cuda")}
    with torch.autocast("cuda", dtype=torch.float16):
        assert eval(expression, given).dtype is dtype
    with torch.autocast("cuda", enabled=False):
        assert torch.is_autocast_enabled("cuda") is False
        assert (given["d"] @ given["d"].T).dtype is torch.float32


def test_gradients_come_back_in_the_parameters_dtype(machine: Machine) -> None:
    net = nn.Linear(3, 4, device="cuda")
    with torch.autocast("cuda", dtype=torch.bfloat16):
        loss = net(torch.ones(3, device="cuda")).sum()
    loss.backward()
    assert net.weight.grad is not None
    assert net.weight.grad.dtype is torch.float32
