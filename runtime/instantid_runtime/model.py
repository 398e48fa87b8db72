# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""The InstantID model: a Resampler for the face and key/value projections for every cross-attention layer."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from .resampler import Resampler, ResamplerSizes

# The UNet of SDXL in the order of the checkpoint: block, its number, its transformers, their width.
SDXL_BLOCKS = (
    ("input", 4, 2, 640),
    ("input", 5, 2, 640),
    ("input", 7, 10, 1280),
    ("input", 8, 10, 1280),
    ("output", 0, 10, 1280),
    ("output", 1, 10, 1280),
    ("output", 2, 10, 1280),
    ("output", 3, 2, 640),
    ("output", 4, 2, 640),
    ("output", 5, 2, 640),
    ("middle", 0, 10, 1280),
)
SDXL_LAYERS = tuple((block, number, index) for block, number, count, _ in SDXL_BLOCKS for index in range(count))
SDXL_WIDTHS = tuple(width for _, _, count, width in SDXL_BLOCKS for _ in range(count))

SDXL_TRANSFORMERS = len(SDXL_BLOCKS)
SD15_TRANSFORMERS = 16


def projection_name(layer: int) -> str:
    """The name of a layer's projections in the checkpoint: the odd numbers, in the order of SDXL_LAYERS."""
    return str(2 * layer + 1)


@dataclass(frozen=True)
class Sizes:
    """The widths of an InstantID model: `layers` has the query width of every cross-attention layer."""

    resampler: ResamplerSizes = field(default_factory=ResamplerSizes)
    layers: tuple[int, ...] = SDXL_WIDTHS


class FaceProjections(nn.Module):
    """Keys and values of the face tokens for one cross-attention layer."""

    def __init__(self, tokens_width: int, width: int) -> None:
        super().__init__()
        self.to_k_ip = nn.Linear(tokens_width, width, bias=False)
        self.to_v_ip = nn.Linear(tokens_width, width, bias=False)


class InstantID(nn.Module):
    """A published InstantID checkpoint as a module; its state dict has the checkpoint's keys."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.image_proj = Resampler(sizes.resampler)
        self.ip_adapter = nn.ModuleDict(
            {
                projection_name(layer): FaceProjections(sizes.resampler.output, width)
                for layer, width in enumerate(sizes.layers)
            }
        )
        self.requires_grad_(False)

    @property
    def transformers(self) -> int:
        """How many values ComfyUI's `transformer_index` has in the UNet that this model is for."""
        return SDXL_TRANSFORMERS if len(self.ip_adapter) == len(SDXL_LAYERS) else SD15_TRANSFORMERS

    @torch.inference_mode()
    def get_image_embeds(
        self, clip_embed: torch.Tensor, clip_embed_zeroed: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Face embeddings [N, 1, 512], placed like the weights, and what stands for no face -> tokens [N, 16, 2048]."""
        image_prompt_embeds = self.image_proj(clip_embed)
        uncond_image_prompt_embeds = self.image_proj(clip_embed_zeroed)
        return image_prompt_embeds, uncond_image_prompt_embeds
