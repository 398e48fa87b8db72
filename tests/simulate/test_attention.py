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


def _layout(tensor: Tensor) -> str:
    """The dimensions (batch, heads, length, width) in the order of their strides."""
    return "".join("BHLD"[each] for each in sorted(range(4), key=lambda each: -tensor.stride(each)))


@pytest.mark.skipif(torch.__version__ < "2.11", reason="earlier, cuDNN's kernel was not the first")
@pytest.mark.parametrize(
    ("dtype", "width", "mask", "split", "layouts"),
    [
        (torch.float16, 64, False, False, "BHLD BHLD BHLD"),  # cuDNN: as the query is
        (torch.float16, 64, True, True, "BLHD BLHD BLHD"),
        (torch.float16, 320, False, False, "BLHD BLHD BLHD"),  # efficient
        (torch.float32, 40, True, False, "BLHD BLHD BLHD"),
        (torch.float16, 6, False, True, "BHLD BHLD BHLD"),  # flash, padded
        (torch.float32, 6, True, True, "BHLD BHLD BHDL"),  # math
    ],
)
def test_layouts_of_an_h100(dtype: torch.dtype, width: int, mask: bool, split: bool, layouts: str) -> None:
    with simulate():
        if split:
            query, key, value = (torch.randn(2, 5, 3, width).transpose(1, 2).to("cuda", dtype) for _ in range(3))
        else:
            query, key, value = (torch.randn(2, 3, 5, width).to("cuda", dtype) for _ in range(3))
        for each in (query, key, value):
            each.requires_grad_()
        result = attention(query, key, value, torch.ones(5, 5, dtype=torch.bool, device="cuda") if mask else None)
        for_query, for_key, _ = torch.autograd.grad(result.sum(), (query, key, value))
        assert [_layout(each) for each in (result, for_query, for_key)] == layouts.split()
        with torch.inference_mode():
            again = attention(query, key, value, torch.ones(5, 5, dtype=torch.bool, device="cuda") if mask else None)
        assert again.stride() == result.stride()
        assert result.stride(2) == (8 if (dtype, width) == (torch.float16, 6) else result.stride(2))


def test_a_mask_on_the_host_is_refused() -> None:
    with simulate(), pytest.raises(RuntimeError, match="same device"):
        attention(*_heads("cuda"), SEEN)
