"""What all random programs have: classes, functions and module-level objects that values are moved by and kept in."""

from __future__ import annotations

HEAD = "import contextlib\n\nimport numpy as np\nimport torch\nfrom torch import nn\n"

CLASSES = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)
        self.scale = nn.Parameter(torch.ones(4))
        self.register_buffer("steps", torch.arange(4))
        self.kept = torch.zeros(4, 4)
        self.extra = [nn.Linear(4, 4)]

    def forward(self, t):
        t = t.to(self.linear.weight)
        return self.norm(self.linear(t))

    def offload(self):
        self.to("cpu")

    def shift(self, t):
        return t + self.kept.to(t.device)

    @property
    def device(self):
        return self.linear.weight.device


class Box:
    def __init__(self, net, t=None):
        self.net = net
        self.t = t
        self.held = [t]
        self.device = torch.device("cpu")
        self.mode = "a"

    def reset(self):
        self.net.to("cpu")

    def __enter__(self):
        self.net.to("cpu")
        return self

    def __exit__(self, *what):
        self.net.to("cpu")


@contextlib.contextmanager
def loaded(net, device):
    net.to(device)
    try:
        yield net
    finally:
        net.to("cpu")


def stream(net, device):
    yield 1
    net.to(device)
    yield 2


def seat(t):
    return t.device


def noted(t):
    log.append(t.shape)
    return t.device
"""

GLOBALS = """

HOST = "cpu"
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SECOND = f"cuda:{torch.cuda.device_count() - 1}"
own = Net()
box = Box(own.linear, torch.zeros(4, 4))
log = []
"""
