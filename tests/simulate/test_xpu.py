"""`simulate("xpu")`: the same accelerator under the names of an Intel GPU."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from tests.support.devices import outside
from transfer_lint.tracing.simulate import Machine, simulate


@pytest.fixture
def machine() -> Iterator[Machine]:
    torch.manual_seed(0)
    with simulate("xpu", devices=2) as machine:
        yield machine


def test_what_there_is(machine: Machine) -> None:
    assert torch.xpu.is_available()
    assert torch.xpu.device_count() == 2
    assert torch.xpu.current_device() == 0
    with torch.xpu.device(1):
        assert torch.zeros(1, device="xpu").device == torch.device("xpu", 1)
    assert torch.xpu.get_device_capability()["has_fp64"]
    with torch.xpu.stream(torch.xpu.Stream()):
        torch.xpu.synchronize()
    if hasattr(torch, "accelerator"):
        assert torch.accelerator.current_accelerator() == torch.device("xpu")


@outside
def test_there_is_no_card_of_another_kind(machine: Machine) -> None:
    assert not torch.cuda.is_available()
    if not torch.cuda.is_initialized():  # else there is a card, and the driver is past being asked
        with pytest.raises((AssertionError, RuntimeError), match=r"(?i)cuda|nvidia"):
            torch.ones(1).cuda()


@pytest.mark.parametrize(
    "made",
    [
        lambda x: x.to("xpu"),
        lambda x: x.xpu(),
        lambda x: x.xpu(0),
        lambda x: torch.ones(2, device=0),
        lambda x: x.xpu() + torch.tensor(1.0),
        lambda x: x.type("torch.xpu.FloatTensor"),
        lambda x: nn.Linear(2, 3).xpu()(x.xpu()),
        lambda x: torch.tensor([1.0], device="xpu"),
    ],
)
def test_where_a_result_is(machine: Machine, made: object) -> None:
    result = made(torch.ones(2))  # type: ignore[operator]
    assert result.device == torch.device("xpu", 0)
    assert (result.is_xpu, result.is_cuda, result.is_cpu) == (True, False, False)
    assert result.type() == "torch.xpu.FloatTensor"
    assert repr(result.detach()).endswith("device='xpu:0')")


def test_what_is_counted(machine: Machine) -> None:
    x = torch.ones(2).xpu()
    x.to("xpu:1").sum().item()
    assert [(each.source, each.target) for each in machine.transfers] == [("cpu", "xpu:0"), ("xpu:0", "xpu:1")]
    assert [(each.device, each.how) for each in machine.waits] == [("xpu:1", "item")]


def test_what_is_refused(machine: Machine) -> None:
    x = torch.ones(2, 2, device="xpu")
    with pytest.raises(RuntimeError, match=r"xpu:0 .*cpu.*|cpu.*xpu:0.*"):
        x + torch.ones(2, 2)
    with pytest.raises(RuntimeError, match="wrapper_XPU_"):
        x @ torch.ones(2, 2)
    with pytest.raises(RuntimeError, match=r"out of range\. It must be in \[0, 2\), but got 9\."):
        x.to("xpu:9")
    with pytest.raises(TypeError, match="can't convert xpu:0 device type tensor to numpy"):
        x.numpy()
    with pytest.raises(RuntimeError, match="Expected a 'xpu' device type for generator but found 'cpu'"):
        torch.rand(1, device="xpu", generator=torch.Generator())


def test_random_numbers_have_streams_of_their_own(machine: Machine) -> None:
    torch.xpu.manual_seed(3)
    state = torch.xpu.get_rng_state()
    first = torch.rand(2, device="xpu").cpu()
    torch.xpu.set_rng_state(state)
    assert torch.equal(torch.rand(2, device="xpu").cpu(), first)
    assert not torch.equal(torch.rand(2, generator=torch.Generator().manual_seed(3)), first)


def test_autocast(machine: Machine) -> None:
    x = torch.ones(2, 2, device="xpu")
    with torch.autocast("xpu", dtype=torch.bfloat16):
        assert (x @ x).dtype is torch.bfloat16
    assert (x @ x).dtype is torch.float32


def test_files(machine: Machine) -> None:
    stream = io.BytesIO()
    torch.save(torch.ones(2, device="xpu:1"), stream)
    stream.seek(0)
    assert torch.load(stream).device == torch.device("xpu", 1)
    stream.seek(0)
    assert torch.load(stream, map_location="cpu").is_cpu


def test_a_step_of_training(machine: Machine) -> None:
    net = nn.Linear(2, 1).to("xpu")
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(3, 2, device="xpu")).sum().backward()
    optimizer.step()
    assert all(each.grad is not None and each.grad.is_xpu for each in net.parameters())


@outside
def test_one_kind_after_the_other() -> None:
    with simulate("xpu"):
        x = torch.ones(1, device="xpu")
    assert x.device == torch.device("xpu", 0)
    with simulate("cuda"):
        assert torch.ones(1, device="cuda").is_cuda
        assert not torch.xpu.is_available()
    with (
        pytest.raises(ValueError, match="cannot simulate 'mps': the kinds that can be simulated are cuda and xpu"),
        simulate("mps"),
    ):
        pass
