"""From faces to the pair of embeddings."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.runtime.conftest import ONE_FACE, image_of


@pytest.fixture
def faces() -> torch.Tensor:
    torch.manual_seed(3)
    return torch.randn(3, 1, 512) * 2


@pytest.mark.parametrize("how", ["average", "norm average", "concat"])
def test_one_face_is_left_as_it_is(pack: Any, faces: torch.Tensor, how: str) -> None:
    assert torch.equal(pack.embeds.combine(faces[:1], how), faces[:1])


def test_average(pack: Any, faces: torch.Tensor) -> None:
    got = pack.embeds.combine(faces, "average")
    assert got.shape == (1, 1, 512)
    torch.testing.assert_close(got[0], (faces[0] + faces[1] + faces[2]) / 3)


def test_norm_average(pack: Any, faces: torch.Tensor) -> None:
    got = pack.embeds.combine(faces, "norm average")
    assert got.shape == (1, 1, 512)
    norm = (faces[0] ** 2 + faces[1] ** 2 + faces[2] ** 2).sqrt()
    torch.testing.assert_close(got[0], (faces[0] + faces[1] + faces[2]) / norm / 3)


def test_concat(pack: Any, faces: torch.Tensor) -> None:
    assert torch.equal(pack.embeds.combine(faces, "concat"), faces)


def test_no_noise_is_zeros_and_draws_nothing(pack: Any, faces: torch.Tensor) -> None:
    before = torch.get_rng_state()
    assert torch.equal(pack.embeds.negative_embedding(faces, 0.0), torch.zeros(3, 1, 512))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("sign", [1, -1], ids=["positive sum", "negative sum"])
def test_noise_is_seeded_by_the_face(pack: Any, faces: torch.Tensor, sign: int) -> None:
    faces = faces + sign
    torch.manual_seed(99)
    got = pack.embeds.negative_embedding(faces, 0.35)
    after = torch.get_rng_state()
    torch.manual_seed(int(faces.sum()) % 1000000007)
    assert torch.equal(got, 0.35 * torch.rand(3, 1, 512))
    assert torch.equal(torch.get_rng_state(), after), "later nodes draw from the state that the face left behind"


def test_embeddings_of_pictures(pack: Any, analysis: Any) -> None:
    image = image_of(ONE_FACE, ((200, 300, 50),))
    each = pack.faces.extract_features(analysis, image)
    face, nothing = pack.embeds.face_embeddings(analysis, image)
    assert torch.equal(face, each.mean(dim=0, keepdim=True))
    assert torch.equal(nothing, torch.zeros(1, 1, 512))
    face, noise = pack.embeds.face_embeddings(analysis, image, combine_embeds="concat", noise=0.5)
    assert torch.equal(face, each)
    assert noise.shape == face.shape
    assert 0 < noise.max() <= 0.5
