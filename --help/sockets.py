# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""What ComfyUI shows of the sockets that several nodes have."""

from __future__ import annotations

from typing import Any, TypeAlias

from .embeds import COMBINE

Socket: TypeAlias = tuple[Any, dict[str, Any]]


def number(default: float, low: float, high: float, tooltip: str, step: float = 0.01) -> Socket:
    """A number to set, or to connect."""
    return "FLOAT", {"default": default, "min": low, "max": high, "step": step, "tooltip": tooltip}


INSTANTID = {"tooltip": "From Load InstantID Model."}
INSIGHTFACE = {"tooltip": "From InstantID Face Analysis."}
CONTROL_NET = {"tooltip": "The ControlNet that was published with InstantID."}
IMAGE = {"tooltip": "Reference pictures of the person; the largest face of each counts."}
IMAGE_KPS = {
    "tooltip": "Where the face is to be: its keypoints are drawn for the ControlNet. Without: the reference's."
}
MODEL = {"tooltip": "An SDXL model."}
POSITIVE = {"tooltip": "The prompt."}
NEGATIVE = {"tooltip": "The negative prompt."}
MASK = {"tooltip": "Where in the picture the face acts."}
START_AT = number(0.0, 0.0, 1.0, "From which part of the sampling on, 0 to 1.", 0.001)
END_AT = number(1.0, 0.0, 1.0, "Up to which part of the sampling, 0 to 1.", 0.001)
NOISE = number(0.0, 0.0, 1.0, "Noise in what stands for no face: more is less burnt.", 0.1)
COMBINE_EMBEDS: Socket = (
    COMBINE,
    {"default": "average", "tooltip": "Several reference pictures: one face of them, or attend to all (concat)."},
)
PATCH_MIDDLE: Socket = (
    "BOOLEAN",
    {"default": False, "tooltip": "Patch the ten layers of the middle block too: a stronger likeness."},
)
