"""Entering and leaving a simulation; values against the same program on the host."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import transfer_lint
from tests.support.devices import outside
from transfer_lint.evidence.model import to_json
from transfer_lint.problems import install_command
from transfer_lint.tracing.simulate import simulate

PROGRAMS: dict[str, Callable[[torch.device], torch.Tensor]] = {}


def program(function: Callable[[torch.device], torch.Tensor]) -> Callable[[torch.device], torch.Tensor]:
    PROGRAMS[function.__name__] = function
    return function


@program
def convolutions(device: torch.device) -> torch.Tensor:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.SiLU(), nn.Upsample(scale_factor=2))
    return net.to(device)(torch.randn(2, 3, 6, 5).to(device))


@program
def batch_norm_in_training(device: torch.device) -> torch.Tensor:
    net = nn.BatchNorm1d(4).to(device)
    net(torch.randn(8, 4).to(device))
    assert net.running_mean is not None
    return net.running_mean


@program
def control_flow_by_value(device: torch.device) -> torch.Tensor:
    x = torch.randn(5).to(device)
    while x.abs().max() > 0.1:
        x = x / 2 if x[0] > 0 else x / 3
    return x


@program
def indexing(device: torch.device) -> torch.Tensor:
    x = torch.zeros(4, 5).to(device)
    x[1:3, ::2] = 7
    x[x == 7] += torch.arange(6.0).to(device)
    x.index_put_((torch.tensor([0, 3]), torch.tensor([1, 1])), torch.tensor(9.0))
    return x.gather(1, x.argsort(1))


@program
def half_precision(device: torch.device) -> torch.Tensor:
    net = nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 8)).to(device, torch.bfloat16)
    return net(torch.randn(2, 3, 8).to(device, torch.bfloat16)).float()


@program
def linear_algebra(device: torch.device) -> torch.Tensor:
    x = torch.randn(4, 4).to(device)
    u, s, v = torch.linalg.svd(x @ x.T + torch.eye(4, device=device))
    return torch.linalg.solve(u * s @ v, torch.ones(4, device=device))


@program
def complex_numbers(device: torch.device) -> torch.Tensor:
    x = torch.fft.rfft(torch.randn(3, 8).to(device))
    return torch.view_as_real(x.conj() * x) + x.imag[..., None] + x.conj().imag[..., None]


@program
def loss_and_gradient(device: torch.device) -> torch.Tensor:
    x = torch.randn(4, 5).to(device).requires_grad_()
    loss = F.cross_entropy(x, torch.tensor([1, 0, 4, 2]).to(device)) + F.mse_loss(x, torch.zeros_like(x))
    (gradient,) = torch.autograd.grad(loss, x)
    return gradient


@pytest.mark.parametrize("guard", [torch.enable_grad, torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_are_the_host_s(name: str, guard: Callable[[], torch.no_grad]) -> None:
    if name == "loss_and_gradient" and guard is not torch.enable_grad:
        guard = torch.enable_grad
    torch.manual_seed(0)
    with guard():
        expected = PROGRAMS[name](torch.device("cpu"))
    with simulate() as machine, guard():
        torch.manual_seed(0)
        result = PROGRAMS[name](torch.device("cuda"))
        assert str(result.device) == "cuda:0"
        assert machine.transfers
        assert torch.equal(result.cpu(), expected)


@outside
def test_nothing_is_left_behind() -> None:
    names = ("Generator", "compile")
    before = {name: getattr(torch, name) for name in names}, dict(vars(torch.cuda)), threading.Thread.run
    with simulate():
        assert torch.cuda.is_available()
    after = {name: getattr(torch, name) for name in names}, dict(vars(torch.cuda)), threading.Thread.run
    assert before == after
    assert not torch.is_autocast_enabled("privateuseone")


def test_programs_that_ask_for_the_version_of_cuda_find_one() -> None:
    before = torch.version.cuda
    with simulate():
        assert torch.version.cuda is not None
        assert int(torch.version.cuda.split(".")[0]) >= 12
        x = torch.ones(2, device="cuda")
        assert x.device.type == "cuda"
    assert torch.version.cuda == before
    with simulate("xpu"):
        assert torch.version.cuda == before


def test_an_error_inside_ends_the_simulation() -> None:
    with pytest.raises(ZeroDivisionError), simulate():
        1 / 0  # noqa: B018
    with simulate() as machine:
        assert not machine.transfers


def test_tensors_live_on() -> None:
    with simulate() as machine:
        tensor = torch.arange(3.0).cuda()
    count = len(machine.transfers)
    assert str(tensor.device) == "cuda:0"
    assert (tensor + 1).cpu().tolist() == [1, 2, 3]
    assert len(machine.transfers) == count


def _first_device() -> str:
    """What torch makes of a number: a build without accelerators refuses it."""
    try:
        return str(torch.device(0))
    except RuntimeError as error:
        return str(error)


def test_a_number_alone_is_an_accelerator() -> None:
    before = _first_device()
    with simulate(devices=2):
        assert str(torch.device(1)) == str(torch.device(device=1)) == "cuda:1"
        assert str(torch.device(torch.cuda.current_device())) == "cuda:0"
        assert str(torch.device("cuda", index=1)) == "cuda:1"
        assert str(torch.ones(1).to(1).device) == str(torch.ones(1, device=1).device) == "cuda:1"
        assert str(nn.Linear(1, 1).to(1).weight.device) == str(nn.Linear(1, 1).to(device=1).weight.device) == "cuda:1"
        with pytest.raises(RuntimeError, match="invalid device ordinal"):
            torch.ones(1, device=torch.device(2))
        with pytest.raises(TypeError):
            torch.device(1, 1)  # type: ignore[call-overload]
    assert _first_device() == before


def test_compiled_code_runs_as_it_is_written() -> None:
    with simulate() as machine:

        @torch.compile(backend="eager", fullgraph=True)
        def read(x: torch.Tensor) -> float:
            return x.sum().item()

        net = nn.Linear(2, 3).cuda()
        net.compile()
        compiled = torch.compile(net, mode="max-autotune")
        assert compiled(torch.ones(1, 2, device=0)).shape == net(torch.ones(1, 2, device=0)).shape
        assert getattr(compiled, "_orig_mod", compiled) is net  # the module itself before torch 2.6
        assert read(torch.ones(3, device=0)) == 3
        assert [wait.how for wait in machine.waits] == ["item"]


def test_graphs_are_not_exported() -> None:
    with simulate(), pytest.raises(NotImplementedError, match="does not export graphs"):
        torch.export.export(nn.Linear(2, 2).cuda(), (torch.ones(1, 2, device="cuda"),))


can_be_kept_off = pytest.mark.skipif(
    not hasattr(torch.compiler, "set_stance"), reason="before torch 2.6 nothing keeps torch._dynamo.explain off"
)


@can_be_kept_off
def test_graphs_are_not_captured() -> None:
    net = nn.Linear(2, 2)
    with simulate():
        net.cuda()
        x = torch.ones(1, 2, device="cuda")
        compiler = importlib.import_module("torch._dynamo")
        assert compiler.explain(net)(x).graph_count == 0


@outside
def test_graphs_are_captured_again_afterwards() -> None:
    with simulate(), simulate():
        compiler = importlib.import_module("torch._dynamo")
    assert compiler.explain(nn.Linear(2, 2))(torch.ones(1, 2)).graph_count == 1


@can_be_kept_off
def test_graphs_are_not_captured_after_a_simulation_inside() -> None:
    compiler = importlib.import_module("torch._dynamo")
    with simulate():
        with simulate():
            pass
        assert compiler.explain(nn.Linear(2, 2))(torch.ones(1, 2)).graph_count == 0


def test_a_default_device_that_only_the_inner_machine_has() -> None:
    with simulate(), simulate(devices=2), torch.device("cuda:1"):
        assert torch.ones(1).device == torch.device("cuda", 1)


class Scripted(nn.Module):
    """What constants of every kind come from: shapes, numbers, values that the host reads, and a buffer of integers."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.narrow = nn.Conv1d(1, 2, 3, padding=1)
        self.wide = nn.ConvTranspose1d(2, 1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.wide(self.narrow(x.unsqueeze(1))).squeeze(1)[:, :3]
        return self.norm(x).view(x.shape[0], -1) * 2 + x.shape[0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("profiling", [True, False])
def test_torchscript(profiling: bool) -> None:
    executor = torch._C._jit_set_profiling_executor(profiling)
    try:
        with simulate():
            x = torch.randn(4, 3, device="cuda")
            net = Scripted().cuda()
            for made in (torch.jit.trace(net, (x,)), torch.jit.script(net)):
                for _ in range(3):
                    assert str(made(x).device) == "cuda:0"
    finally:
        torch._C._jit_set_profiling_executor(executor)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("follow_uses", [True, False])
def test_what_torchscript_does_is_recorded(follow_uses: bool) -> None:
    with transfer_lint.trace(simulated="cuda", follow_uses=follow_uses) as traced:
        net = torch.jit.trace(Scripted().cuda(), (torch.ones(4, 3).cuda(),))
        net(torch.ones(4, 3).cuda()).sum().item()
    sizes = [shape for entry in json.loads(to_json(traced.result()))["entries"] for shape in entry["shapes"]]
    assert [4, 3] in sizes


def test_streams_say_where_they_are() -> None:
    with simulate(devices=2):
        assert str(torch.cuda.Stream(1).device) == "cuda:1"
        assert torch.cuda.current_stream().device_index == 0
        torch.ones(2, device="cuda").record_stream(torch.cuda.current_stream())


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("tpu",), ValueError, "cannot simulate 'tpu': the kinds that can be simulated are cuda and xpu"),
        (("cuda", 0), ValueError, "cannot simulate 0 devices"),
    ],
)
def test_bad_arguments(arguments: tuple[object, ...], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text), simulate(*arguments):  # type: ignore[arg-type]
        pass


def test_a_simulation_in_a_simulation_stands_alone() -> None:
    with simulate() as outer:
        torch.ones(2).cuda()
        with simulate(devices=2) as inner:
            assert torch.ones(3).to("cuda:1").sum().item() == 3
        with pytest.raises(RuntimeError, match="invalid device ordinal"):
            torch.ones(3).to("cuda:1")
    assert [each.nbytes for each in outer.transfers] == [8]
    assert [each.nbytes for each in inner.transfers] == [12]


def test_without_torch_the_message_tells_the_mend() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import transfer_lint.tracing.events, transfer_lint.tracing.simulate"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_environment())
    assert done.returncode == 1
    assert install_command("trace") in done.stderr


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
