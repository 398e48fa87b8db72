# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Layers that work where their input is.

ComfyUI loads as much of a model as there is room for. What stays on the host is copied for the one call.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Linear(nn.Linear):
    """A linear layer whose weights may be on another device than its input."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out], on the input's device."""
        return functional.linear(input, *_beside(input, self.weight, self.bias))


class LayerNorm(nn.LayerNorm):
    """A layer norm whose weights may be on another device than its input."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Shaped like the input, on its device."""
        weight, bias = _beside(input, self.weight, self.bias)
        return functional.layer_norm(input, self.normalized_shape, weight, bias, self.eps)


def _beside(
    input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    if weight.device != input.device:
        weight = weight.to(input.device)
    if bias is not None:
        if bias.device != input.device:
            bias = bias.to(input.device)
    return weight, bias
