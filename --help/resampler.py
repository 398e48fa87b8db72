# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""The perceiver that turns a face embedding into prompt tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

HEAD_WIDTH = 64


@dataclass(frozen=True)
class ResamplerSizes:
    """The widths of a Resampler; the defaults are those of the published InstantID model."""

    embedding: int = 512
    width: int = 1280
    inner: int = 1280
    hidden: int = 5120
    depth: int = 4
    tokens: int = 16
    output: int = 2048


class PerceiverAttention(nn.Module):
    """Attention of the latents over the input and themselves, in heads of 64."""

    def __init__(self, sizes: ResamplerSizes) -> None:
        super().__init__()
        self.heads = sizes.inner // HEAD_WIDTH
        self.norm1 = nn.LayerNorm(sizes.width)
        self.norm2 = nn.LayerNorm(sizes.width)
        self.to_q = nn.Linear(sizes.width, sizes.inner, bias=False)
        self.to_kv = nn.Linear(sizes.width, 2 * sizes.inner, bias=False)
        self.to_out = nn.Linear(sizes.inner, sizes.width, bias=False)

    def forward(self, x: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        """x [B, n, width], latents [B, tokens, width] -> [B, tokens, width]."""
        x = self.norm1(x)
        latents = self.norm2(latents)
        q = self._split(self.to_q(latents))
        k, v = self.to_kv(torch.cat((x, latents), dim=1)).chunk(2, dim=-1)
        k, v = self._split(k), self._split(v)

        # Half of the scale on either side keeps the product within the range of float16.
        scale = 1 / math.sqrt(math.sqrt(HEAD_WIDTH))
        scores = (q * scale) @ (k * scale).transpose(-2, -1)
        shares = torch.softmax(scores.float(), dim=-1).to(dtype=scores.dtype)
        merged = (shares @ v).transpose(1, 2).flatten(2)
        out: torch.Tensor = self.to_out(merged)
        return out

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """[B, n, heads*64] -> [B, heads, n, 64]."""
        return x.view(*x.shape[:-1], self.heads, HEAD_WIDTH).transpose(1, 2)


class ResamplerLayer(nn.ModuleList):
    """Attention (entry 0) and feed-forward (entry 1), each added to the latents."""

    def __init__(self, sizes: ResamplerSizes) -> None:
        feed_forward = nn.Sequential(
            nn.LayerNorm(sizes.width),
            nn.Linear(sizes.width, sizes.hidden, bias=False),
            nn.GELU(),
            nn.Linear(sizes.hidden, sizes.width, bias=False),
        )
        super().__init__([PerceiverAttention(sizes), feed_forward])

    def forward(self, x: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        """x [B, n, width], latents [B, tokens, width] -> [B, tokens, width]."""
        attention, feed_forward = self
        latents = attention(x, latents) + latents
        out: torch.Tensor = feed_forward(latents) + latents
        return out


class Resampler(nn.Module):
    """Learned latents that read the embedding and become tokens for cross attention."""

    def __init__(self, sizes: ResamplerSizes) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.zeros(1, sizes.tokens, sizes.width))
        self.proj_in = nn.Linear(sizes.embedding, sizes.width)
        self.proj_out = nn.Linear(sizes.width, sizes.output)
        self.norm_out = nn.LayerNorm(sizes.output)
        self.layers = nn.ModuleList(ResamplerLayer(sizes) for _ in range(sizes.depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [B, n, embedding], placed like the weights -> [B, tokens, output]."""
        latents = self.latents.repeat(x.shape[0], 1, 1)
        x = self.proj_in(x)
        for layer in self.layers:
            latents = layer(x, latents)
        tokens: torch.Tensor = self.norm_out(self.proj_out(latents))
        return tokens
