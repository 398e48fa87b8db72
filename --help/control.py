# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""The ControlNet's part in the conditioning."""

from __future__ import annotations

import logging

import torch

from .keypoints import keypoint_pictures
from .protocols import ControlNet, FaceAnalysis

logger = logging.getLogger(__name__)


class SharedControl:
    """One prepared ControlNet for every ControlNet that was there before.

    Positive and negative must get the same object: ComfyUI runs them in one batch only then.

    hint: an IMAGE [B, H, W, 3]. strength: at 0 there is no ControlNet to run. start_at, end_at: the part of the
        sampling, 0..1.
    """

    def __init__(
        self, control_net: ControlNet, hint: torch.Tensor, strength: float, start_at: float, end_at: float
    ) -> None:
        self._control_net = control_net
        self._hint = hint.movedim(-1, 1)
        self._strength = strength
        self._span = (start_at, end_at)
        self._prepared: dict[ControlNet | None, ControlNet] = {}

    def after(self, previous: ControlNet | None) -> ControlNet | None:
        """The ControlNet that also runs `previous`; at strength 0 that alone."""
        if self._strength == 0:
            return previous
        if previous not in self._prepared:
            c_net = self._control_net.copy().set_cond_hint(self._hint, self._strength, self._span)
            c_net.set_previous_controlnet(previous)
            self._prepared[previous] = c_net
        return self._prepared[previous]


def keypoint_hint(insightface: FaceAnalysis, image: torch.Tensor, image_kps: torch.Tensor | None) -> torch.Tensor:
    """The picture for the ControlNet: the keypoints of `image_kps`, or of the first reference picture.

    Without a face in it: `image_kps` as it is, or black; says so.
    """
    source = image[:1] if image_kps is None else image_kps
    pictures = keypoint_pictures(insightface, source)
    if pictures is not None:
        return pictures
    if image_kps is None:
        logger.warning("InstantID: no face in the reference image for the keypoints: the ControlNet gets a black one")
        return torch.zeros_like(source)
    logger.warning("InstantID: no face in image_kps: the ControlNet gets it as it is")
    return image_kps
