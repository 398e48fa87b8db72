"""What is counted: every transfer once, with its direction, bytes, dtype and source line; every wait; nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from transfer_lint.tracing.simulate import Machine
from transfer_lint.tracing.traits import VERSION

HALF = torch.float16

# expression on h (2x3 float32 on the host), d (the same on cuda:0), e (on cuda:1): transfers as (source, target, bytes)
TRANSFERS: dict[str, list[tuple[str, str, int]]] = {
    "h.to('cuda')": [("cpu", "cuda:0", 24)],
    "h.cuda(1)": [("cpu", "cuda:1", 24)],
    "d.cpu()": [("cuda:0", "cpu", 24)],
    "d.to('cuda:1')": [("cuda:0", "cuda:1", 24)],
    "h.to('cuda', HALF)": [("cpu", "cuda:0", 12)],
    "d.to('cpu', HALF)": [("cuda:0", "cpu", 24)],
    "h.to('cuda', HALF, non_blocking=True)": [("cpu", "cuda:0", 24)],
    "h.cuda(non_blocking=True).half()": [("cpu", "cuda:0", 24)],
    "h.half().to('cuda', non_blocking=True)": [("cpu", "cuda:0", 12)],
    "d.to('cpu', HALF, non_blocking=True)": [("cuda:0", "cpu", 12)],
    "d.to('cuda:1', HALF)": [("cuda:0", "cuda:1", 12)],
    "d.to('cuda:1', HALF, non_blocking=True)": [("cuda:0", "cuda:1", 12)],
    "d.copy_(h.half())": [("cpu", "cuda:0", 24)],
    "d.copy_(h.half(), non_blocking=True)": [("cpu", "cuda:0", 12)],
    "h.half().to('cuda')": [("cpu", "cuda:0", 12)],
    "d.half()": [],
    "d.to('cuda')": [],
    "h.to('cpu')": [],
    "h.copy_(d)": [("cuda:0", "cpu", 24)],
    "d.copy_(h)": [("cpu", "cuda:0", 24)],
    "d.copy_(d + 1)": [],
    "d[0].copy_(h[0, 0])": [("cpu", "cuda:0", 12)],
    "d + torch.tensor(1.0)": [],
    "d[torch.tensor([0, 1])]": [("cpu", "cuda:0", 16)],
    "d[torch.tensor([0, 1], device='cuda')]": [("cpu", "cuda:0", 16)],
    "d[torch.tensor([False, True])]": [("cpu", "cuda:0", 8)],
    "d[h > 3]": [("cpu", "cuda:0", 32)] if VERSION >= (2, 9) else 2 * [("cpu", "cuda:0", 16)],
    "h.__setitem__(torch.tensor([0], device='cuda'), 1)": [("cpu", "cuda:0", 8), ("cuda:0", "cpu", 8)],
    "torch.where(d > 1, d, torch.tensor(0.0))": [("cpu", "cuda:0", 4)],
    "torch.where(d > 1, d, 0.0)": [],
    "torch.tensor([], device='cuda')": [],
    "d[:0].cpu()": [],
    "d[0]": [],
    "d.__setitem__(0, 1)": [],
    "d.__setitem__((0, 0), 1)": [("cpu", "cuda:0", 4)],
    "d.__setitem__(d > 1, 1.5)": [],
    "d.__setitem__(torch.tensor([0, 1], device='cuda'), 1.5)": [("cpu", "cuda:0", 16), ("cpu", "cuda:0", 4)],
    "torch._foreach_copy_([d, h], [h, h])": [("cpu", "cuda:0", 24)],
    "torch.zeros(3, device='cuda')": [],
    "torch.tensor([1.0, 2.0], device='cuda')": [("cpu", "cuda:0", 8)],
    "torch.zeros_like(h, device='cuda')": [],
    "torch.rand(3, device='cuda')": [],
    "h.type_as(e)": [("cpu", "cuda:1", 24)],
    "h.to(e)": [("cpu", "cuda:1", 24)],
    "d.type('torch.FloatTensor')": [("cuda:0", "cpu", 24)],
    "net.to('cuda')": [("cpu", "cuda:0", 48), ("cpu", "cuda:0", 16)],
    "net.to('cuda').to('cuda')": [("cpu", "cuda:0", 48), ("cpu", "cuda:0", 16)],
    "net.load_state_dict(dnet.state_dict())": [("cuda:0", "cpu", 48), ("cuda:0", "cpu", 16)],
    "d.item() if d.numel() == 1 else d.numel()": [],
    "__import__('copy').deepcopy(dnet)": [],
    "d.numpy(force=True)": [("cuda:0", "cpu", 24)],
}

WAITS: dict[str, list[tuple[str, int]]] = {
    "d[0, 0].item()": [("item", 4)],
    "h[h > 1]": [],
    "float(d[0, 0])": [("item", 4)],
    "int(d[0, 0])": [("item", 4)],
    "1 if d[0, 0] else 2": [("item", 4)],
    "d.tolist()": [("tolist", 24)],
    "str(d)": [("print", 24)],
    "f'{d[0, 0]:.2f}'": [("item", 4)],
    "d.max().item()": [("item", 4)],
    "torch.equal(d, d)": [("equal", 1)],
    "torch.allclose(d, d)": [("allclose", 1)],
    "d.nonzero()": [("nonzero", 8)],
    "d[d > 1]": [("index", 8)],
    "d.__setitem__(d > 1, 0)": [],
    "d.__setitem__((slice(None), d[0] > 1), 0)": [],
    "d.__setitem__(d > 1, d[0, 0])": [("index", 8)],
    "d.unique()": [("_unique2", 8)],
    "d[0].repeat_interleave(index)": 2 * [("repeat_interleave", 8)],
    "d[0].repeat_interleave(index, output_size=3)": [],
    "d.repeat_interleave(2)": [],
    "torch.bincount(index)": 2 * [("bincount", 8)],
    "torch.multinomial(d[1], 1)": [] if VERSION >= (2, 11) else [("multinomial", 1)],
    "torch.multinomial(d[1], 2, replacement=True)": [],
    "torch.linalg.inv(d[:, :2])": [("_linalg_check_errors", 1)],
    "torch.linalg.inv_ex(d[:, :2])": [],
    "torch.linalg.svdvals(d)": 2 * [("_linalg_svd", 1)],
    "torch.linalg.pinv(d)": 2 * [("_linalg_svd", 1)],
    "torch.linalg.svdvals(d[:0])": [],
    "torch.linalg.matrix_exp(d[:, :2])": 6 * [("linalg_matrix_exp", 8)],
    "torch.linalg.eig(d[:, :2])": 3 * [("linalg_eig", 8)],
    "torch.linalg.lstsq(d, d)": [("linalg_lstsq", 1)],
    "torch.equal(d, d[0])": [],
    "torch.histc(d)": 2 * [("histc", 8)],
    "torch.histc(d, min=0, max=1)": [],
    "torch.isin(d, d)": [],
    "torch.isin(d, d.repeat(9, 9))": 3 * [("isin", 8)],
    "torch.normal(d, d)": 2 * [("normal", 1)],
    "torch.normal(d, 1.0)": [],
    "torch.segment_reduce(d[0], 'sum', lengths=index)": 2 * [("segment_reduce", 8)],
    "torch.nn.functional.ctc_loss(d[:, None].log_softmax(2), index[1:2][None], [2], [1], reduction='none')": [
        ("ctc_loss", 8),
        *(3 * [("_ctc_loss", 8)]),
    ],
    "torch.nn.functional.one_hot(index, 3)": [],
    "torch.nn.functional.one_hot(index)": [("item", 8)],
    "torch.tensor([d[0, 0], 2.0, d[1, 1]])": [("item", 4), ("item", 4)],
    "torch.tensor([[d[0, 0]], [h[0, 0]]])": [("item", 4)],
    "torch.as_tensor((d[0, 0].half(),))": [("item", 2)],
    "h.new_tensor([d[0, 0]])": [("item", 4)],
    "h[0, 0].item()": [],
    "d + d": [],
    "d.shape[0]": [],
    "d.to('cuda')": [],
}


def names() -> dict[str, object]:
    h = torch.arange(6.0).reshape(2, 3)
    return {
        "torch": torch,
        "HALF": HALF,
        "h": h,
        "d": h.cuda(),
        "index": torch.arange(3, device="cuda"),
        "e": h.cuda(1),
        "net": nn.Linear(3, 4),
        "dnet": nn.Linear(3, 4, device="cuda"),
    }


@pytest.mark.parametrize(("expression", "expected"), TRANSFERS.items(), ids=TRANSFERS)
def test_transfers(machine: Machine, expression: str, expected: list[tuple[str, str, int]]) -> None:
    given = names()
    machine.clear()
    eval(expression, given)
    assert [(each.source, each.target, each.nbytes) for each in machine.transfers] == expected
    assert machine.moved_bytes == sum(nbytes for _, _, nbytes in expected)


@pytest.mark.parametrize(("expression", "expected"), WAITS.items(), ids=WAITS)
def test_waits(machine: Machine, expression: str, expected: list[tuple[str, int]]) -> None:
    given = names()
    machine.clear()
    eval(expression, given)
    assert [(each.how, each.nbytes) for each in machine.waits] == expected
    assert not machine.transfers


@pytest.mark.parametrize(
    ("call", "count"),
    [
        (lambda x: x.to("cuda"), 1),
        (lambda x: x.cuda(), 1),
        (lambda x: x.to(torch.float32), 0),
        (lambda x: x.type_as(x), 1),
        (lambda x: x.cpu(), 0),
        (lambda x: x.half(), 0),
        (lambda x: nn.Linear(3, 4, device="cuda").to("cuda"), 2),
    ],
    ids=["to", "cuda", "dtype", "type_as", "moves", "converts", "module"],
)
def test_no_op_calls(machine: Machine, call: Callable[[torch.Tensor], object], count: int) -> None:
    tensor = torch.zeros(3, device="cuda")
    machine.clear()
    call(tensor)
    assert len(machine.no_op_calls) == count


def test_a_transfer_tells_where_it_was_asked_for(machine: Machine) -> None:
    line = test_a_transfer_tells_where_it_was_asked_for.__code__.co_firstlineno
    nn.Linear(3, 4).to("cuda", non_blocking=True)
    first, second = machine.transfers
    assert first.where == second.where == (__file__, line + 2)
    assert (first.direction, first.dtype, first.shape, first.non_blocking) == (
        "host-to-device",
        "float32",
        (4, 3),
        True,
    )


def test_clear(machine: Machine) -> None:
    torch.ones(2).cuda().cuda()[0].item()
    assert machine.transfers
    assert machine.waits
    assert machine.no_op_calls
    machine.clear()
    assert (machine.transfers, machine.waits, machine.no_op_calls, machine.moved_bytes) == ([], [], [], 0)


def test_a_mask_on_the_device_says_where_to_write_on_the_host(machine: Machine) -> None:
    given = names()
    machine.clear()
    eval("h.__setitem__(d > 3, 1)", given)
    assert [wait.how for wait in machine.waits] == ["index"]
    assert {(each.source, each.target) for each in machine.transfers} == {("cuda:0", "cpu")}
    assert str(given["h"]) == str(torch.tensor([[0.0, 1.0, 2.0], [3.0, 1.0, 1.0]]))
