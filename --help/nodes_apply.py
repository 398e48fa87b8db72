# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Nodes that apply InstantID as a whole: to the model and to the conditioning."""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch

from .attention_patch import patch_attention
from .checks import batch_of_masks, check_control_net, check_model, check_span
from .control import SharedControl, keypoint_hint
from .embeds import face_embeddings
from .host import comfy, room_for, working_dtype
from .model import InstantID
from .protocols import Conditioning, ControlNet, FaceAnalysis, Model
from .sockets import (
    COMBINE_EMBEDS,
    CONTROL_NET,
    END_AT,
    IMAGE,
    IMAGE_KPS,
    INSIGHTFACE,
    INSTANTID,
    MASK,
    MODEL,
    NEGATIVE,
    NOISE,
    PATCH_MIDDLE,
    POSITIVE,
    START_AT,
    number,
)


class ApplyInstantID:
    """Adds a face to a model and to its conditioning, with one weight for both."""

    RETURN_TYPES = ("MODEL", "CONDITIONING", "CONDITIONING")
    RETURN_NAMES = ("MODEL", "positive", "negative")
    OUTPUT_TOOLTIPS = ("The model that attends to the face.", *("For the sampler, with the ControlNet in it.",) * 2)
    FUNCTION = "apply_instantid"
    CATEGORY = "InstantID"
    DESCRIPTION = "Draws the person of the reference picture: adds the face to the model and to the conditioning."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The sockets."""
        return {
            "required": {
                "instantid": ("INSTANTID", INSTANTID),
                "insightface": ("FACEANALYSIS", INSIGHTFACE),
                "control_net": ("CONTROL_NET", CONTROL_NET),
                "image": ("IMAGE", IMAGE),
                "model": ("MODEL", MODEL),
                "positive": ("CONDITIONING", POSITIVE),
                "negative": ("CONDITIONING", NEGATIVE),
                "weight": number(0.8, 0.0, 5.0, "How strong the face is, in the attention and in the ControlNet."),
                "start_at": START_AT,
                "end_at": END_AT,
            },
            "optional": {"image_kps": ("IMAGE", IMAGE_KPS), "mask": ("MASK", MASK), "patch_middle": PATCH_MIDDLE},
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
        start_at: float,
        end_at: float,
        weight: float = 0.8,
        ip_weight: float | None = None,
        cn_strength: float | None = None,
        noise: float = 0.35,
        image_kps: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
        combine_embeds: str = "average",
        patch_middle: bool = False,
    ) -> tuple[Model, Conditioning, Conditioning]:
        """The patched model and both conditionings; `ip_weight` and `cn_strength` take the place of `weight`.

        At strength 0 there is no ControlNet. Raises NoFaceError where no reference picture has a face.
        """
        ip_weight = weight if ip_weight is None else ip_weight
        cn_strength = weight if cn_strength is None else cn_strength
        self.dtype = working_dtype()
        self.device = comfy.model_management.get_torch_device()
        check_model(model, instantid.tokens_width)
        if cn_strength != 0:
            check_control_net(control_net, instantid.tokens_width)
        check_span(start_at, end_at)

        clip_embed, clip_embed_zeroed = face_embeddings(insightface, image, combine_embeds=combine_embeds, noise=noise)
        face_kps = keypoint_hint(insightface, image, image_kps)

        if mask is not None:
            mask = batch_of_masks(mask)
            if mask.device != self.device:
                mask = mask.to(self.device)

        self.instantid = instantid
        with room_for(self.instantid, self.dtype):
            if any(
                t.device != self.device or (t.dtype != self.dtype and (t.is_floating_point() or t.is_complex()))
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
                if c_net is not None:
                    n[1]["control"] = c_net
                    n[1]["control_apply_to_uncond"] = False
                    n[1]["cross_attn_controlnet"] = (
                        image_prompt_embeds.to(dtype=face_kps.dtype)
                        if is_cond
                        else uncond_image_prompt_embeds.to(dtype=face_kps.dtype)
                    )
                if mask is not None and is_cond:
                    n[1]["mask"] = mask
                    n[1]["set_area_to_bounds"] = False
                entries.append(n)
            conditionings.append(entries)
        return patched, conditionings[0], conditionings[1]


class ApplyInstantIDAdvanced(ApplyInstantID):
    """Adds a face to a model and to its conditioning, with all settings."""

    DESCRIPTION = (
        "Draws the person of the reference picture, with a weight of its own for the attention (likeness) and for the "
        "ControlNet (pose)."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The sockets."""
        return {
            "required": {
                "instantid": ("INSTANTID", INSTANTID),
                "insightface": ("FACEANALYSIS", INSIGHTFACE),
                "control_net": ("CONTROL_NET", CONTROL_NET),
                "image": ("IMAGE", IMAGE),
                "model": ("MODEL", MODEL),
                "positive": ("CONDITIONING", POSITIVE),
                "negative": ("CONDITIONING", NEGATIVE),
                "ip_weight": number(0.8, 0.0, 3.0, "How strong the face is in the attention."),
                "cn_strength": number(0.8, 0.0, 10.0, "How strong the ControlNet is; 0: without it."),
                "start_at": START_AT,
                "end_at": END_AT,
                "noise": NOISE,
                "combine_embeds": COMBINE_EMBEDS,
            },
            "optional": {"image_kps": ("IMAGE", IMAGE_KPS), "mask": ("MASK", MASK), "patch_middle": PATCH_MIDDLE},
        }
