"""Fused attention on the simulated machine.

torch runs `scaled_dot_product_attention` with a fused kernel on devices that it knows, and takes it apart elsewhere.
The layout of the result is another then: fused kernels, a card's and the host's, keep that of a query whose heads were
split from its channels, so that `.transpose(1, 2).view(...)` works. The kernel here runs the host's where the host
would.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend
from torch.utils._mode_utils import no_dispatch

from transfer_lint.tracing.device_tensor import STAND_IN, place_of, values_of

_ATTENTION = torch.ops.aten.scaled_dot_product_attention.default
_FUSED = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default
_FLASH = int(SDPBackend.FLASH_ATTENTION.value)


@cache
def register() -> torch.library.Library:
    """Register the kernel, once, below autocast and above autograd. It lasts as long as the library object exists."""
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    library.impl(_ATTENTION, _attention, f"Autograd{STAND_IN.capitalize()}")  # type: ignore[no-untyped-call]
    return library


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
    if not _fuses(query, key, value, mask, dropout_p, is_causal, **kwargs):
        return _ATTENTION.decompose(query, key, value, mask, dropout_p, is_causal, **kwargs)  # type: ignore[no-any-return]
    if mask is not None and mask.dtype == torch.bool:
        mask = torch.zeros_like(mask, dtype=query.dtype).masked_fill_(mask.logical_not(), float("-inf"))
    batched = query.dim() == 4
    if not batched:  # since torch 2.14
        query, key, value = (each.unsqueeze(0) for each in (query, key, value))
        mask = mask.unsqueeze(0) if mask is not None and mask.dim() == 3 else mask
    result: Tensor = _FUSED(query, key, value, dropout_p, is_causal, attn_mask=mask, scale=kwargs.get("scale"))[0]
    return result if batched else result.squeeze(0)


def _fuses(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *args: Any, **kwargs: Any) -> bool:
    """Whether all operands are in one place, and the host would take its fused kernel for their values."""
    given = [each for each in (query, key, value, mask) if each is not None]
    if len({place_of(each) for each in given}) > 1:
        return False

    def plain(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else values_of(tensor).detach().requires_grad_(tensor.requires_grad)

    try:
        with no_dispatch():
            choice = torch._fused_sdp_choice(*map(plain, (query, key, value, mask)), *args, **kwargs)  # type: ignore[arg-type]
    except RuntimeError:  # torch says why when it runs
        return False
    return int(choice) == _FLASH
