"""Fused attention on the simulated machine.

torch runs `scaled_dot_product_attention` with one of several kernels on a card, and its result is laid out otherwise by
each: in the order of the query's dimensions (cuDNN), so that the heads can be merged with `.transpose(1, 2).view(...)`
(flash, efficient), or contiguous (math). So are the gradients. Here the host's kernels compute the values; the layouts
are those that an H100 gives (scripts/card_database.py, "attention").
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend
from torch.utils._mode_utils import no_dispatch

from transfer_lint.tracing.device_tensor import STAND_IN, DeviceTensor, place_of, values_of
from transfer_lint.tracing.machine import HOST, device_type, name_of
from transfer_lint.tracing.traits import VERSION

ATTENTION = torch.ops.aten.scaled_dot_product_attention.default
_FUSED = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default
_FLASH = int(SDPBackend.FLASH_ATTENTION.value)
_HALVES = (torch.float16, torch.bfloat16)


@cache
def register() -> torch.library.Library:
    """Register the kernel, once, below autocast and above autograd. It lasts as long as the library object exists."""
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    library.impl(ATTENTION, _attention, f"Autograd{STAND_IN.capitalize()}")  # type: ignore[no-untyped-call]
    return library


def kernel_of(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> str:
    """The kernel that a card takes: `cudnn`, `flash`, `efficient` or `math`. All operands are in one place."""
    half, wide = query.dtype in _HALVES, query.shape[-1]
    plain = query.dim() == 4 and query.dtype == key.dtype == value.dtype and wide == value.shape[-1]
    if not plain or not query.numel() or not key.numel() or query.dtype not in (*_HALVES, torch.float32):
        return "math"
    if half and wide % 8 == 0 and wide <= 128 and VERSION >= (2, 11) and _enabled("cudnn_sdp_enabled"):
        return "cudnn"
    if half and mask is None and wide <= 256 and _enabled("flash_sdp_enabled"):
        return "flash"
    if wide % (8 if half else 4) == 0 and query.shape[1] == key.shape[1] and _enabled("mem_efficient_sdp_enabled"):
        return "efficient"
    return "math"


def _enabled(which: str) -> bool:
    return bool(getattr(torch.backends.cuda, which)())


def laid_out(kernel: str, query: Tensor, result: Tensor) -> Tensor:
    """The result with the layout that a kernel gives it."""
    if kernel == "math":
        return result
    if kernel == "flash" and result.shape[-1] % 8:  # it computes with whole vectors
        padded = torch.nn.functional.pad(result.contiguous(), (0, -result.shape[-1] % 8))
        return padded[..., : result.shape[-1]]
    return _ordered(result, _order(query) if kernel == "cudnn" else (0, 2, 1, 3))


def refuse_host_mask(kernel: str, query: Tensor, mask: Tensor | None) -> None:
    """Raise what a card does about a mask on the host, where only the words of a kernel's wrapper say it."""
    if mask is not None and place_of(query) != HOST and place_of(mask) == HOST and kernel in ("cudnn", "efficient"):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but got attn_bias is on cpu, different from other tensors "
            f"on {name_of(place_of(query))} (when checking argument in method "
            f"wrapper_{device_type().upper()}___scaled_dot_product_{kernel}_attention)"
        )


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **kwargs: Any,
) -> Tensor:
    mask = attn_mask
    if len({place_of(each) for each in (query, key, value)}) > 1:
        return ATTENTION.decompose(query, key, value, mask, dropout_p, is_causal, **kwargs)  # type: ignore[no-any-return]
    kernel = kernel_of(query, key, value, mask)
    refuse_host_mask(kernel, query, mask)
    learns = torch.is_grad_enabled() and any(each.requires_grad for each in (query, key, value))
    if kernel != "math" and learns:
        query, key, value = (_Given.apply(each, kernel) for each in (query, key, value))  # type: ignore[no-untyped-call]
    if kernel == "math" or not _fuses(query, key, value, mask, dropout_p, is_causal, **kwargs):
        result: Tensor = ATTENTION.decompose(query, key, value, mask, dropout_p, is_causal, **kwargs)
    else:
        if mask is not None and mask.dtype == torch.bool:
            mask = torch.zeros_like(mask, dtype=query.dtype).masked_fill_(mask.logical_not(), float("-inf"))
        result = _FUSED(query, key, value, dropout_p, is_causal, attn_mask=mask, scale=kwargs.get("scale"))[0]
    return laid_out(kernel, query, result)


class _Given(torch.autograd.Function):
    """An operand as it is, whose gradient has the layout that a kernel gives it."""

    @staticmethod
    def forward(context: Any, operand: Tensor, kernel: str) -> Tensor:
        context.order = (0, 1, 2, 3) if kernel == "flash" and operand.shape[-1] % 8 else (0, 2, 1, 3)
        if kernel == "cudnn":
            context.order = _order(operand)
        return operand.view_as(operand)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _ordered(gradient, context.order), None


def _order(tensor: Tensor) -> tuple[int, ...]:
    """The dimensions of a tensor from the one with the largest strides to the last; as they are if it is expanded."""
    strides = tensor.stride()
    return (0, 1, 2, 3) if 0 in strides else tuple(sorted(range(4), key=lambda each: -strides[each]))


def _ordered(tensor: Tensor, order: Sequence[int]) -> Tensor:
    """The tensor with the dimensions in memory in this order."""
    if _is_ordered(tensor, order):
        return tensor
    if isinstance(tensor, DeviceTensor) and not (tensor.requires_grad or torch.is_inference_mode_enabled()):
        with no_dispatch():  # one tensor on the device instead of three
            values = _ordered(tensor.held, order)
        return DeviceTensor(values, tensor.ordinal)
    back = [order.index(each) for each in range(len(order))]
    return tensor.permute(*order).contiguous().permute(*back)


def _is_ordered(tensor: Tensor, order: Sequence[int]) -> bool:
    shape, strides, step = tensor.shape, tensor.stride(), 1
    for dim in reversed(order):
        if shape[dim] > 1 and strides[dim] != step:
            return False
        step *= shape[dim]
    return True


def _fuses(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *args: Any, **kwargs: Any) -> bool:
    """Whether the host would take its fused kernel for the values of the operands."""
    if mask is not None and place_of(mask) != place_of(query):
        return False

    def plain(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else values_of(tensor).detach().requires_grad_(tensor.requires_grad)

    try:
        with no_dispatch():
            choice = torch._fused_sdp_choice(*map(plain, (query, key, value, mask)), *args, **kwargs)  # type: ignore[arg-type]
    except RuntimeError:  # torch says why when it runs
        return False
    return int(choice) == _FLASH
