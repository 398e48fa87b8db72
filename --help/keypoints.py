# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""The picture of a face's five keypoints that the ControlNet reads."""

from __future__ import annotations

import math

import numpy as np
import torch

from .extras import needed
from .faces import bgr_pictures, largest_face
from .protocols import FaceAnalysis, Floats, Picture

LIMBS = ((0, 2), (1, 2), (3, 2), (4, 2))
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255))
LIMB_HALF_WIDTH = 4
LIMB_BRIGHTNESS = 0.6
POINT_RADIUS = 10


def draw_keypoints(height: int, width: int, points: Floats) -> Picture:
    """Five points (x, y) in pixels as bright discs, joined by darker limbs, on black: RGB [H, W, 3]."""
    cv2 = needed("cv2")
    canvas = np.zeros((height, width, 3), np.uint8)
    for limb in LIMBS:
        x, y = points[list(limb)].T
        length = ((x[0] - x[1]) ** 2 + (y[0] - y[1]) ** 2) ** 0.5
        angle = int(math.degrees(math.atan2(y[0] - y[1], x[0] - x[1])))
        centre = (int(x.mean()), int(y.mean()))
        outline = cv2.ellipse2Poly(centre, (int(length / 2), LIMB_HALF_WIDTH), angle, 0, 360, 1)
        cv2.fillConvexPoly(canvas, outline, COLOURS[limb[0]])
    canvas = (canvas * LIMB_BRIGHTNESS).astype(np.uint8)
    for (x, y), colour in zip(points, COLOURS, strict=True):
        cv2.circle(canvas, (int(x), int(y)), POINT_RADIUS, colour, -1)
    return canvas


def keypoint_pictures(analysis: FaceAnalysis, image: torch.Tensor) -> torch.Tensor | None:
    """Keypoint pictures of an IMAGE's largest faces: an IMAGE of as many pictures as have a face; None if none has.

    Channels come first in memory, as in the published pack: on another layout convolutions give other last bits.
    """
    height, width = image.shape[1:3]
    faces = [largest_face(analysis, picture) for picture in bgr_pictures(image)]
    drawn = [torch.from_numpy(draw_keypoints(height, width, face.kps)) for face in faces if face is not None]
    if not drawn:
        return None
    return (torch.stack([picture.movedim(-1, 0) for picture in drawn]).float() / 255).movedim(1, -1)
