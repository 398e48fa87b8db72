# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Nodes that load the model and insightface, and draw keypoints."""

from __future__ import annotations

import logging
from typing import Any

import torch

from .checkpoint import CheckpointError, check_weights, load_weights, read_sizes
from .faces import load_face_analysis
from .host import folder_paths
from .keypoints import keypoint_pictures
from .model import InstantID
from .protocols import FaceAnalysis
from .sockets import INSIGHTFACE

logger = logging.getLogger(__name__)

FILE = {"tooltip": "ip-adapter.bin, or its safetensors form."}
PROVIDER = {"tooltip": "Where onnxruntime finds the faces: what the installed build offers. The CPU always works."}


class InstantIDModelLoader:
    """Loads an InstantID checkpoint from models/instantid."""

    RETURN_TYPES = ("INSTANTID",)
    OUTPUT_TOOLTIPS = ("For the Apply nodes and for InstantID Patch Attention.",)
    FUNCTION = "load_model"
    CATEGORY = "InstantID"
    DESCRIPTION = "Loads InstantID's ip-adapter for SDXL from models/instantid."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The sockets."""
        return {"required": {"instantid_file": (folder_paths.get_filename_list("instantid"), FILE)}}

    def load_model(self, instantid_file: str) -> tuple[InstantID]:
        """Raises CheckpointError where the file is absent, damaged or another model."""
        path = folder_paths.get_full_path("instantid", instantid_file)
        if path is None:
            raise CheckpointError(instantid_file, "no such file in models/instantid")
        weights = load_weights(path)
        with torch.device("meta"):  # shapes only: the values are the checkpoint's own tensors
            instantid = InstantID(read_sizes(weights, path))
        check_weights(instantid, weights, path)
        instantid.load_state_dict(weights, assign=True)
        return (instantid,)


class InstantIDFaceAnalysis:
    """Loads insightface with the antelopev2 models from models/insightface."""

    RETURN_TYPES = ("FACEANALYSIS",)
    OUTPUT_TOOLTIPS = ("For the Apply nodes, Patch Attention and Face Keypoints Preprocessor.",)
    FUNCTION = "load_insight_face"
    CATEGORY = "InstantID"
    DESCRIPTION = "Loads insightface with the antelopev2 models from models/insightface/models/antelopev2."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The sockets."""
        return {"required": {"provider": (["CPU", "CUDA", "ROCM", "CoreML"], PROVIDER)}}

    def load_insight_face(self, provider: str) -> tuple[FaceAnalysis]:
        """Raises ImportError without insightface, FileNotFoundError without its models."""
        return (load_face_analysis(provider),)


class FaceKeypointsPreprocessor:
    """Draws the keypoints of the largest face in every picture."""

    RETURN_TYPES = ("IMAGE",)
    OUTPUT_TOOLTIPS = ("As many pictures as have a face, for InstantID's ControlNet.",)
    FUNCTION = "preprocess_image"
    CATEGORY = "InstantID"
    DESCRIPTION = "Draws eyes, nose and mouth corners of the largest face in every picture: the ControlNet's picture."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The sockets."""
        image = ("IMAGE", {"tooltip": "Pictures with a face."})
        return {"required": {"faceanalysis": ("FACEANALYSIS", INSIGHTFACE), "image": image}}

    def preprocess_image(self, faceanalysis: FaceAnalysis, image: torch.Tensor) -> tuple[torch.Tensor]:
        """An IMAGE of as many pictures as have a face; black pictures, and a warning, where none has."""
        pictures = keypoint_pictures(faceanalysis, image)
        if pictures is None:
            logger.warning("InstantID: no face for the keypoints: the picture is black")
            pictures = torch.zeros_like(image)
        return (pictures,)
