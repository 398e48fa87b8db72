"""Growth: how many steps the analysis takes for programs of growing size. Steps are counted, never timed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from transfer_lint import check
from transfer_lint.fixing.examples import find
from transfer_lint.lint.deep_stack import deep
from transfer_lint.rules.pages import Example


def codes(text: str, steps: int) -> set[tuple[str, int]]:
    """(code, line) of what is found in a program if each function may take so many steps."""
    example = Example("growth", text, None, (), None, False, False, {"analysis-budget": str(steps)}, 1)
    return {(finding.code, finding.line) for finding in deep(find, example, text)}


def within(text: str, steps: int) -> bool:
    """Whether no function of a program takes more steps."""
    return "TL903" not in {code for code, _ in codes(text, steps)}


def effects_down_a_call_tree(size: int) -> str:
    """The number of attribute paths that are written doubles with each level."""
    parts = ["def f0(m, x):\n    if m.c0 is None:\n        m.c0 = {}\n    return x\n"]
    parts += [
        f"def f{n}(m, x):\n    x = f{n - 1}(m.a0, x)\n    x = f{n - 1}(m.a1, x)\n    return x\n" for n in range(1, size)
    ]
    return (
        "".join(parts)
        + f"def run(net, xs):\n    for x in xs:\n        y = f{size - 1}(net, x.to('cuda'))\n    return y\n"
    )


def chains_of_super(size: int) -> str:
    parts = ["class C0:\n    def forward(self, x):\n        return x.to('cuda')\n"]
    parts += [
        f"class C{n}(C{n - 1}):\n    def forward(self, x):\n        x = super().forward(x)\n"
        f"        self.a{n} = x.to('cuda')\n        return x\n"
        for n in range(1, size)
    ]
    return "".join(parts)


def branches(size: int) -> str:
    first = "def f(x, k):\n    if k == 0:\n        x = x.to('cuda')\n"
    return first + "".join(f"    elif k == {n}:\n        x = x.to('cuda')\n" for n in range(1, size)) + "    return x\n"


def moves_in_a_row(size: int) -> str:
    return "def f(x):\n    return x" + ".to('cuda')" * size + "\n"


def sums_of_moves(size: int) -> str:
    return "def f(x):\n    return " + " + ".join(["x.to('cuda')"] * size) + "\n"


def moved_locals(size: int) -> str:
    return "def f(x):\n" + "".join(f"    v{n} = x.to('cuda')\n" for n in range(size)) + "    return v0\n"


def moved_attributes(size: int) -> str:
    lines = "".join(f"        self.a{n} = ext(self.b{n}.to('cuda'))\n" for n in range(size))
    return f"class M:\n    def f(self, ext):\n{lines}"


def nested_tuples(size: int) -> str:
    parts = ["def g0(x):\n    return (x, x)\n"]
    parts += [f"def g{n}(x):\n    y = g{n - 1}(x)\n    return (y, y)\n" for n in range(1, size)]
    return "".join(parts) + f"def run(x):\n    return g{size - 1}(x.to('cuda'))\n"


def layers(size: int) -> str:
    made = "".join(f"        self.l{n} = nn.Linear(3, 3)\n" for n in range(size))
    used = "".join(f"        x = self.l{n}(x).to(x.device)\n" for n in range(size))
    head = "from torch import nn\nclass M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    return f"{head}{made}    def forward(self, x):\n{used}        return x\n"


LINEAR = {
    effects_down_a_call_tree: 24,
    chains_of_super: 100,
    branches: 200,
    moves_in_a_row: 150,
    sums_of_moves: 300,
    moved_locals: 300,
    moved_attributes: 300,
    nested_tuples: 40,
    layers: 200,
}


@pytest.mark.parametrize("program", LINEAR)
def test_steps_grow_with_the_size(program: Callable[[int], str]) -> None:
    """Twice the size takes at most about twice the steps."""
    size = LINEAR[program]  # type: ignore[index]
    most = 64
    while not within(program(size), most):
        most *= 2
    assert within(program(2 * size), 4 * most)
    assert most <= 200 * size


@pytest.mark.parametrize("depth", range(6))
def test_nested_loops_take_quadratic_steps_at_most(depth: int) -> None:
    """50 attributes that change in every round, and calls, in loops 0 to 5 deep."""
    size = 50
    inner = " " * (8 + depth)
    text = "class M:\n    def g(self, x):\n        return x\n    def run(self, xs, ext):\n"
    text += "".join(" " * (8 + n) + f"for i{n} in xs:\n" for n in range(depth))
    text += "".join(f"{inner}self.a{n} = ext(self.a{(n + 1) % size}, xs)\n" for n in range(size))
    text += f"{inner}y = self.g(xs).to('cuda')\n" * 10 + "        return y\n"
    assert within(text, 40 * (size * (depth + 1)) ** 2)


def test_what_is_given_up_is_said_and_the_rest_is_followed() -> None:
    text = "def big(x):\n" + "    x = x + 1\n" * 100 + "    return x.to('cuda').to('cuda')\n"
    text += "def small(x):\n    y = x.to('cuda')\n    return y.to('cuda')\n"
    found = codes(text, 90)
    assert ("TL903", 1) in found
    assert ("TL101", 105) in found
    assert {line for code, line in codes(text, 10_000) if code == "TL101"} == {102, 105}


def test_what_is_given_up_may_stand_under_a_default_device() -> None:
    text = "import torch\ndef f():\n    place = torch.device('cuda:0')\n    with place:\n"
    text += "        y = torch.ones(2).to('cpu')\n" + "    y = y + 1\n" * 60 + "    return y\n"
    assert codes(text, 60) == {("TL903", 2)}


HOLDING_THEMSELVES = {
    "itself": "    ids = [0]\n    ids[0] = ids\n",
    "another that holds it": "    ids, more = [0], [0]\n    ids[0], more[0] = more, ids\n",
    "what is zipped": "    ids, more = list(zip(*[(value, 1) for value in values]))\n",
}


@pytest.mark.parametrize("lines", HOLDING_THEMSELVES.values(), ids=HOLDING_THEMSELVES)
def test_lists_that_may_hold_themselves_are_looked_at_once(lines: str) -> None:
    text = f"import torch\n\n\ndef draw(values):\n{lines}    return torch.tensor(ids).cuda()\n"
    assert [finding.code for finding in check("draw.py", source=text).findings] == ["TL106"]


LEADS_TO_ITSELF = """import torch


class Node:
    def __init__(self):
        self.me = self
        self.held = torch.zeros(2)


def held(flag, x: torch.Tensor):
    first, second = Node(), Node()
    first.held = x.cuda()
    node = first if flag else second
    if flag:
        node = first
    else:
        node = second
    moved = x.cuda()
    return node.me.me.held, moved.cuda()
"""


def test_objects_that_lead_to_themselves_meet_once() -> None:
    assert "TL108" in [finding.code for finding in check("node.py", source=LEADS_TO_ITSELF).findings]
