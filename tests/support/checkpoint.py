"""InstantID checkpoints with random weights: the published names and shapes, in any size."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Projection:
    """The Resampler's widths, and its number of layers."""

    width: int
    inner: int
    hidden: int
    depth: int


SMALL = Projection(width=128, inner=128, hidden=256, depth=2)
PUBLISHED = Projection(width=1280, inner=1280, hidden=5120, depth=4)
LAYERS = (False,) * 4 + (True,) * 50 + (False,) * 6 + (True,) * 10
"""Which cross-attention layers are wide: input, output, middle."""


def instantid_checkpoint(
    projection: Projection, tokens: int, widths: tuple[int, int], *, seed: int = 0, spread: float | None = None
) -> dict[str, dict[str, torch.Tensor]]:
    """`{"image_proj": {...}, "ip_adapter": {...}}`, float32.

    tokens: the width of a face token. widths: of narrow and wide layers. spread: standard deviation of the weights; by
    default it depends on the projection's width.
    """
    generator = torch.Generator().manual_seed(seed)
    by_size = spread if spread is not None else 0.2 if projection.width < 1000 else 0.03

    def values(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * by_size

    width, inner, hidden = projection.width, projection.inner, projection.hidden
    proj = {
        "latents": values(1, 16, width),
        "proj_in.weight": values(width, 512),
        "proj_in.bias": values(width),
        "proj_out.weight": values(tokens, width),
        "proj_out.bias": values(tokens),
        "norm_out.weight": values(tokens) + 1,
        "norm_out.bias": values(tokens),
    }
    for i in range(projection.depth):
        for name in ("0.norm1", "0.norm2", "1.0"):
            proj |= {f"layers.{i}.{name}.weight": values(width) + 1, f"layers.{i}.{name}.bias": values(width)}
        proj |= {
            f"layers.{i}.0.to_q.weight": values(inner, width),
            f"layers.{i}.0.to_kv.weight": values(2 * inner, width),
            f"layers.{i}.0.to_out.weight": values(width, inner),
            f"layers.{i}.1.1.weight": values(hidden, width),
            f"layers.{i}.1.3.weight": values(width, hidden),
        }
    adapter = {
        f"{2 * layer + 1}.to_{kind}_ip.weight": values(widths[is_wide], tokens)
        for layer, is_wide in enumerate(LAYERS)
        for kind in "kv"
    }
    return {"image_proj": proj, "ip_adapter": adapter}
