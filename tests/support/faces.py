"""Finding faces in scenarios and benchmarks: insightface where it is installed, else a stand-in that needs numpy alone.

A machine that is lent with a GPU often has torch and nothing to install from. What is measured there moves tensors;
where the faces come from does not matter, as long as both sides are given the same.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
HAVE_INSIGHTFACE = all(find_spec(name) is not None for name in ("insightface", "onnx", "onnxruntime"))
POINTS = ((0.34, 0.46), (0.66, 0.46), (0.5, 0.64), (0.37, 0.83), (0.63, 0.83))


def face_analysis(models: Path) -> Any:
    """insightface's FaceAnalysis over the models in `models`, without those whose answers nobody reads."""
    if not HAVE_INSIGHTFACE:
        return StandInAnalysis()
    from insightface.app import FaceAnalysis

    found = FaceAnalysis(
        name="antelopev2",
        root=str(models / "insightface"),
        allowed_modules=["detection", "recognition"],
        providers=["CPUExecutionProvider"],
    )
    found.prepare(ctx_id=0, det_size=(640, 640))
    return found


class StandInAnalysis:
    """Finds red patches; those that fill the picture at a small detection size only, as insightface does."""

    def __init__(self) -> None:
        self.det_model = SimpleNamespace(input_size=(640, 640))
        self.models: dict[str, Any] = {"detection": None, "recognition": None}

    def get(self, picture: Array) -> list[SimpleNamespace]:
        """The faces in a picture with blue first."""
        red = (picture[..., 2] > 250) & (picture[..., :2].max(-1) < 5)
        return [face for columns in _runs(red.any(0)) for face in self._faces(red, columns, picture)]

    def _faces(self, red: Array, columns: slice, picture: Array) -> list[SimpleNamespace]:
        faces = []
        for rows in _runs(red[:, columns].any(1)):
            box = np.array([columns.start, rows.start, columns.stop, rows.stop], dtype=np.float32)
            size = box[2:] - box[:2]
            if size.max() * 2 > max(picture.shape) and self.det_model.input_size[0] > 192:
                continue
            generator = np.random.default_rng(box.astype(int).tolist())
            points = (box[:2] + np.array(POINTS) * size).astype(np.float32)
            embedding = generator.standard_normal(512).astype(np.float32)
            faces.append(SimpleNamespace(bbox=box, kps=points, embedding=embedding))
        return faces


def _runs(values: Array) -> list[slice]:
    """Where a row of truth values is true, without interruption."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], values, [False])).astype(int)))
    return [slice(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def install_drawing() -> None:
    """Have a `cv2` that draws keypoints, where OpenCV is not installed."""
    if find_spec("cv2") is not None:
        return
    module = ModuleType("cv2")
    vars(module).update(ellipse2Poly=_ellipse, fillConvexPoly=_fill, circle=_circle)
    sys.modules["cv2"] = module


def _ellipse(centre: tuple[int, int], axes: tuple[int, int], angle: int, start: int, end: int, step: int) -> Array:
    turns = np.deg2rad(np.arange(start, end + 1, step))
    x, y = axes[0] * np.cos(turns), axes[1] * np.sin(turns)
    tilt = np.deg2rad(angle)
    points = np.stack([x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt)], -1)
    return np.asarray(np.rint(points + centre), dtype=np.int32)


def _fill(canvas: Array, outline: Array, colour: tuple[int, int, int]) -> None:
    rows, columns = np.mgrid[: canvas.shape[0], : canvas.shape[1]]
    (x, y), (next_x, next_y) = outline.T, np.roll(outline, -1, axis=0).T
    inside = np.ones(canvas.shape[:2], dtype=bool)
    for ax, ay, bx, by in zip(x, y, next_x, next_y, strict=True):
        inside &= (bx - ax) * (rows - ay) - (by - ay) * (columns - ax) >= 0
    canvas[inside] = colour


def _circle(canvas: Array, centre: tuple[int, int], radius: int, colour: tuple[int, int, int], _thickness: int) -> None:
    rows, columns = np.mgrid[: canvas.shape[0], : canvas.shape[1]]
    canvas[(columns - centre[0]) ** 2 + (rows - centre[1]) ** 2 <= radius * radius] = colour
