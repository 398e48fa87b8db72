# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""What cannot work is said when the node runs, in words of the workflow, not deep in the sampling."""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import nn

from .protocols import ControlNet, Model

logger = logging.getLogger(__name__)


def check_model(model: Model, tokens_width: int) -> None:
    """Raise ValueError where the model reads prompts of another width than InstantID's tokens, and so is not SDXL."""
    width = _unet_config(model).get("context_dim")
    if isinstance(width, int) and width != tokens_width:
        raise ValueError(
            f"This InstantID is for SDXL, whose prompts are {tokens_width} wide; those of this base model are {width} "
            f"wide ({_name(model)}). Load a checkpoint of SDXL."
        )


def check_control_net(control_net: ControlNet, tokens_width: int) -> None:
    """Raise ValueError where the ControlNet reads tokens of another width than InstantID's, and so is not SDXL's."""
    network = getattr(control_net, "control_model", None)
    if not isinstance(network, nn.Module):
        return
    for name, weight in network.named_parameters():
        if name.endswith("attn2.to_k.weight") and weight.dim() == 2 and weight.shape[1] != tokens_width:
            raise ValueError(
                f"This ControlNet reads tokens {weight.shape[1]} wide, InstantID's are {tokens_width} wide: it belongs "
                "to another base model. Load the ControlNet that was published with InstantID."
            )


def check_span(start_at: float, end_at: float) -> None:
    """Warn where there is no time in which to act."""
    if start_at > end_at:
        logger.warning("InstantID: start_at (%g) is after end_at (%g): it does nothing", start_at, end_at)


def batch_of_masks(mask: torch.Tensor) -> torch.Tensor:
    """A mask [H, W] or [B, H, W] -> [B, H, W]. Raises ValueError for anything else."""
    if mask.dim() not in (2, 3):
        raise ValueError(f"The mask has shape {list(mask.shape)}; InstantID takes one of [H, W] or [B, H, W].")
    masks = mask.unsqueeze(0) if mask.dim() == 2 else mask
    if masks.shape[0] > 1:
        logger.warning(
            "InstantID: the mask has %d pictures: ComfyUI samples with it where the latent batch has at most %d, or a "
            "multiple of that",
            masks.shape[0],
            masks.shape[0],
        )
    return masks


def _unet_config(model: Model) -> dict[str, Any]:
    config = getattr(getattr(getattr(model, "model", None), "model_config", None), "unet_config", None)
    return config if isinstance(config, dict) else {}


def _name(model: Model) -> str:
    return type(getattr(model, "model", model)).__name__
