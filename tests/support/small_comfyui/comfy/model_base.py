"""A model of two layers."""

from __future__ import annotations

import torch

from comfy.ldm.modules.attention import BasicTransformerBlock


class BaseModel(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(BasicTransformerBlock() for _ in range(2))

    def apply_model(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        shift = torch.zeros(4).to(x.device)
        for layer in self.layers:
            x = layer(x + shift, t)
        return x
