"""The picture of the keypoints."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch

from tests.runtime.conftest import CLOSE_UP, ONE_FACE, image_of

POINTS = np.array([[60.7, 50.2], [120.9, 55.5], [90.1, 85.8], [70.3, 120.6], [110.4, 118.9]], np.float32)
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255)]


def reference(height: int, width: int, points: np.ndarray) -> np.ndarray:
    """The drawing, limb by limb, from its description."""
    picture = np.zeros([height, width, 3], dtype=np.uint8)
    for start, end in [(0, 2), (1, 2), (3, 2), (4, 2)]:
        x0, y0 = points[start]
        x1, y1 = points[end]
        length = np.sqrt((x0 - x1) ** 2 + (y0 - y1) ** 2)
        degrees = np.degrees(np.arctan2(np.float64(y0 - y1), np.float64(x0 - x1)))
        middle = (int((x0 + x1) / 2), int((y0 + y1) / 2))
        polygon = cv2.ellipse2Poly(middle, (int(length / 2), 4), int(degrees), 0, 360, 1)
        cv2.fillConvexPoly(picture, polygon, COLOURS[start])
    picture = (picture * 0.6).astype(np.uint8)
    for (x, y), colour in zip(points, COLOURS, strict=True):
        cv2.circle(picture, (int(x), int(y)), 10, colour, -1)
    return picture


@pytest.mark.parametrize("shift", [(0, 0), (-70, 0), (0, 90)], ids=["inside", "left of it", "below"])
def test_drawing_follows_its_description(pack: Any, shift: tuple[int, int]) -> None:
    points = POINTS + np.array(shift, np.float32)
    got = pack.keypoints.draw_keypoints(180, 200, points)
    assert got.shape == (180, 200, 3)
    assert got.any()
    assert np.array_equal(got, reference(180, 200, points))


def test_discs_are_bright_and_limbs_darker(pack: Any) -> None:
    picture = pack.keypoints.draw_keypoints(180, 200, POINTS)
    for (x, y), colour in zip(POINTS, COLOURS, strict=True):
        assert tuple(picture[int(y), int(x)]) == colour
    assert tuple(picture[68, 75]) == (153, 0, 0), "between the first point and the third"
    assert tuple(picture[5, 5]) == (0, 0, 0)


def test_node_draws_the_largest_face_of_every_picture(pack: Any, analysis: Any) -> None:
    image = image_of(ONE_FACE, CLOSE_UP, ())
    (drawn,) = pack.NODE_CLASS_MAPPINGS["FaceKeypointsPreprocessor"]().preprocess_image(analysis, image)
    assert drawn.shape == (2, 512, 512, 3)
    assert drawn.dtype == torch.float32
    (face,) = analysis.get(pack.faces.bgr_pictures(image)[0])
    expected = torch.from_numpy(reference(512, 512, face.kps)).float() / 255
    assert torch.equal(drawn[0], expected)
    assert drawn.max() == 1.0


def test_node_gives_black_where_no_picture_has_a_face(
    pack: Any, analysis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (drawn,) = pack.NODE_CLASS_MAPPINGS["FaceKeypointsPreprocessor"]().preprocess_image(analysis, image_of(()))
    assert drawn.shape == (1, 512, 512, 3)
    assert not drawn.any()
    assert "no face for the keypoints" in caplog.text
