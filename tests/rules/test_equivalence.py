"""The judge of fixes must be able to say no: pairs that are wrong in one way each, and pairs that are right."""

from __future__ import annotations

import pytest

from transfer_lint.tracing.examples.compare import compare

GUARD = """
def f(x, device, dtype):
    if x.device != device or x.dtype != dtype:
        x = x.to(device, dtype=dtype)
    return x
"""
MOVE = """
def f(x, device, dtype):
    return x.to(device, dtype=dtype)
"""
MODULE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("steps", torch.arange(4))

net = Net()
"""

SAME = {
    "guarded tensor": (MOVE, GUARD, "f(x, device, dtype)"),
    "deleted move": (
        "def f(x):\n    return (x * 2).to(x.device)\n",
        "def f(x):\n    return x * 2\n",
        "f(x)",
    ),
    "guarded module": (
        MODULE + "def f(device, other):\n    net.to(other)\n    net.to(device)\n    return net\n",
        MODULE
        + "def f(device, other):\n    net.to(other)\n"
        + "    if any(t.device != device for t in (*net.parameters(), *net.buffers())):\n        net.to(device)\n"
        + "    return net\n",
        "f(device, other)",
    ),
}

WRONG = {
    "value": (MOVE, MOVE.replace("x.to(", "(x + 1).to("), "f(x, device, dtype)", "value"),
    "value of the last bit": (
        "def f(x):\n    return x.float() * 3\n",
        "def f(x):\n    return x.float() * 2.9999998\n",
        "f(x)",
        "value",
    ),
    "a minus on a zero": ("def f(x):\n    return x * 0.0\n", "def f(x):\n    return abs(x * 0.0)\n", "f(x)", "value"),
    "a number": ("def f(x):\n    return 1\n", "def f(x):\n    return 2\n", "f(x)", "value"),
    "a key of a dict": ("def f(x):\n    return {'a': x}\n", "def f(x):\n    return {'b': x}\n", "f(x)", "value"),
    "dtype": (MOVE, "def f(x, device, dtype):\n    return x.to(device)\n", "f(x, device, dtype)", "dtype"),
    "dtype half of a guard forgotten": (
        MOVE,
        GUARD.replace(" or x.dtype != dtype", ""),
        "f(x, device, dtype)",
        "dtype",
    ),
    "device": (MOVE, "def f(x, device, dtype):\n    return x.to(dtype)\n", "f(x, device, dtype)", "device"),
    "index of the device": (
        "def f(x, device):\n    return x.to(device)\n",
        "def f(x, device):\n    return x if x.device.type == device.type else x.to(device)\n",
        "f(x, device)",
        "device",
    ),
    "a copy where the input was": (
        "def f(x, device):\n    return x.to(device)\n",
        "def f(x, device):\n    return x.to(device).clone()\n",
        "f(x, device)",
        "identity",
    ),
    "the input where a copy was": (
        "def f(x):\n    return x.to(x.device, copy=True)\n",
        "def f(x):\n    return x\n",
        "f(x)",
        "identity",
    ),
    "a view where a copy was": (
        "def f(x):\n    return x.clone().reshape(-1)\n",
        "def f(x):\n    return x.reshape(-1)\n",
        "f(x)",
        "identity",
    ),
    "two results that were one object": (
        "def f(x):\n    y = x + 1\n    return y, y\n",
        "def f(x):\n    return x + 1, x + 1\n",
        "f(x)",
        "identity",
    ),
    "an input that is written to": (
        "def f(x):\n    return (x + 1).sum()\n",
        "def f(x):\n    return x.add_(1).sum()\n",
        "f(x)",
        "value",
    ),
    "a module left where it was": (
        MODULE + "def f(device):\n    net.to(device)\n",
        MODULE + "def f(device):\n    net.linear.to(device)\n",
        "f(device)",
        "device",
    ),
    "a new parameter object": (
        MODULE + "kept = net.linear.weight\ndef f(device):\n    net.to(device)\n    return kept, net\n",
        MODULE
        + "kept = net.linear.weight\ndef f(device):\n    net.to(device)\n"
        + "    net.linear.weight = nn.Parameter(net.linear.weight.detach())\n    return kept, net\n",
        "f(device)",
        "identity",
    ),
    "the random stream of the host": (
        "import torch\ndef f(x):\n    torch.rand(3)\n    return x\n",
        "def f(x):\n    return x\n",
        "f(x)",
        "random",
    ),
    "the random stream of a device": (
        "import torch\ndef f(x):\n    return x, torch.zeros(3)\n",
        "import torch\ndef f(x):\n    torch.rand(3, device='cuda:1')\n    return x, torch.zeros(3)\n",
        "f(x)",
        "random",
    ),
    "numbers drawn on another device": (
        "import torch\ndef f(device):\n    return torch.rand(3).to(device)\n",
        "import torch\ndef f(device):\n    return torch.rand(3, device=device)\n",
        "f(device)",
        "value",
    ),
    "an exception": (
        "def f(x, y):\n    return x + y.to(x.device)\n",
        "def f(x, y):\n    return x + y\n",
        "f(x, y)",
        "exception",
    ),
    "one transfer more": (
        "def f(x, device):\n    return x.to(device)\n",
        "def f(x, device):\n    x.to(device)\n    return x.to(device)\n",
        "f(x, device)",
        "cost",
    ),
    "more bytes": (
        "import torch\ndef f(x, device):\n    return x.to(torch.float32).to(torch.float16).to(device)\n",
        "import torch\ndef f(x, device):\n    return x.to(torch.float32).to(device).to(torch.float16)\n",
        "f(x, device)",
        "cost",
    ),
    "a wait": (
        "def f(x):\n    return x\n",
        "def f(x):\n    x.flatten()[0].item()\n    return x\n",
        "f(x)",
        "cost",
    ),
}


@pytest.mark.parametrize(("before", "after", "run"), SAME.values(), ids=SAME)
def test_accepts(before: str, after: str, run: str) -> None:
    verdict = compare(before, after, run)
    assert not verdict.kinds, verdict.report()
    assert verdict.ran == verdict.tried > 1
    assert verdict.saved > 0


@pytest.mark.parametrize(("before", "after", "run", "kind"), WRONG.values(), ids=WRONG)
def test_rejects(before: str, after: str, run: str, kind: str) -> None:
    verdict = compare(before, after, run)
    assert kind in verdict.kinds
    assert compare(before, before, run).kinds == {}


def test_tolerates_only_what_it_is_told_to() -> None:
    before, after = "def f(x):\n    return x.to('cpu')\n", "def f(x):\n    return x\n"
    assert set(compare(before, after, "f(x)").kinds) == {"device", "identity"}
    assert not compare(before, after, "f(x)", frozenset({"device", "identity"})).kinds


def test_a_fix_that_saves_nothing_is_seen() -> None:
    assert compare(MOVE, MOVE, "f(x, device, dtype)").saved == 0


def test_the_whole_matrix_is_tried() -> None:
    assert compare(MOVE, GUARD, "f(x, device, dtype)").tried == 3 * 4 * 2 * 3 * 4
