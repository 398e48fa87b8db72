"""What the analysis makes of the knowledge: which moves of a result it proves to be redundant."""

from __future__ import annotations

import pytest

from transfer_lint.fixing.examples import OneFile
from transfer_lint.flow.program.project import Project
from transfer_lint.lint.check_text import examine
from transfer_lint.settings import Settings

PROGRAM = """\
import torch
import torch.nn.functional as F
from torch import nn


class Node(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.both = nn.MaxPool2d(2, return_indices=True)
        self.loss = nn.MSELoss()
        self.softmax = nn.Softmax(-1)

    def forward(self, x: torch.Tensor, y: torch.Tensor, n, device: torch.device, other: torch.device):
        x = x.to(device, dtype=torch.float16)
        y = y.to(other)
        r = {expression}
        return r.to({target})
"""


def _redundant(expression: str, target: str) -> bool:
    text = PROGRAM.format(expression=expression, target=target)
    found = examine("example.py", text, Project(OneFile(text)), Settings(root="/", trust=())).findings
    return any(f.code == "TL101" and f.line == text.count("\n") for f in found)


@pytest.mark.parametrize(
    ("expression", "redundant"),
    [
        pytest.param("torch.sum(x, n)", True, id="the first operand decides, whatever n is"),
        pytest.param("torch.add(x, n)", False, id="n may be elsewhere, and x 0-dim"),
        pytest.param("x.sum(n)", True, id="method"),
        pytest.param("x.masked_fill(n, 0)", False, id="a mask may be elsewhere, and x 0-dim"),
        pytest.param("x.view(n, -1)", True, id="view"),
        pytest.param("x.expand_as(y)", True, id="only the shape of another"),
        pytest.param("x.copy_(y)", True, id="the values of another"),
        pytest.param("x.type_as(y)", False, id="type_as moves"),
        pytest.param("x.T", True, id="transposed"),
        pytest.param("x.data", True, id="data"),
        pytest.param("x.max()", True, id="max: a tensor"),
        pytest.param("x.max(dim=1)", False, id="max(dim=): a tuple"),
        pytest.param("torch.topk(x, 3)[0]", True, id="an item of a tuple"),
        pytest.param("torch.broadcast_tensors(x, y)[1]", False, id="a tuple of tensors that are where they were"),
        pytest.param("torch.where(n, x, 0.0)", False, id="where, with the condition unknown"),
        pytest.param("torch.where(x > 0, x, 0.0)", True, id="where, with a number"),
        pytest.param("torch.where(x > 0, x, y)", False, id="where, with another"),
        pytest.param("torch.tensor(y)", False, id="torch.tensor of a tensor"),
        pytest.param("x.new_zeros(3)", True, id="new_zeros"),
        pytest.param("x.new_zeros(3, device=other)", False, id="new_zeros elsewhere"),
        pytest.param("torch.zeros_like(x)", True, id="zeros_like"),
        pytest.param("F.linear(weight=y, input=x)", False, id="operands by keyword"),
        pytest.param("F.max_pool2d(x, 2)", True, id="pool"),
        pytest.param("F.max_pool2d(x, 2, return_indices=True)", False, id="pool with indices"),
        pytest.param("self.pool(x)", True, id="layer"),
        pytest.param("self.both(x)", False, id="layer with indices"),
        pytest.param("self.loss(x, n)", True, id="loss"),
        pytest.param("torch.nn.functional.embedding(n, x)", False, id="embedding with unknown numbers"),
    ],
)
def test_device(expression: str, redundant: bool) -> None:
    assert _redundant(expression, "device") is redundant


@pytest.mark.parametrize(
    ("expression", "redundant"),
    [
        pytest.param("x.view(2, -1)", True, id="view of a shape"),
        pytest.param("x.view((2, -1))", True, id="view of a shape, as a tuple"),
        pytest.param("x.view(torch.int16)", False, id="view of a dtype"),
        pytest.param("x.view(n)", False, id="view of who knows what"),
        pytest.param("x.softmax(-1)", True, id="softmax"),
        pytest.param("x.softmax(-1, torch.float32)", False, id="softmax in another dtype"),
        pytest.param("x.softmax(-1, dtype=torch.float32)", False, id="softmax in another dtype, by keyword"),
        pytest.param("torch.cat([x, x], 1)", True, id="cat"),
        pytest.param("torch.cat([x, n], 1)", False, id="cat with the unknown"),
        pytest.param("torch.maximum(x, y)", False, id="maximum with another dtype"),
        pytest.param("x.add(1.5)", False, id="add: what of integers?"),
        pytest.param("x.amax(1)", True, id="amax"),
        pytest.param("x > 0", False, id="comparison"),
        pytest.param("self.loss(x, n)", False, id="loss: of both dtypes"),
        pytest.param("self.softmax(x)", True, id="layer"),
    ],
)
def test_dtype(expression: str, redundant: bool) -> None:
    assert _redundant(expression, "device, torch.float16") is redundant


@pytest.mark.parametrize("expression", ["torch.sum(v)", "v.sum()", "v @ v", "torch.dot(v, v)", "v.view(n)"])
def test_what_may_be_a_number_does_not_decide(expression: str) -> None:
    """A 0-dim tensor on the host joins another device: where `total * y` is, `total` does not say."""
    text = f"""\
import torch


def scaled(x: torch.Tensor, y, n):
    v = x.to("cpu")[1:]
    total = {expression}
    return (total * y).to("cpu")
"""
    found = examine("example.py", text, Project(OneFile(text)), Settings(root="/")).findings
    assert not any(f.line == 7 and f.code == "TL101" for f in found)


def test_what_has_dimensions_decides() -> None:
    text = """\
import torch


def scaled(x: torch.Tensor, y):
    v = torch.exp(x.to("cpu")[1:])
    return (v * y).to("cpu")
"""
    found = examine("example.py", text, Project(OneFile(text)), Settings(root="/")).findings
    assert any(f.line == 6 and f.code == "TL101" for f in found)
