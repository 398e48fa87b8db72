"""Pictures with faces that the synthetic models find."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def make_picture(
    height: int = 512, width: int = 512, patches: Sequence[tuple[int, int, int]] = ((256, 256, 40),), seed: int = 0
) -> npt.NDArray[np.uint8]:
    """Grey texture with a red disc (x, y, radius) for each face: RGB [H, W, 3]."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(40, 200, size=(height // 16 + 1, width // 16 + 1))
    grey = cells.repeat(16, 0).repeat(16, 1)[:height, :width]
    picture = np.stack([grey, grey, grey], -1).astype(np.uint8)
    rows, columns = np.mgrid[:height, :width]
    for x, y, radius in patches:
        picture[(columns - x) ** 2 + (rows - y) ** 2 <= radius * radius] = (255, 0, 0)
    return picture
