# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Finding faces with insightface: its FaceAnalysis, the embedding of a face, and what onnxruntime really runs on."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

import numpy as np
import torch

from .extras import needed
from .host import insightface_root
from .protocols import Face, FaceAnalysis, Picture

logger = logging.getLogger(__name__)

MODEL_PACK = "antelopev2"
MODEL_FILES = {"detection": "scrfd_10g_bnkps.onnx", "recognition": "glintr100.onnx"}
DETECTION_SIZES = tuple(range(640, 128, -64))
CPU_BUILD, GPU_BUILD = "onnxruntime", "onnxruntime-gpu"


class NoFaceError(ValueError):
    """There is no face in any of the pictures."""


def load_face_analysis(provider: str) -> FaceAnalysis:
    """insightface's FaceAnalysis on an onnxruntime provider ("CPU", "CUDA", "ROCM", "CoreML").

    insightface downloads the models where their folder is absent. Raises ImportError without insightface,
    FileNotFoundError where a model is missing. Warns where onnxruntime does not run on the provider.
    """
    insightface = needed("insightface.app")
    needed("onnxruntime")
    root = insightface_root()
    folder = os.path.join(root, "models", MODEL_PACK)
    if not os.path.isdir(folder):
        needed("insightface.utils").ensure_available("models", MODEL_PACK, root=root)
    pack = _pack_of_models(os.path.join(root, "models"))
    if pack is None:
        raise FileNotFoundError(
            f"no .onnx files in {folder}: put the five of {MODEL_PACK} there, or remove the folder to have insightface "
            "download them"
        )
    name = f"{provider}ExecutionProvider"
    try:
        analysis: Any = insightface.FaceAnalysis(name=pack, root=root, providers=[name])
    except AssertionError:  # insightface's whole word on a folder without a detector
        raise _missing("detection", folder) from None
    if "recognition" not in analysis.models:
        raise _missing("recognition", folder)
    analysis.prepare(ctx_id=0, det_size=(DETECTION_SIZES[0], DETECTION_SIZES[0]))
    trouble = provider_trouble(analysis, name)
    if trouble is not None:
        logger.warning("InstantID: %s", trouble)
    loaded: FaceAnalysis = analysis
    return loaded


def _pack_of_models(models: str) -> str | None:
    """The name by which insightface finds the models: antelopev2's archive unpacks to a folder inside its folder."""
    for name in (MODEL_PACK, os.path.join(MODEL_PACK, MODEL_PACK)):
        folder = os.path.join(models, name)
        if os.path.isdir(folder) and any(file.endswith(".onnx") for file in os.listdir(folder)):
            return name
    return None


def _missing(task: str, folder: str) -> FileNotFoundError:
    return FileNotFoundError(
        f"no model for {task} in {folder}: {MODEL_FILES[task]} of {MODEL_PACK} belongs there. Put it there, or remove "
        "the folder to have insightface download all five"
    )


def provider_trouble(analysis: FaceAnalysis, provider: str) -> str | None:
    """Why models do not run on the provider asked for, and the mend; None if all do. onnxruntime itself is silent."""
    elsewhere = sorted(task for task, model in analysis.models.items() if provider not in model.session.get_providers())
    if not elsewhere:
        return None
    return f"insightface runs on the CPU instead of {provider} ({', '.join(elsewhere)}): {_mend(provider)}"


def _mend(provider: str) -> str:
    if provider == "CUDAExecutionProvider":
        if _installed(CPU_BUILD) and _installed(GPU_BUILD):
            return (
                f"{CPU_BUILD} and {GPU_BUILD} are both installed and the CPU build wins. Mend: pip uninstall -y "
                f"{CPU_BUILD} {GPU_BUILD} && pip install {GPU_BUILD}"
            )
        if not _installed(GPU_BUILD):
            return f"{GPU_BUILD} is not installed. Mend: pip uninstall -y {CPU_BUILD} && pip install {GPU_BUILD}"
        return (
            f"{GPU_BUILD} does not find the CUDA and cuDNN libraries that it was built for. "
            f'Mend: pip install "{GPU_BUILD}[cuda,cudnn]"'
        )
    offered = ", ".join(needed("onnxruntime").get_available_providers())
    return f"the installed onnxruntime offers {offered}. Mend: install a build of onnxruntime with {provider}"


def _installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def bgr_pictures(image: torch.Tensor) -> list[Picture]:
    """An IMAGE [B, H, W, C] of 0..1 -> uint8 pictures [H, W, 3] with blue first, as insightface wants them."""
    pixels = image.mul(255).clamp(0, 255).byte().cpu().numpy()
    return list(np.ascontiguousarray(pixels[..., [2, 1, 0]]))


def largest_face(analysis: FaceAnalysis, picture: Picture) -> Face | None:
    """The face with the largest box in a BGR picture.

    A face that fills the picture is found at a lower detection size only: sizes fall until there is one.
    """
    for size in DETECTION_SIZES:
        with _detection_size(analysis, size), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # what insightface uses of other packages: no user can act
            faces = analysis.get(picture)
        if faces:
            if size != DETECTION_SIZES[0]:
                logger.warning("InstantID: detection size lowered to %d x %d to find a face", size, size)
            return max(faces, key=_box_area)
    return None


def _box_area(face: Face) -> float:
    left, top, right, bottom = face.bbox
    return float((right - left) * (bottom - top))


@contextmanager
def _detection_size(analysis: FaceAnalysis, size: int) -> Iterator[None]:
    """Have the detector work at a size; insightface 0.7 reads `input_size`, insightface 1 and 2 `input_sizes`."""
    detector = analysis.det_model
    before = {name: getattr(detector, name) for name in ("input_size", "input_sizes") if hasattr(detector, name)}
    detector.input_size = (size, size)
    if "input_sizes" in before:
        detector.input_sizes = [(size, size)]
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(detector, name, value)


def extract_features(analysis: FaceAnalysis, image: torch.Tensor) -> torch.Tensor:
    """The embedding of the largest face of every picture that has one: float32 [N, 1, 512] on the CPU.

    Raises NoFaceError where no picture has a face.
    """
    faces = [largest_face(analysis, picture) for picture in bgr_pictures(image)]
    embeddings = [torch.from_numpy(face.embedding).unsqueeze(0) for face in faces if face is not None]
    if not embeddings:
        raise NoFaceError("Reference image: no face found. Use a picture in which the face can be seen as a whole.")
    return torch.stack(embeddings)
