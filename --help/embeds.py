# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""From reference pictures to the embeddings that condition on the face, and those that do not."""

from __future__ import annotations

import torch

from .faces import extract_features
from .protocols import FaceAnalysis

COMBINE = ["average", "norm average", "concat"]
SEED_RANGE = 1000000007


def face_embeddings(
    insightface: FaceAnalysis, image: torch.Tensor, *, combine_embeds: str = "average", noise: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """The face of the pictures and its negative, both float32 [N, 1, 512] on the CPU; N > 1 for "concat" only.

    Raises NoFaceError where no picture has a face.
    """
    clip_embed = combine(extract_features(insightface, image), combine_embeds)
    return clip_embed, negative_embedding(clip_embed, noise)


def combine(clip_embed: torch.Tensor, combine_embeds: str) -> torch.Tensor:
    """Several faces [N, 1, 512] as one [1, 1, 512], or left as they are ("concat")."""
    if clip_embed.shape[0] == 1 or combine_embeds == "concat":
        return clip_embed
    if combine_embeds == "norm average":
        clip_embed = clip_embed / torch.norm(clip_embed, dim=0, keepdim=True)
    return clip_embed.mean(dim=0, keepdim=True)


def negative_embedding(clip_embed: torch.Tensor, noise: float) -> torch.Tensor:
    """Zeros, or noise of that strength, shaped like the embedding.

    Noise is seeded by the face, so that the same face gives the same picture. The seed is torch's global one:
    nodes that run later draw from it.
    """
    if noise <= 0:
        return torch.zeros_like(clip_embed)
    torch.manual_seed(int(torch.sum(clip_embed).item()) % SEED_RANGE)
    return noise * torch.rand_like(clip_embed)
