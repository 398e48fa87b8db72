# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Nodes that apply InstantID in two steps: the attention patch, then the ControlNet."""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch

from .attention_patch import patch_attention
from .checks import batch_of_masks, check_control_net, check_model, check_span
from .control import SharedControl
from .embeds import face_embeddings
from .host import comfy, fast_dtype, room_for
from .model import InstantID
from .protocols import Conditioning, ControlNet, FaceAnalysis, FaceEmbeds, Model
from .sockets import (
    CONTROL_NET,
    END_AT,
    IMAGE,
    INSIGHTFACE,
    INSTANTID,
    MASK,
    MODEL,
    NEGATIVE,
    NOISE,
    POSITIVE,
    START_AT,
    number,
)


class InstantIDAttentionPatch:
    """Adds a face to a model; its output `face_embeds` is for the ControlNet."""

    RETURN_TYPES = ("MODEL", "FACE_EMBEDS")
    OUTPUT_TOOLTIPS = ("The model that attends to the face.", "For InstantID Apply ControlNet.")
    FUNCTION = "patch_attention"
    CATEGORY = "InstantID"
    DESCRIPTION = "Has a model attend to a face, in all 70 layers. InstantID Apply ControlNet does the other half."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The sockets."""
        return {
            "required": {
                "instantid": ("INSTANTID", INSTANTID),
                "insightface": ("FACEANALYSIS", INSIGHTFACE),
                "image": ("IMAGE", IMAGE),
                "model": ("MODEL", MODEL),
                "weight": number(1.0, -1.0, 3.0, "How strong the face is in the attention; 0: not at all."),
                "start_at": START_AT,
                "end_at": END_AT,
                "noise": NOISE,
            },
            "optional": {"mask": ("MASK", MASK)},
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
        noise: float = 0.0,
        mask: torch.Tensor | None = None,
    ) -> tuple[Model, FaceEmbeds]:
        """The patched model and the face tokens. Raises NoFaceError where no reference picture has a face."""
        self.dtype = fast_dtype()
        self.device = comfy.model_management.get_torch_device()
        check_model(model, instantid.tokens_width)
        check_span(start_at, end_at)

        clip_embed, clip_embed_zeroed = face_embeddings(insightface, image, noise=noise)

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
    OUTPUT_TOOLTIPS = ("For the sampler, with the ControlNet in it.",) * 2
    FUNCTION = "apply_controlnet"
    CATEGORY = "InstantID"
    DESCRIPTION = "Adds InstantID's ControlNet, which reads the face from face_embeds, to a conditioning."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The sockets."""
        return {
            "required": {
                "face_embeds": ("FACE_EMBEDS", {"tooltip": "From InstantID Patch Attention."}),
                "control_net": ("CONTROL_NET", CONTROL_NET),
                "image_kps": (
                    "IMAGE",
                    {"tooltip": "The ControlNet's picture as it is: from Face Keypoints Preprocessor."},
                ),
                "positive": ("CONDITIONING", POSITIVE),
                "negative": ("CONDITIONING", NEGATIVE),
                "strength": number(1.0, 0.0, 10.0, "How strong the ControlNet is; 0: nothing is changed."),
                "start_at": START_AT,
                "end_at": END_AT,
            },
            "optional": {"mask": ("MASK", MASK)},
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
        if strength == 0:
            return positive, negative
        self.device = comfy.model_management.get_torch_device()
        check_control_net(control_net, face_embeds["cond"].shape[-1])
        check_span(start_at, end_at)

        if mask is not None:
            mask = batch_of_masks(mask)
            if mask.device != self.device:
                mask = mask.to(self.device)

        control = SharedControl(control_net, image_kps, strength, start_at, end_at)
        conditionings = []
        for is_cond, conditioning in ((True, positive), (False, negative)):
            entries = []
            for embedding, options in conditioning:
                n = [embedding, options.copy()]
                n[1]["control"] = control.after(options.get("control"))
                n[1]["control_apply_to_uncond"] = False
                n[1]["cross_attn_controlnet"] = face_embeds["cond"] if is_cond else face_embeds["uncond"]
                if mask is not None and is_cond:
                    n[1]["mask"] = mask
                    n[1]["set_area_to_bounds"] = False
                entries.append(n)
            conditionings.append(entries)
        return conditionings[0], conditionings[1]
