"""Optimizers on the simulated device: each way of stepping, as on the host."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from transfer_lint.tracing.simulate import Machine


def test_training_on_the_device_equals_training_on_the_host(machine: Machine) -> None:
    def train(place: str) -> list[torch.Tensor]:
        torch.manual_seed(1)
        net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
        inputs = torch.randn(5, 3)
        net.to(place)
        optimizer = torch.optim.Adam(net.parameters(), foreach=False)
        for _ in range(3):
            optimizer.zero_grad()
            net(inputs.to(place)).square().mean().backward()
            optimizer.step()
        return [tensor.cpu() for tensor in net.state_dict().values()]

    assert all(torch.equal(a, b) for a, b in zip(train("cpu"), train("cuda"), strict=True))


def test_foreach_optimizer(machine: Machine) -> None:
    net = nn.Linear(3, 4).cuda()
    before = net.weight.tolist()
    optimizer = torch.optim.Adam(net.parameters(), foreach=True)
    net(torch.ones(3, device="cuda")).sum().backward()
    optimizer.step()
    assert net.weight.tolist() != before


@pytest.mark.parametrize("kind", ["Adam", "NAdam", "Adagrad", "ASGD", "SGD"])
@pytest.mark.parametrize("way", ["foreach", "fused", "capturable"])
@pytest.mark.parametrize("rate", ["a number", "on the host"])
def test_optimizers_step_as_on_the_host(machine: Machine, kind: str, way: str, rate: str) -> None:
    optimizer_class = getattr(torch.optim, kind)
    known = way in optimizer_class.__init__.__code__.co_varnames and (kind, way) != ("Adagrad", "fused")
    if not known or (kind, way, rate) == ("Adam", "foreach", "on the host"):
        pytest.skip("torch has no such way for a card")

    def train(place: str, **how: bool) -> list[torch.Tensor]:
        parameters = [torch.full((3, 2), number, device=place, requires_grad=True) for number in (1.0, 2.0)]
        optimizer = optimizer_class(parameters, lr=0.125 if rate == "a number" else torch.tensor(0.125), **how)
        for _ in range(2):
            optimizer.zero_grad()
            sum(each.square().sum() for each in parameters).backward()  # type: ignore[union-attr]
            optimizer.step()
        return [each.detach().cpu() for each in parameters]

    how = {way: True, **({"foreach": True} if way == "capturable" else {})}
    torch.testing.assert_close(train("cuda", **how), train("cpu"))


def test_lists_of_tensors_on_both_are_taken_one_by_one(machine: Machine) -> None:
    device, host = torch.ones(3, device="cuda"), torch.tensor(2.0)
    (product,) = torch._foreach_mul([device], [host])
    assert (str(product.device), product.tolist()) == ("cuda:0", [2.0, 2.0, 2.0])
    with pytest.raises(RuntimeError, match="same device"):
        torch._foreach_mul([device], [torch.ones(3)])
