# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""The attn2 patch object that ComfyUI calls in every cross-attention layer, and putting it into a model."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch

from .face_attention import attend_to_face
from .host import optimized_attention
from .model import SDXL_LAYERS, InstantID
from .protocols import Model

_last_sigmas = object(), None


def _read_sigmas(sigmas):
    """Read once a step: every layer is given the same object."""
    global _last_sigmas
    last = _last_sigmas
    if last[0] is not sigmas:
        last = _last_sigmas = sigmas, sigmas.detach()[0].item()
    return last[1]


Callback = Callable[..., "torch.Tensor | float"]


class Patch(Protocol):
    """What ComfyUI calls in place of a cross-attention layer's attention."""

    def __call__(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, extra_options: Mapping[str, Any]
    ) -> torch.Tensor: ...


class AttentionPatch:
    """Attention to the prompt, and what every entry adds to it in its range of sigmas.

    Packs that patch the same layers add entries of their own: a callback
    `(out, q, k, v, extra_options, **options) -> tensor like q`, whose options say `sigma_start` and `sigma_end`.

    base: another pack's patch that was here first and takes no entries; it then does the prompt's attention.
    """

    def __init__(self, base: Patch | None = None) -> None:
        self.base = base
        self.entries: list[tuple[Callback, dict[str, Any]]] = []

    def __call__(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, extra_options: Mapping[str, Any]
    ) -> torch.Tensor:
        """q [B, tokens, heads*dim_head], k and v [B, prompt tokens, heads*dim_head] -> a tensor like q."""
        sigma = _read_sigmas(extra_options["sigmas"]) if "sigmas" in extra_options else 999999999.9
        if self.base is None:
            out: torch.Tensor = optimized_attention(q, k, v, extra_options["n_heads"])
        else:
            out = self.base(q, k, v, extra_options)
        for callback, options in self.entries:
            if options["sigma_end"] <= sigma <= options["sigma_start"]:
                out = out + callback(out, q, k, v, extra_options, **options)
        return out.to(dtype=q.dtype)

    def add(self, callback: Callback, **options: Any) -> None:
        """Add an entry."""
        self.entries.append((callback, options))

    def to(self, target: torch.device | torch.dtype) -> AttentionPatch:
        """Called when the model is loaded, offloaded or dropped. The face's keys and values follow the queries."""
        if self.base is not None and hasattr(self.base, "to"):
            self.base = self.base.to(target)
        return self

    def models(self) -> list[Any]:
        """The ModelPatchers that sampling with the model needs: those of the base, for the face needs none."""
        return list(self.base.models()) if hasattr(self.base, "models") else []

    def cleanup(self) -> None:
        """Called after sampling."""
        if hasattr(self.base, "cleanup"):
            self.base.cleanup()

    def __copy__(self) -> AttentionPatch:
        twin = AttentionPatch(self.base)
        twin.entries = list(self.entries)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> AttentionPatch:
        """A copy that shares the tensors: ComfyUI before 2026 deep-copies patches whenever a model is cloned."""
        return copy.copy(self)


def patch_attention(
    model: Model,
    instantid: InstantID,
    cond: torch.Tensor,
    uncond: torch.Tensor,
    *,
    weight: float,
    start_at: float,
    end_at: float,
    mask: torch.Tensor | None,
    patch_middle: bool,
) -> Model:
    """A clone of an SDXL model whose cross-attention layers also attend to the face; the model itself at weight 0.

    cond, uncond: face tokens [N, 16, 2048] on the compute device, in the dtype of InstantID's weights.
    start_at, end_at: the part of the sampling, 0..1. mask: [N, H, W] on the compute device.
    patch_middle: the ten layers of the middle block too.
    """
    if weight == 0:
        return model
    sampling = model.get_model_object("model_sampling")
    sigma_start = sampling.percent_to_sigma(start_at)
    sigma_end = sampling.percent_to_sigma(end_at)

    patched = model.clone()
    patches = _own_patches(patched)
    for number, key in enumerate(SDXL_LAYERS):
        if key[0] == "middle" and not patch_middle:
            continue
        patch = _extendable(patches.get(key))
        patch.add(
            attend_to_face,
            face=instantid.layer_face(number, cond, uncond),
            cond=cond,
            uncond=uncond,
            weight=weight,
            mask=mask,
            sigma_start=sigma_start,
            sigma_end=sigma_end,
        )
        patches[key] = patch
    return patched


def _own_patches(model: Model) -> dict[tuple[str, int, int], Any]:
    """The model's attn2 patches, in dictionaries of its own down from model_options: clones share theirs."""
    model.model_options = {**model.model_options}
    level: dict[Any, Any] = model.model_options
    for name in ("transformer_options", "patches_replace", "attn2"):
        level[name] = {**level.get(name, {})}
        level = level[name]
    return level


def _extendable(occupant: Any) -> Any:
    """A patch to which an entry can be added without changing what is in the layer: other models may hold it."""
    if occupant is None:
        return AttentionPatch()
    if not hasattr(occupant, "add"):
        return AttentionPatch(base=occupant)
    twin = copy.copy(occupant)
    for name, value in list(vars(twin).items()):
        if isinstance(value, (list, dict)):
            setattr(twin, name, copy.copy(value))
    return twin
