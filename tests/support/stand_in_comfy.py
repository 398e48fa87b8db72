"""Small stand-ins for what ComfyUI passes to nodes: a model, a ControlNet, and a UNet's calls of patches."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

HEADS = 2
LATENT = (8, 4)
"""Height and width of the latent in `layer_calls`. Narrow layers see it halved once, wide layers twice."""

# The cross-attention blocks of SDXL in the order of execution: block, number, transformers, is wide.
SDXL_CALLS = (
    ("input", 4, 2, False),
    ("input", 5, 2, False),
    ("input", 7, 10, True),
    ("input", 8, 10, True),
    ("middle", 0, 10, True),
    ("output", 0, 10, True),
    ("output", 1, 10, True),
    ("output", 2, 10, True),
    ("output", 3, 2, False),
    ("output", 4, 2, False),
    ("output", 5, 2, False),
)


class StandInModel:
    """A MODEL with options and a schedule. Its clones share its options, or deep-copy them, as in older ComfyUI."""

    def __init__(self, *, deep: bool = False) -> None:
        self.deep = deep
        self.model_options: dict[str, Any] = {"transformer_options": {}}

    def clone(self) -> StandInModel:
        twin = StandInModel(deep=self.deep)
        twin.model_options = copy.deepcopy(self.model_options) if self.deep else self.model_options
        return twin

    def get_model_object(self, name: str) -> Any:
        assert name == "model_sampling"
        return self

    def percent_to_sigma(self, percent: float) -> float:
        if percent <= 0.0:
            return 999999999.9
        return 0.0 if percent >= 1.0 else 14.0 * (1.0 - percent)

    @property
    def patches(self) -> dict[tuple[str, int, int], Any]:
        options = self.model_options["transformer_options"]
        found: dict[tuple[str, int, int], Any] = options.get("patches_replace", {}).get("attn2", {})
        return found


class StandInControlNet:
    """A CONTROL_NET that remembers what it was given."""

    def __init__(self) -> None:
        self.cond_hint_original: torch.Tensor = torch.empty(0)
        self.strength = 0.0
        self.span = (0.0, 0.0)
        self.previous: StandInControlNet | None = None

    def copy(self) -> StandInControlNet:
        return copy.copy(self)

    def set_cond_hint(
        self, cond_hint: torch.Tensor, strength: float, timestep_percent_range: tuple[float, float]
    ) -> StandInControlNet:
        self.cond_hint_original, self.strength, self.span = cond_hint, strength, timestep_percent_range
        return self

    def set_previous_controlnet(self, controlnet: StandInControlNet | None) -> StandInControlNet:
        self.previous = controlnet
        return self


class LayerCall:
    """One cross-attention layer's call: its key, projected q, k and v, and extra_options as ComfyUI makes them."""

    def __init__(
        self, key: tuple[str, int, int], width: int, tokens: int, transformer_index: int, options: Mapping[str, Any]
    ) -> None:
        self.key = key
        self.extra_options = {
            **options,
            "n_heads": HEADS,
            "dim_head": width // HEADS,
            "attn_precision": None,
            "block": key[:2],
            "block_index": key[2],
            "transformer_index": transformer_index,
        }
        batch = options["original_shape"][0] * len(options["cond_or_uncond"])
        dtype = options["dtype"]
        self.q = torch.randn(batch, tokens, width).to(dtype)
        self.k = torch.randn(batch, 7, width).to(dtype)
        self.v = torch.randn(batch, 7, width).to(dtype)

    def run(self, patches: Mapping[tuple[str, int, int], Callable[..., torch.Tensor]]) -> torch.Tensor:
        """The layer's output: that of its patch, or plain attention if it has none."""
        if self.key in patches:
            return patches[self.key](self.q, self.k, self.v, dict(self.extra_options))
        return attention(self.q, self.k, self.v)


def layer_calls(
    narrow: int,
    wide: int,
    *,
    sigma: float | None = 5.0,
    cond_or_uncond: tuple[int, ...] = (0, 1),
    batch: int = 1,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    **more: Any,
) -> Iterator[LayerCall]:
    """One denoising call of an SDXL UNet with layers of two widths: 70 layers."""
    torch.manual_seed(seed)
    height, width = LATENT
    options = {"cond_or_uncond": list(cond_or_uncond), "original_shape": [batch, 4, height, width], **more}
    options["dtype"] = dtype
    if sigma is not None:
        options["sigmas"] = torch.full((batch * len(cond_or_uncond),), sigma)
    for transformer_index, (block, number, count, is_wide) in enumerate(SDXL_CALLS):
        tokens = height * width // (16 if is_wide else 4)
        for index in range(count):
            yield LayerCall((block, number, index), wide if is_wide else narrow, tokens, transformer_index, options)


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Attention computed head by head from the formula, in float32; the result has q's shape and dtype."""
    width = q.shape[-1] // HEADS
    heads = []
    for head in range(HEADS):
        part = slice(head * width, (head + 1) * width)
        scores = q[..., part].float() @ k[..., part].float().transpose(1, 2) / width**0.5
        heads.append(torch.softmax(scores, dim=-1) @ v[..., part].float())
    return torch.cat(heads, dim=-1).to(q.dtype)
