# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Nodes that apply InstantID as a whole: to the model and to the conditioning."""

from __future__ import annotations

from typing import Any
from itertools import chain

import torch

from .attention_patch import patch_attention
from .control import SharedControl, keypoint_hint
from .embeds import COMBINE_EMBEDS, face_embeddings
from .frames import batch_of_masks
from .host import comfy, working_dtype
from .model import InstantID
from .protocols import Conditioning, ControlNet, FaceAnalysis, Model

START_AT = ("FLOAT", {"default": 0.0, "min": 0.0, "max": 1.0, "step": 0.001})
END_AT = ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.001})
PATCH_MIDDLE = (
    "BOOLEAN",
    {"default": False, "tooltip": "Patch the ten layers of the middle block too: a stronger likeness."},
)


class ApplyInstantIDAdvanced:
    """Adds a face to a model and to its conditioning, with all settings."""

    RETURN_TYPES = ("MODEL", "CONDITIONING", "CONDITIONING")
    RETURN_NAMES = ("MODEL", "positive", "negative")
    FUNCTION = "apply_instantid"
    CATEGORY = "InstantID"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The sockets."""
        return {
            "required": {
                "instantid": ("INSTANTID",),
                "insightface": ("FACEANALYSIS",),
                "control_net": ("CONTROL_NET",),
                "image": ("IMAGE",),
                "model": ("MODEL",),
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
                "ip_weight": ("FLOAT", {"default": 0.8, "min": 0.0, "max": 3.0, "step": 0.01}),
                "cn_strength": ("FLOAT", {"default": 0.8, "min": 0.0, "max": 10.0, "step": 0.01}),
                "start_at": START_AT,
                "end_at": END_AT,
                "noise": ("FLOAT", {"default": 0.0, "min": 0.0, "max": 1.0, "step": 0.1}),
                "combine_embeds": (COMBINE_EMBEDS, {"default": "average"}),
            },
            "optional": {"image_kps": ("IMAGE",), "mask": ("MASK",), "patch_middle": PATCH_MIDDLE},
        }

    def apply_instantid(
        self,
        instantid: InstantID,
        insightface: FaceAnalysis,
        control_net: ControlNet,
        image: torch.Tensor,
        model: Model,
        positive: Conditioning,
        negative: Conditioning,
        ip_weight: float,
        cn_strength: float,
        start_at: float,
        end_at: float,
        noise: float,
        combine_embeds: str,
        image_kps: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
        patch_middle: bool = False,
    ) -> tuple[Model, Conditioning, Conditioning]:
        """The patched model and both conditionings. Raises NoFaceError where no reference picture has a face."""
        self.dtype = working_dtype()
        self.device = comfy.model_management.get_torch_device()

        clip_embed, clip_embed_zeroed = face_embeddings(insightface, image, combine_embeds=combine_embeds, noise=noise)
        face_kps = keypoint_hint(insightface, image, image_kps)

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
            weight=ip_weight,
            start_at=start_at,
            end_at=end_at,
            mask=mask,
            patch_middle=patch_middle,
        )

        control = SharedControl(control_net, face_kps, cn_strength, start_at, end_at)
        conditionings = []
        for is_cond, conditioning in ((True, positive), (False, negative)):
            entries = []
            for embedding, options in conditioning:
                n = [embedding, options.copy()]
                c_net = control.after(options.get("control"))
                n[1]["control"] = c_net
                n[1]["control_apply_to_uncond"] = False
                n[1]["cross_attn_controlnet"] = (
                    image_prompt_embeds.to(
                        dtype=c_net.cond_hint_original.dtype
                    )
                    if is_cond
                    else uncond_image_prompt_embeds.to(
                        dtype=c_net.cond_hint_original.dtype
                    )
                )
                if mask is not None and is_cond:
                    n[1]["mask"] = mask
                    n[1]["set_area_to_bounds"] = False
                entries.append(n)
            conditionings.append(entries)
        return patched, conditionings[0], conditionings[1]


class ApplyInstantID(ApplyInstantIDAdvanced):
    """Adds a face to a model and to its conditioning, with one weight for both."""

    FUNCTION = "apply_instantid_plain"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The sockets."""
        return {
            "required": {
                "instantid": ("INSTANTID",),
                "insightface": ("FACEANALYSIS",),
                "control_net": ("CONTROL_NET",),
                "image": ("IMAGE",),
                "model": ("MODEL",),
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
                "weight": ("FLOAT", {"default": 0.8, "min": 0.0, "max": 5.0, "step": 0.01}),
                "start_at": START_AT,
                "end_at": END_AT,
            },
            "optional": {"image_kps": ("IMAGE",), "mask": ("MASK",), "patch_middle": PATCH_MIDDLE},
        }

    def apply_instantid_plain(
        self,
        instantid: InstantID,
        insightface: FaceAnalysis,
        control_net: ControlNet,
        image: torch.Tensor,
        model: Model,
        positive: Conditioning,
        negative: Conditioning,
        weight: float,
        start_at: float,
        end_at: float,
        image_kps: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
        patch_middle: bool = False,
    ) -> tuple[Model, Conditioning, Conditioning]:
        """The patched model and both conditionings. Raises NoFaceError where no reference picture has a face."""
        return self.apply_instantid(
            instantid,
            insightface,
            control_net,
            image,
            model,
            positive,
            negative,
            ip_weight=weight,
            cn_strength=weight,
            start_at=start_at,
            end_at=end_at,
            noise=0.35,
            combine_embeds="average",
            image_kps=image_kps,
            mask=mask,
            patch_middle=patch_middle,
        )
