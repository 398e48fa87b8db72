# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Nodes that apply InstantID in two steps: the attention patch, then the ControlNet."""

from __future__ import annotations

from typing import Any
from itertools import chain

import torch

from .attention_patch import patch_attention
from .control import SharedControl
from .embeds import face_embeddings
from .frames import batch_of_masks
from .host import comfy, fast_dtype
from .model import InstantID
from .nodes_apply import END_AT, START_AT
from .protocols import Conditioning, ControlNet, FaceAnalysis, FaceEmbeds, Model


class InstantIDAttentionPatch:
    """Adds a face to a model; its output `face_embeds` is for the ControlNet."""

    RETURN_TYPES = ("MODEL", "FACE_EMBEDS")
    FUNCTION = "patch_attention"
    CATEGORY = "InstantID"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The sockets."""
        return {
            "required": {
                "instantid": ("INSTANTID",),
                "insightface": ("FACEANALYSIS",),
                "image": ("IMAGE",),
                "model": ("MODEL",),
                "weight": ("FLOAT", {"default": 1.0, "min": -1.0, "max": 3.0, "step": 0.01}),
                "start_at": START_AT,
                "end_at": END_AT,
                "noise": ("FLOAT", {"default": 0.0, "min": 0.0, "max": 1.0, "step": 0.1}),
            },
            "optional": {"mask": ("MASK",)},
        }

    def patch_attention(
        self,
        instantid: InstantID,
        insightface: FaceAnalysis,
        image: torch.Tensor,
        model: Model,
        weight: float,
        start_at: float,
        end_at: float,
        noise: float,
        mask: torch.Tensor | None = None,
    ) -> tuple[Model, FaceEmbeds]:
        """The patched model and the face tokens. Raises NoFaceError where no reference picture has a face."""
        self.dtype = fast_dtype()
        self.device = comfy.model_management.get_torch_device()

        clip_embed, clip_embed_zeroed = face_embeddings(insightface, image, noise=noise)

        self.instantid = instantid
        if any(
            t.device != self.device
            or (t.dtype != self.dtype and (t.is_floating_point() or t.is_complex()))
            for t in chain(self.instantid.parameters(), self.instantid.buffers())
        ):
            self.instantid.to(self.device, dtype=self.dtype)

        if clip_embed.device != self.device or clip_embed.dtype != self.dtype:
            clip_embed = clip_embed.to(self.device, dtype=self.dtype)
        if clip_embed_zeroed.device != self.device or clip_embed_zeroed.dtype != self.dtype:
            clip_embed_zeroed = clip_embed_zeroed.to(self.device, dtype=self.dtype)
        image_prompt_embeds, uncond_image_prompt_embeds = self.instantid.get_image_embeds(
            clip_embed, clip_embed_zeroed
        )

        if mask is not None:
            if mask.device != self.device:
                mask = mask.to(self.device)
            mask = batch_of_masks(mask)

        patched = patch_attention(
            model,
            self.instantid,
            image_prompt_embeds,
            uncond_image_prompt_embeds,
            weight=weight,
            start_at=start_at,
            end_at=end_at,
            mask=mask,
            patch_middle=True,
        )
        return patched, {"cond": image_prompt_embeds, "uncond": uncond_image_prompt_embeds}


class ApplyInstantIDControlNet:
    """Adds the ControlNet, with the face tokens as its context, to a conditioning."""

    RETURN_TYPES = ("CONDITIONING", "CONDITIONING")
    RETURN_NAMES = ("positive", "negative")
    FUNCTION = "apply_controlnet"
    CATEGORY = "InstantID"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The sockets."""
        return {
            "required": {
                "face_embeds": ("FACE_EMBEDS",),
                "control_net": ("CONTROL_NET",),
                "image_kps": ("IMAGE",),
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
                "strength": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 10.0, "step": 0.01}),
                "start_at": START_AT,
                "end_at": END_AT,
            },
            "optional": {"mask": ("MASK",)},
        }

    def apply_controlnet(
        self,
        face_embeds: FaceEmbeds,
        control_net: ControlNet,
        image_kps: torch.Tensor,
        positive: Conditioning,
        negative: Conditioning,
        strength: float,
        start_at: float,
        end_at: float,
        mask: torch.Tensor | None = None,
    ) -> tuple[Conditioning, Conditioning]:
        """Both conditionings; `image_kps` is the hint as it is (draw it with Face Keypoints Preprocessor)."""
        self.device = comfy.model_management.get_torch_device()

        if mask is not None:
            if mask.device != self.device:
                mask = mask.to(self.device)
            mask = batch_of_masks(mask)

        control = SharedControl(control_net, image_kps, strength, start_at, end_at)
        conditionings = []
        for is_cond, conditioning in ((True, positive), (False, negative)):
            entries = []
            for embedding, options in conditioning:
                n = [embedding, options.copy()]
                n[1]["control"] = control.after(options.get("control"))
                n[1]["control_apply_to_uncond"] = False
                n[1]["cross_attn_controlnet"] = (
                    face_embeds["cond"]
                    if is_cond
                    else face_embeds["uncond"]
                )
                if mask is not None and is_cond:
                    n[1]["mask"] = mask
                    n[1]["set_area_to_bounds"] = False
                entries.append(n)
            conditionings.append(entries)
        return conditionings[0], conditionings[1]
