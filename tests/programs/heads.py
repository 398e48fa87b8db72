"""What all random programs have: classes, functions and module-level objects that values are moved by and kept in."""

from __future__ import annotations

HEAD = """import contextlib
import copy
import functools
from dataclasses import dataclass, field

import elsewhere
import numpy as np
import torch
from elsewhere import KIND, NUMBER, PLACE, SCALE, SPOT
from torch import nn
"""

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

    level = torch.zeros(4, 4)

    def reset(self):
        self.net.to("cpu")

    def turn(self, call):
        self.t = self.t.to(self.device)
        call()
        return self.t.to(self.device)

    def choose(self, t):
        self.t = self.t.cpu()
        return t.device

    def again(self, t, count):
        self.t = t.to("cuda:0")
        if count > 0:
            self.again(t.cpu(), count - 1)
        log.append(self.t.to("cuda:0"))

    def expose(self, act):
        act(self.__dict__)

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
CHOSEN = "cpu"
if torch.cuda.is_available():
    CHOSEN = "cuda:0"
else:
    print("on the host")
BOUND_TWICE = "cuda:0"
if [BOUND_TWICE := "cpu"]:
    pass
own = Net()
box = Box(own.linear, torch.zeros(4, 4))
log = []
"""

SPECIAL = {
    "__str__(self)": ("'box'", "log.append(f'{box}')"),
    "__repr__(self)": ("'box'", "log.append(str([{box}]))"),
    "__hash__(self)": ("1", "log.append(len({{{box}: 1}}))"),
    "__lt__(self, other)": ("True", "log.append(len(sorted([{box}, {box}])))"),
    "__eq__(self, other)": ("True", "log.append([1].count({box}))"),
    "__iter__(self)": ("iter((1, 2))", "log.append([*{box}])"),
    "__getitem__(self, key)": ("key", "log.append({box}[1])"),
    "__contains__(self, key)": ("True", "log.append(1 in {box})"),
    "__len__(self)": ("1", "log.append(1 if {box} else 2)"),
    "__bool__(self)": ("True", "log.append(any([{box}]))"),
    "__add__(self, other)": ("other", "log.append({box} + 1)"),
    "__radd__(self, other)": ("other", "log.append(1 + {box})"),
    "__index__(self)": ("1", "log.append([1, 2][{box}])"),
    "__neg__(self)": ("1", "log.append(-{box})"),
}
"""Special methods that the class `Box` of some programs has -> what they give, and what runs them without a call."""

EXTRAS = {
    "Crate": """
class Crate(Box):
    def reset(self):
        super().reset()
        self.t = self.t.cpu()

    @property
    def first(self):
        self.net.to("cuda:0")
        return self.t
""",
    "Safe": """
class Safe(Box):
    @property
    def t(self):
        return self.inner

    @t.setter
    def t(self, value):
        self.inner = value if value is None else value.cpu()
""",
    "Pack": """
@dataclass
class Pack:
    net: nn.Module
    t: torch.Tensor = None
    held: list = field(default_factory=lambda: [torch.zeros(4, 4)])
    device: torch.device = torch.device("cpu")
    mode: str = "a"
    level = torch.zeros(4, 4)
    reset = Box.reset
    turn = Box.turn
    choose = Box.choose
    again = Box.again
    expose = Box.expose
    __enter__ = Box.__enter__
    __exit__ = Box.__exit__
""",
    "Swap": """
class Swap(Box):
    def swap(self):
        self.t.data = self.t.data.cpu()

    @property
    def seen(self):
        self.swap()
        return 1

    @seen.setter
    def seen(self, value):
        self.swap()

    @functools.cached_property
    def seen_once(self):
        self.t.data = self.t.data.cpu()
        return 1

    def __mul__(self, other):
        self.t.data = self.t.data.cpu()
        return other
""",
    "swapped": """
def swapped(owner):
    owner.swap()
""",
    "Proxy": """
class Proxy:
    def __init__(self, inner):
        vars(self)["inner"] = inner

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.inner, name)

    def __setattr__(self, name, value):
        setattr(self.inner, name, value)

    def __enter__(self):
        return self.inner.__enter__()

    def __exit__(self, *what):
        self.inner.__exit__(*what)
""",
    "put": """
def put(owner, name, value):
    setattr(owner, name, value)
""",
    "done": """
def done(owner, name):
    return getattr(owner, name)()
""",
    "spoil": """
def spoil(space):
    space["t" if "t" in space else "a"] = torch.ones(4, 4, device="cuda:1")
""",
    "keep": """
KEPT = torch.zeros(4, 4)


def keep(t):
    global KEPT
    KEPT = t


def kept():
    return KEPT
""",
    "held_over": """
def held_over(t, held=[]):
    held.append(t)
    return held[0]
""",
    "gathered": """
def gathered(t, *more, other=None, **named):
    for part in more:
        t = t + part.to(t)
    return t if other is None else other.to(t.device)
""",
    "placed": """
def placed(t, at="cuda:0"):
    return t.to(at)
""",
    "strict": """
def strict(t, net):
    net.to("cpu")
    if t.dtype != torch.float32:
        raise ValueError("no")
    net.to("cuda:0")
    return t.to("cuda:0")
""",
    "moved": """
def moved(ts, device):
    for t in ts:
        yield t.to(device)
        own.to(device)
""",
    "STATE": """
STATE = {"a": torch.zeros(4, 4)}
""",
}
"""What some programs have as well: those that name it."""
