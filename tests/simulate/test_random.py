"""Each device draws from its own stream, apart from the host's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from transfer_lint.tracing.simulate import Machine

DRAWS: dict[str, Callable[[], torch.Tensor]] = {
    "rand": lambda: torch.rand(4, device="cuda"),
    "randn": lambda: torch.randn(4, device="cuda"),
    "randint": lambda: torch.randint(1000, (4,), device="cuda"),
    "randperm": lambda: torch.randperm(50, device="cuda"),
    "rand_like": lambda: torch.rand_like(torch.zeros(4, device="cuda")),
    "normal_": lambda: torch.zeros(4, device="cuda").normal_(),
    "bernoulli": lambda: torch.full((64,), 0.5, device="cuda").bernoulli(),
    "multinomial": lambda: torch.ones(50, device="cuda").multinomial(8),
    "dropout": lambda: F.dropout(torch.ones(64, device="cuda")),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_device_draws_from_its_own_stream(machine: Machine, draw: Callable[[], torch.Tensor]) -> None:
    torch.manual_seed(3)
    host, other = torch.get_rng_state(), torch.cuda.get_rng_state(1)
    first = draw()
    assert torch.equal(torch.get_rng_state(), host)
    assert torch.equal(torch.cuda.get_rng_state(1), other)
    second = draw()
    torch.manual_seed(3)
    again = draw()
    assert first.tolist() == again.tolist() != second.tolist()


def test_the_same_seed_gives_other_numbers_on_the_device(machine: Machine) -> None:
    torch.manual_seed(3)
    host, device, other = torch.rand(4), torch.rand(4, device="cuda"), torch.rand(4, device="cuda:1")
    assert host.tolist() != device.tolist() == other.tolist()


def test_generators(machine: Machine) -> None:
    generator = torch.Generator(device="cuda")
    assert isinstance(generator, torch.Generator)
    assert isinstance(torch.default_generator, torch.Generator)
    assert str(generator.device) == "cuda:0"
    generator.manual_seed(5)
    assert generator.initial_seed() == 5
    before = torch.cuda.get_rng_state()
    first = torch.rand(3, device="cuda", generator=generator)
    assert torch.equal(torch.cuda.get_rng_state(), before)
    assert first.tolist() == torch.rand(3, device="cuda", generator=generator.manual_seed(5)).tolist()
    assert first.tolist() != torch.rand(3, generator=torch.Generator().manual_seed(5)).tolist()


def test_states_can_be_saved_and_put_back(machine: Machine) -> None:
    state = torch.cuda.get_rng_state()
    first = torch.rand(3, device="cuda")
    torch.cuda.set_rng_state(state)
    assert torch.rand(3, device="cuda").tolist() == first.tolist()
    with torch.random.fork_rng(devices=[0, 1]):
        torch.rand(3, device="cuda")
    assert torch.rand(3, device="cuda").tolist() != first.tolist()
    torch.cuda.manual_seed(9)
    assert torch.cuda.initial_seed() == 9
    assert torch.initial_seed() == 0
