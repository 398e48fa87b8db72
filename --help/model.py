# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""The InstantID model: a Resampler for the face and key/value projections for every cross-attention layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

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


KeysAndValues: TypeAlias = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class LayerFace:
    """The face at one layer: keys and values of its tokens, each [N, 16, width], and of those that stand for no face.

    They are the same at every step, so they are computed once, and sampling needs none of InstantID's weights: all 70
    layers of one face are 11 MB in float16, the weights 845.

    transformers: how many values `transformer_index` has in this UNet.
    """

    cond: KeysAndValues
    uncond: KeysAndValues
    transformers: int
    _placed: dict[tuple[torch.device, torch.dtype], tuple[KeysAndValues, KeysAndValues]] = field(default_factory=dict)

    def like(self, q: torch.Tensor) -> tuple[KeysAndValues, KeysAndValues]:
        """cond and uncond on the queries' device and in their dtype; kept, for the next step asks again.

        With several GPUs each has its own: nothing is moved that another one is working with.
        """
        place = (q.device, q.dtype)
        if place not in self._placed:
            (k, v), (uncond_k, uncond_v) = self.cond, self.uncond
            self._placed[place] = (
                (k.to(q.device, dtype=q.dtype), v.to(q.device, dtype=q.dtype)),
                (uncond_k.to(q.device, dtype=q.dtype), uncond_v.to(q.device, dtype=q.dtype)),
            )
        return self._placed[place]


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

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Face tokens [N, 16, 2048], placed like the weights -> their keys and values, each [N, 16, width]."""
        return self.to_k_ip(tokens), self.to_v_ip(tokens)


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

    @torch.inference_mode()
    def layer_face(self, layer: int, cond: torch.Tensor, uncond: torch.Tensor) -> LayerFace:
        """What a layer of SDXL_LAYERS attends to: face tokens [N, 16, 2048], placed like the weights."""
        projections = self.ip_adapter[projection_name(layer)]
        return LayerFace(projections(cond), projections(uncond), self.transformers)

    @property
    def tokens_width(self) -> int:
        """How wide a face token is: as wide as the prompt's tokens of the base model."""
        return int(self.image_proj.proj_out.out_features)

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
