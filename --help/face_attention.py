# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Attention of one layer's queries to the face tokens, and how strong it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch

from .frames import per_frame, token_mask
from .host import optimized_attention
from .model import LayerFace

Weight: TypeAlias = float | torch.Tensor
"""One strength for all frames, or one per frame: [frames]."""

SCALING_WIDTH = 1280.0
WEAK = 0.2

FADES: dict[str, Callable[[int, int], float]] = {
    "ease in": lambda t, count: 1 - t / count,
    "ease out": lambda t, count: t / count,
    "ease in-out": lambda t, count: 1 - abs(t - count / 2) / (count / 2),
    "reverse in-out": lambda t, count: abs(t - count / 2) / (count / 2),
}
"""How much of the weight a transformer gets, by its index and their count: 0..1."""

WEAK_BLOCKS = {
    "weak input": ("input",),
    "weak middle": ("middle",),
    "weak output": ("output",),
    "strong middle": ("input", "output"),
}


def attend_to_face(
    out: torch.Tensor,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    extra_options: Mapping[str, Any],
    *,
    face: LayerFace,
    weight: Weight | Mapping[int, Weight] = 1.0,
    weight_type: str = "linear",
    embeds_scaling: str = "V only",
    mask: torch.Tensor | None = None,
    unfold_batch: bool = False,
    **_others: Any,
) -> torch.Tensor | float:
    """What the face adds to a layer's attention `out`: [B, tokens, width] in q's dtype; 0 where it has no weight.

    The signature is the one that the packs which share these patches call (`_others` takes the sigma range and the
    tokens, which are theirs to look at); `out`, `k` and `v` are those of the prompt.

    face: several faces are attended to together, or with `unfold_batch` one in each frame. mask: [N, H, W] of any
        size.
    """
    strength = layer_weight(weight, weight_type, extra_options, face.transformers)
    if not isinstance(strength, torch.Tensor) and strength == 0:
        return 0.0

    chunks: list[int] = extra_options["cond_or_uncond"]
    batch = q.shape[0] // len(chunks)
    if isinstance(strength, torch.Tensor):
        strength = per_frame(strength.flatten(), batch, extra_options).to(dtype=q.dtype)
        strength = strength.repeat(len(chunks)).view(-1, 1, 1)

    keys, values = [], []
    for pair in face.like(q):
        face_k, face_v = (
            per_frame(part, batch, extra_options)
            if unfold_batch
            else part.flatten(0, 1).unsqueeze(0).repeat(batch, 1, 1)
            for part in pair
        )
        keys.append(face_k)
        values.append(face_v)
    face_k = torch.cat([keys[chunk] for chunk in chunks])
    face_v = torch.cat([values[chunk] for chunk in chunks])

    if embeds_scaling == "V only":
        added = optimized_attention(q, face_k, face_v, extra_options["n_heads"]) * strength
    else:
        face_k, face_v = scale_embeds(face_k, face_v, strength, embeds_scaling)
        added = optimized_attention(q, face_k, face_v, extra_options["n_heads"])
    if mask is not None:
        if mask.device != q.device:  # another GPU samples too
            mask = mask.to(q.device)
        added = added * token_mask(mask, q.shape[1], batch, extra_options)
    result: torch.Tensor = added.to(dtype=q.dtype)
    return result


def layer_weight(
    weight: Weight | Mapping[int, Weight], weight_type: str, extra_options: Mapping[str, Any], transformers: int
) -> Weight:
    """The strength at the layer where `extra_options` says that we are.

    A mapping gives it by `transformer_index` (a layer that it does not name gets nothing); otherwise `weight_type`
    says how the one weight spreads over the layers. Raises ValueError for an unknown weight type.
    """
    if isinstance(weight, Mapping):
        return weight.get(extra_options["transformer_index"], 0.0)
    if weight_type == "linear":
        return weight
    if weight_type in FADES:
        return weight * (0.05 + 0.95 * FADES[weight_type](extra_options["transformer_index"], transformers))
    if weight_type in WEAK_BLOCKS:
        return weight * WEAK if extra_options["block"][0] in WEAK_BLOCKS[weight_type] else weight
    raise ValueError(f"unknown weight type {weight_type!r}: one of linear, {', '.join((*FADES, *WEAK_BLOCKS))}")


def scale_embeds(
    k: torch.Tensor, v: torch.Tensor, weight: Weight, embeds_scaling: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put the weight into keys and values [B, tokens, width] ahead of the attention.

    "C penalty" weakens narrow layers: the weight is that of a layer 1280 wide. Raises ValueError for an unknown way.
    """
    if embeds_scaling == "K+V":
        return k * weight, v * weight
    penalised = weight * (k.shape[2] / SCALING_WIDTH)
    if embeds_scaling == "K+V w/ C penalty":
        return k * penalised, v * penalised
    if embeds_scaling == "K+mean(V) w/ C penalty":
        mean = v.mean(dim=1, keepdim=True)
        return k * penalised, (v - mean) + mean * penalised
    raise ValueError(
        f"unknown embeds scaling {embeds_scaling!r}: one of V only, K+V, K+V w/ C penalty, K+mean(V) w/ C penalty"
    )
