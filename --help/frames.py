# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Fitting what is given per picture to the frames of a latent batch, and masks to a layer's tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional


def fit_batch(values: torch.Tensor, count: int) -> torch.Tensor:
    """Cut the first dimension to `count`, or fill it by repeating the last entry."""
    lacking = count - values.shape[0]
    if lacking <= 0:
        return values[:count]
    return torch.cat((values, values[-1:].expand(lacking, *values.shape[1:])))


def per_frame(values: torch.Tensor, batch: int, extra_options: Mapping[str, Any]) -> torch.Tensor:
    """One entry for each frame of the latent batch.

    AnimateDiff samples a window of a longer film: its `ad_params` say which frames of how many the batch holds.
    """
    window = extra_options.get("ad_params") or {}
    indices = window.get("sub_idxs")
    if indices is None:
        return fit_batch(values, batch)
    film = fit_batch(values, window["full_length"])
    return torch.stack([film[index] for index in indices])


def token_mask(mask: torch.Tensor, tokens: int, batch: int, extra_options: Mapping[str, Any]) -> torch.Tensor:
    """A mask [B, H, W] of any size at a layer's resolution: [chunks * batch, tokens, 1] in the mask's dtype."""
    height, width = extra_options["original_shape"][2:4]
    rows = max(1, int(height / math.sqrt(height * width / tokens)))
    rows += tokens % rows != 0
    columns = tokens // rows

    mask = per_frame(mask, batch, extra_options)
    grid = functional.interpolate(mask.unsqueeze(1), size=(rows, columns), mode="bilinear").flatten(1)
    lacking = tokens - grid.shape[1]
    grid = functional.pad(grid, (lacking // 2, lacking - lacking // 2))
    return grid.repeat(len(extra_options["cond_or_uncond"]), 1).unsqueeze(-1)
