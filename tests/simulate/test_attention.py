"""Attention has the layout of a fused kernel where torch would take one, as on a card."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention as attention

from transfer_lint.tracing.simulate import simulate

HEADS, LENGTH, WIDTH = 3, 5, 8
SEEN = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()


def _heads(device: str, *, requires_grad: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value as a layer makes them: the heads are split from the channels."""
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, LENGTH, HEADS, WIDTH).transpose(1, 2).to(device) for _ in range(3))
    for each in (query, key, value):
        each.requires_grad_(requires_grad)
    return query, key, value


@pytest.mark.parametrize("mask", [None, SEEN, SEEN.float()], ids=["no mask", "bool", "float"])
@pytest.mark.parametrize("inference", [False, True])
def test_results_are_laid_out_as_by_a_fused_kernel(mask: Tensor | None, *, inference: bool) -> None:
    with simulate(), torch.inference_mode(inference):
        here = attention(*_heads("cpu"), mask)
        there = attention(*_heads("cuda"), mask if mask is None else mask.cuda())
        assert there.stride() == here.stride()
        assert torch.equal(there.transpose(1, 2).view(2, LENGTH, -1).cpu(), here.transpose(1, 2).view(2, LENGTH, -1))


def test_gradients_are_those_of_the_host() -> None:
    with simulate():
        here, there = _heads("cpu", requires_grad=True), _heads("cuda", requires_grad=True)
        expected = torch.autograd.grad(attention(*here).square().sum(), here)
        found = torch.autograd.grad(attention(*there).square().sum(), there)
        assert [each.stride() for each in found] == [each.stride() for each in expected]
        assert all(torch.equal(one, other.cpu()) for one, other in zip(expected, found, strict=True))


def test_a_program_that_wants_no_fused_kernel_gets_none() -> None:
    with simulate(), sdpa_kernel(SDPBackend.MATH):
        assert attention(*_heads("cuda")).is_contiguous()


def test_operands_in_two_places_are_refused() -> None:
    with simulate():
        query, key, value = _heads("cuda")
        with pytest.raises(RuntimeError, match="same device"):
            attention(query, key.cpu(), value)
