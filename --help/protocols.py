# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""What the pack uses of the objects that ComfyUI and insightface hand to its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt
import torch

Conditioning: TypeAlias = list[list[Any]]
"""Pairs of [tensor, options]."""

Floats: TypeAlias = npt.NDArray[np.float32]
Picture: TypeAlias = npt.NDArray[np.uint8]


class FaceEmbeds(TypedDict):
    """The socket type FACE_EMBEDS: face tokens [N, 16, 2048] for the positive and the negative conditioning."""

    cond: torch.Tensor
    uncond: torch.Tensor


class Model(Protocol):
    """The socket type MODEL."""

    model_options: dict[str, Any]

    def clone(self) -> Model: ...

    def get_model_object(self, name: str) -> Any: ...


class ControlNet(Protocol):
    """The socket type CONTROL_NET."""

    cond_hint_original: torch.Tensor

    def copy(self) -> ControlNet: ...

    def set_cond_hint(
        self, cond_hint: torch.Tensor, strength: float, timestep_percent_range: tuple[float, float]
    ) -> ControlNet: ...

    def set_previous_controlnet(self, controlnet: ControlNet | None) -> ControlNet: ...


class Face(Protocol):
    """One face: its box (l, t, r, b) and five keypoints (x, y) in pixels, its embedding of 512 numbers."""

    bbox: Floats
    kps: Floats
    embedding: Floats


class FaceAnalysis(Protocol):
    """The socket type FACEANALYSIS: insightface's FaceAnalysis."""

    det_model: Any
    models: dict[str, Any]

    def get(self, img: Picture) -> Sequence[Face]: ...
