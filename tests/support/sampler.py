"""A stand-in for ComfyUI's sampler: it batches conditionings, runs ControlNets and an SDXL UNet of 70 small
cross-attention layers, and copies to the device what ComfyUI copies.

ComfyUI itself causes these copies and waits per call of the model: `y` is copied to the device twice and the text
context once; `cross_attn_controlnet` is copied in `ControlNet.get_control` and, without being used, in the model's own
conditioning; the host waits twice where the ControlNet compares the timestep with its range.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from tests.support.comfy_host import get_torch_device, optimized_attention
from tests.support.stand_in_comfy import HEADS, SDXL_CALLS, StandInControlNet, StandInModel

Conditioning = Sequence[Sequence[Any]]
HINT_CELLS = 4


class Unet(nn.Module):
    """Seventy layers of cross attention on a latent of 4 channels, in the order and under the keys of SDXL's."""

    def __init__(self, narrow: int, wide: int, context: int, seed: int = 0) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self.prompt = nn.ModuleList(nn.Linear(context, 2 * width) for width in (narrow, wide))
        for *_, count, is_wide in SDXL_CALLS:
            width = wide if is_wide else narrow
            for _ in range(count):
                self.layers.append(nn.ModuleDict({"q": nn.Linear(4, width), "leave": nn.Linear(width, 4)}))
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            parameter.requires_grad_(False).copy_(torch.randn(parameter.shape, generator=generator) * 0.2)

    def forward(
        self, x: Tensor, context: Tensor, control: Tensor | None, options: Mapping[str, Any], thin: bool = False
    ) -> Tensor:
        """x [B, 4, h, w] -> [B, 4, h, w]. thin: use only one transformer of each block, 11 layers in all."""
        patches = options.get("patches_replace", {}).get("attn2", {})
        layer = iter(self.layers)
        keys_and_values = [project(context).chunk(2, dim=-1) for project in self.prompt]
        if control is not None:
            x = x + control
        for index, (block, number, count, is_wide) in enumerate(SDXL_CALLS):
            shrink = 4 if is_wide else 2
            small = torch.nn.functional.avg_pool2d(x, shrink)
            tokens = small.flatten(2).transpose(1, 2)
            for transformer in range(count):
                part: Any = next(layer)
                if thin and transformer:
                    continue
                q, (k, v) = part["q"](tokens), keys_and_values[is_wide]
                extra = {**options, "n_heads": HEADS, "dim_head": q.shape[-1] // HEADS, "attn_precision": None}
                extra |= {"block": (block, number), "block_index": transformer, "transformer_index": index}
                patch = patches.get((block, number, transformer))
                out = optimized_attention(q, k, v, HEADS) if patch is None else patch(q, k, v, extra)
                tokens = torch.add(tokens, part["leave"](out), alpha=0.1)
            change = tokens.transpose(1, 2).reshape(small.shape) - small
            x = x + torch.nn.functional.interpolate(change, scale_factor=shrink)
        return x


class Model(StandInModel):
    """A MODEL whose clones have their own dictionaries but share what is in the patches, as in ComfyUI since 2026."""

    def clone(self) -> Model:
        if self.deep:
            twin = super().clone()
        else:
            twin = StandInModel(deep=False)
            twin.model_options = _copied(self.model_options)
        twin.__class__ = Model
        return twin  # type: ignore[return-value]


def _copied(options: Any) -> Any:
    return {key: _copied(value) for key, value in options.items()} if isinstance(options, dict) else options


class ControlNet(StandInControlNet):
    """A ControlNet that gives a residual, which depends on the hint, the face tokens, the strength and the timestep."""

    def __init__(self) -> None:
        super().__init__()
        self.hint: Tensor | None = None

    def copy(self) -> ControlNet:
        twin = copy.copy(self)
        twin.hint = None
        return twin

    def get_control(self, x: Tensor, t: Tensor, cond: Mapping[str, Any], sampling: StandInModel) -> Tensor | None:
        """The residual [B, 4, 1, 1], added to that of the previous ControlNets, if any.

        Outside its timestep range only that of the previous ControlNets; None without any.
        """
        before = None
        if self.previous is not None:
            before = self.previous.get_control(x, t, cond, sampling)  # type: ignore[attr-defined]
        first, last = (sampling.percent_to_sigma(percent) for percent in self.span)
        if t[0] > first or t[0] < last:
            return before
        context = cond.get("crossattn_controlnet")
        if self.hint is None or self.hint.device != x.device or self.hint.dtype != x.dtype:
            # packs give the same picture different strides, and sums depend on the order in memory
            self.hint = self.cond_hint_original.to(x.device, x.dtype).contiguous()
        hint = self.hint
        tint = torch.nn.functional.adaptive_avg_pool2d(hint, HINT_CELLS).mean(dim=(1, 2, 3))[:1]
        residual = tint * self.strength
        if context is not None:
            residual = residual + self.strength * context.to(x.device, x.dtype).mean(dim=(1, 2))
        residual = residual.view(-1, 1, 1, 1).expand(x.shape[0], 4, 1, 1) * 0.1
        return residual if before is None else residual + before


@cache
def _unet(narrow: int, wide: int, context: int, device: str, dtype: torch.dtype) -> Unet:
    return Unet(narrow, wide, context).to(device, dtype)


def sample(
    model: StandInModel,
    positive: Conditioning,
    negative: Conditioning,
    *,
    widths: tuple[int, int],
    steps: int = 1,
    batch: int = 1,
    size: tuple[int, int] = (8, 4),
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    cfg: float = 3.0,
    thin: bool = False,
) -> Tensor:
    """Euler steps from seeded noise: a latent [batch, 4, h, w] on the CPU, as ComfyUI's samplers return it.

    thin: use 11 layers instead of 70.
    """
    device = get_torch_device()
    context = positive[0][0].shape[-1]
    unet = _unet(*widths, context, str(device), dtype)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, 4, *size, generator=generator).to(device, dtype)
    schedule = [14.0 * (1 - step / steps) for step in range(steps + 1)]
    sigmas = torch.tensor(schedule).to(device)
    with torch.inference_mode():
        for step in range(steps):
            sides = _predict(model, unet, x, schedule[step], sigmas, (positive, negative), thin)
            denoised = sides[1] + cfg * (sides[0] - sides[1])
            x = x + (denoised - x) * (1 - schedule[step + 1] / schedule[step]) * 0.5
    return x.float().cpu()


def _predict(
    model: StandInModel,
    unet: Unet,
    x: Tensor,
    sigma: float,
    sigmas: Tensor,
    sides: tuple[Conditioning, Conditioning],
    thin: bool,
) -> list[Tensor]:
    """The model's answer for positive and negative, each the mean of its entries, weighted by their masks."""
    total = [torch.zeros_like(x) for _ in sides]
    weight = [torch.zeros_like(x[:, :1]) for _ in sides]
    for group in _groups(sides):
        count = len(group)
        t = torch.full((count * x.shape[0],), sigma, device=x.device)
        options = dict(model.model_options["transformer_options"])
        options |= {"cond_or_uncond": [side for side, _ in group], "sigmas": t, "sample_sigmas": sigmas}
        options["original_shape"] = [x.shape[0] * count, *x.shape[1:]]
        cond = _cond(group, x)
        x_in = torch.cat([x] * count)
        control = group[0][1][1].get("control")
        residual = control.get_control(x_in, t, cond, model) if control is not None else None
        if cond.get("crossattn_controlnet") is not None:
            cond["crossattn_controlnet"].to(x.device, x.dtype)  # the model copies it but does not use it
        text = cond["text"].to(x.device, x.dtype)
        y = cond["y"].to(x.device)
        y = cond["y"].to(x.device, x.dtype).mean() * 0.0
        answers = unet(x_in, text, residual, options, thin).chunk(count)
        for (side, entry), answer in zip(group, answers, strict=True):
            share = _share(entry[1], x)
            total[side] += (answer + y) * share
            weight[side] += share
    return [sum_ / weight_.clamp_min(1e-3) for sum_, weight_ in zip(total, weight, strict=True)]


def _groups(sides: tuple[Conditioning, Conditioning]) -> Iterator[list[tuple[int, Sequence[Any]]]]:
    """Entries that go through the model in one batch: same control object, same shapes, tokens on the same device."""
    groups: dict[Any, list[tuple[int, Sequence[Any]]]] = {}
    for side in (1, 0):
        for entry in sides[side]:
            tokens = entry[1].get("cross_attn_controlnet")
            key = (
                id(entry[1].get("control")),
                entry[0].shape,
                None if tokens is None else (tokens.device, tokens.shape),
            )
            groups.setdefault(key, []).append((side, entry))
    yield from groups.values()


def _cond(group: list[tuple[int, Sequence[Any]]], x: Tensor) -> dict[str, Any]:
    def stacked(values: list[Tensor]) -> Tensor:
        return torch.cat([value[:1].expand(x.shape[0], *value.shape[1:]) for value in values])

    tokens = [entry[1].get("cross_attn_controlnet") for _, entry in group]
    return {
        "text": stacked([entry[0] for _, entry in group]),
        "y": torch.zeros(len(group) * x.shape[0], 16),
        "crossattn_controlnet": None if tokens[0] is None else stacked(tokens),
    }


def _share(options: Mapping[str, Any], x: Tensor) -> Tensor:
    """The weight of an entry at each position of the latent: [B, 1, h, w]."""
    mask = options.get("mask")
    if mask is None:
        return torch.ones_like(x[:, :1])
    small = torch.nn.functional.interpolate(mask.unsqueeze(1).to(x.device, x.dtype), x.shape[2:], mode="bilinear")
    return small[:1].expand(x.shape[0], 1, *x.shape[2:])
