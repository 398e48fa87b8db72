"""Weight types, embeds scaling, masks and frames of one layer, against formulas of their own."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.nn import functional

from tests.runtime.conftest import NARROW, TOKENS_WIDTH, WIDE
from tests.runtime.test_attention_patch import face_part
from tests.support.stand_in_comfy import LATENT, LayerCall, layer_calls

INPUT, MIDDLE, OUTPUT = 0, 4, 8
"""A transformer index in each kind of block."""


@pytest.fixture
def tokens() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(5)
    return torch.randn(1, 16, TOKENS_WIDTH), torch.randn(1, 16, TOKENS_WIDTH)


def face_of(pack: Any, instantid: Any, call: LayerCall, tokens: Any, **how: Any) -> Any:
    """What the callback adds in this layer."""
    face = instantid.layer_face(pack.model.SDXL_LAYERS.index(call.key), *tokens)
    return pack.face_attention.attend_to_face(None, call.q, call.k, call.v, call.extra_options, face=face, **how)


def close(got: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-4)


def linear_fade(start: float, end: float, t: float, count: int) -> float:
    return start + (end - start) * t / count


WEIGHT_TYPES = {
    "linear": lambda t, n, block: 1.0,
    "ease in": lambda t, n, block: linear_fade(1.0, 0.05, t, n),
    "ease out": lambda t, n, block: linear_fade(0.05, 1.0, t, n),
    "ease in-out": lambda t, n, block: linear_fade(0.05, 1.0, n / 2 - abs(t - n / 2), n // 2 + 0.5 * (n % 2)),
    "reverse in-out": lambda t, n, block: linear_fade(0.05, 1.0, abs(t - n / 2), n // 2 + 0.5 * (n % 2)),
    "weak input": lambda t, n, block: 0.2 if block == "input" else 1.0,
    "weak middle": lambda t, n, block: 0.2 if block == "middle" else 1.0,
    "weak output": lambda t, n, block: 0.2 if block == "output" else 1.0,
    "strong middle": lambda t, n, block: 1.0 if block == "middle" else 0.2,
}


@pytest.mark.parametrize("weight_type", WEIGHT_TYPES)
@pytest.mark.parametrize("count", [11, 16])
def test_weight_types(pack: Any, weight_type: str, count: int) -> None:
    for t in range(count):
        block = "input" if t < 4 else "middle" if t == 4 else "output"
        got = pack.face_attention.layer_weight(1.3, weight_type, {"transformer_index": t, "block": (block, 1)}, count)
        assert got == pytest.approx(1.3 * WEIGHT_TYPES[weight_type](t, count, block), rel=1e-12)


def test_weight_type_reaches_every_layer(pack: Any, instantid: Any, tokens: Any) -> None:
    for call in layer_calls(NARROW, WIDE):
        t = call.extra_options["transformer_index"]
        got = face_of(pack, instantid, call, tokens, weight=0.8, weight_type="ease in")
        close(got, 0.8 * (0.05 + 0.95 * (1 - t / 11)) * face_part(pack, instantid, call, tokens))


def test_weight_by_transformer(pack: Any, instantid: Any, tokens: Any) -> None:
    for call in layer_calls(NARROW, WIDE):
        got = face_of(pack, instantid, call, tokens, weight={INPUT: 0.5, OUTPUT: 1.5})
        wanted = {INPUT: 0.5, OUTPUT: 1.5}.get(call.extra_options["transformer_index"])
        if wanted is None:
            assert got == 0.0
        else:
            close(got, wanted * face_part(pack, instantid, call, tokens))


def test_unknown_names_are_refused(pack: Any, instantid: Any, tokens: Any) -> None:
    call = next(layer_calls(NARROW, WIDE))
    with pytest.raises(ValueError, match="unknown weight type 'easy'"):
        face_of(pack, instantid, call, tokens, weight_type="easy")
    with pytest.raises(ValueError, match="unknown embeds scaling 'V'"):
        face_of(pack, instantid, call, tokens, embeds_scaling="V")


def scaled(scaling: str, weight: float, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    if scaling == "K+V":
        return k * weight, v * weight
    weight *= k.shape[2] / 1280
    if scaling == "K+V w/ C penalty":
        return k * weight, v * weight
    mean = v.sum(dim=1, keepdim=True) / v.shape[1]
    return k * weight, v - mean + mean * weight


@pytest.mark.parametrize("scaling", ["K+V", "K+V w/ C penalty", "K+mean(V) w/ C penalty"])
@pytest.mark.parametrize("weight", [0.7, -0.4, 3.0])
def test_embeds_scaling(pack: Any, instantid: Any, tokens: Any, scaling: str, weight: float) -> None:
    calls = {call.q.shape[2]: call for call in layer_calls(NARROW, WIDE)}
    assert set(calls) == {NARROW, WIDE}
    for call in calls.values():
        got = face_of(pack, instantid, call, tokens, weight=weight, embeds_scaling=scaling)
        close(got, face_part(pack, instantid, call, tokens, lambda k, v: scaled(scaling, weight, k, v)))


def test_v_only_weighs_after_the_attention_bit_for_bit(pack: Any, instantid: Any, tokens: Any) -> None:
    instantid.half()
    halves = tuple(t.half() for t in tokens)
    call = next(layer_calls(NARROW, WIDE, dtype=torch.float16))
    plain = face_of(pack, instantid, call, halves, weight=1.0)
    assert torch.equal(face_of(pack, instantid, call, halves, weight=0.3), plain * 0.3)


# Masks.


def grid_of(call: LayerCall) -> tuple[int, int]:
    """The layer's resolution: the latent's shape, shrunk to its number of tokens."""
    height, width = LATENT
    shrink = math.isqrt(height * width // call.q.shape[1])
    return height // shrink, width // shrink


def test_layers_have_two_resolutions() -> None:
    assert {grid_of(call) for call in layer_calls(NARROW, WIDE)} == {(4, 2), (2, 1)}


@pytest.mark.parametrize("shape", [(64, 32), (1, 64, 32), (1, 30, 47), (1, 3, 2)], ids=str)
def test_mask_of_any_size(pack: Any, instantid: Any, tokens: Any, shape: tuple[int, ...]) -> None:
    torch.manual_seed(2)
    mask = torch.rand(shape)
    for call in layer_calls(NARROW, WIDE):
        got = face_of(pack, instantid, call, tokens, mask=pack.checks.batch_of_masks(mask))
        small = functional.interpolate(mask.reshape(1, 1, *shape[-2:]), grid_of(call), mode="bilinear")
        close(got, face_part(pack, instantid, call, tokens) * small.reshape(1, -1, 1))


def test_mask_confines_the_face(pack: Any, instantid: Any, tokens: Any) -> None:
    mask = torch.zeros(1, 8, 4)
    mask[:, :4] = 1.0
    call = next(layer_calls(NARROW, WIDE))
    rows = face_of(pack, instantid, call, tokens, mask=mask).unflatten(1, grid_of(call))
    whole = face_of(pack, instantid, call, tokens).unflatten(1, grid_of(call))
    assert torch.equal(rows[:, :2], whole[:, :2])
    assert not rows[:, 2:].any()


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_masks_are_one_per_picture(pack: Any, instantid: Any, tokens: Any, count: int) -> None:
    """Too few: the last is for the rest. Too many: those left over are not used."""
    strengths = torch.arange(1.0, count + 1)
    mask = strengths.view(-1, 1, 1).expand(count, 8, 4)
    call = next(layer_calls(NARROW, WIDE, batch=3))
    expected = torch.tensor([strengths[min(picture, count - 1)] for picture in range(3)] * 2)
    got = face_of(pack, instantid, call, tokens, mask=mask)
    close(got, face_part(pack, instantid, call, tokens) * expected.view(-1, 1, 1))


def test_mask_keeps_its_precision_until_the_end(pack: Any, instantid: Any, tokens: Any) -> None:
    instantid.bfloat16()
    call = next(layer_calls(NARROW, WIDE, dtype=torch.bfloat16))
    mask = torch.full((1, 8, 4), 0.3)
    halves = tuple(t.bfloat16() for t in tokens)
    got = face_of(pack, instantid, call, halves, mask=mask)
    assert got.dtype == torch.bfloat16
    assert torch.equal(got, (face_of(pack, instantid, call, halves).float() * 0.3).bfloat16())


@pytest.mark.parametrize(
    ("shape", "tokens", "grid"),
    [
        ((64, 64), 1024, (32, 32)),
        ((104, 152), 988, (26, 38)),
        ((100, 150), 38 * 25, (25, 38)),
        ((90, 130), 45 * 65, (45, 65)),
        ((96, 24), 144, (24, 6)),
        ((64, 64), 1023, (31, 33)),
        ((64, 64), 1009, (32, 31)),  # a prime: 992 cells, and 17 tokens that belong to none
    ],
)
def test_grid_of_a_layer(pack: Any, shape: tuple[int, int], tokens: int, grid: tuple[int, int]) -> None:
    torch.manual_seed(2)
    mask = torch.rand(1, *shape) + 0.1
    options = {"original_shape": [1, 4, *shape], "cond_or_uncond": [0]}
    got = pack.frames.token_mask(mask, tokens, 1, options)
    assert got.shape == (1, tokens, 1)
    cells = functional.interpolate(mask[None], grid, mode="bilinear").flatten()
    left = (tokens - len(cells)) // 2
    right = tokens - len(cells) - left
    assert torch.equal(got.flatten(), functional.pad(cells, (left, right)))


# Frames.


@pytest.fixture
def film() -> tuple[torch.Tensor, torch.Tensor]:
    """Face tokens for five frames."""
    torch.manual_seed(6)
    return torch.randn(5, 16, TOKENS_WIDTH), torch.randn(5, 16, TOKENS_WIDTH)


def frame_by_frame(pack: Any, instantid: Any, call: LayerCall, film: Any, frames: list[int]) -> torch.Tensor:
    """The face part, each picture of the batch with the tokens of its own frame."""
    rows = [face_part(pack, instantid, call, (film[0][f : f + 1], film[1][f : f + 1])) for f in frames]
    count, batch = len(call.extra_options["cond_or_uncond"]), len(frames)
    return torch.stack([rows[picture][chunk * batch + picture] for chunk in range(count) for picture in range(batch)])


@pytest.mark.parametrize(
    ("batch", "frames"),
    [(3, [0, 1, 2]), (5, [0, 1, 2, 3, 4]), (7, [0, 1, 2, 3, 4, 4, 4])],
    ids=["cut", "all", "filled"],
)
def test_unfolded_batch_has_a_face_per_frame(
    pack: Any, instantid: Any, film: Any, batch: int, frames: list[int]
) -> None:
    call = next(layer_calls(NARROW, WIDE, batch=batch))
    got = face_of(pack, instantid, call, film, unfold_batch=True)
    close(got, frame_by_frame(pack, instantid, call, film, frames))


@pytest.mark.parametrize(("indices", "frames"), [([1, 2, 4], [1, 2, 4]), ([3, 6, 7], [3, 4, 4])], ids=["in", "past"])
def test_window_of_a_film(pack: Any, instantid: Any, film: Any, indices: list[int], frames: list[int]) -> None:
    ad_params = {"sub_idxs": indices, "full_length": 8}
    call = next(layer_calls(NARROW, WIDE, batch=3, ad_params=ad_params))
    close(
        face_of(pack, instantid, call, film, unfold_batch=True),
        frame_by_frame(pack, instantid, call, film, frames),
    )


def test_film_without_a_window(pack: Any, instantid: Any, film: Any) -> None:
    ad_params = {"sub_idxs": None, "full_length": 5}
    call = next(layer_calls(NARROW, WIDE, batch=5, ad_params=ad_params))
    close(
        face_of(pack, instantid, call, film, unfold_batch=True),
        frame_by_frame(pack, instantid, call, film, [0, 1, 2, 3, 4]),
    )


def test_weights_and_masks_per_frame(pack: Any, instantid: Any, tokens: Any) -> None:
    weight = torch.tensor([0.1, 0.2, 0.3, 0.4])
    mask = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(4, 1, 1).expand(4, 8, 4)
    ad_params = {"sub_idxs": [3, 1], "full_length": 4}
    call = next(layer_calls(NARROW, WIDE, batch=2, ad_params=ad_params))
    strengths = torch.tensor([0.4 * 4, 0.2 * 2] * 2).view(-1, 1, 1)
    got = face_of(pack, instantid, call, tokens, weight=weight, mask=mask)
    close(got, face_part(pack, instantid, call, tokens) * strengths)


def test_weight_per_frame_in_keys_and_values(pack: Any, instantid: Any, tokens: Any) -> None:
    call = next(layer_calls(NARROW, WIDE, batch=2))
    got = face_of(pack, instantid, call, tokens, weight=torch.tensor([0.5, 2.0]), embeds_scaling="K+V")
    for picture, weight in enumerate((0.5, 2.0)):
        alone = face_of(pack, instantid, call, tokens, weight=weight, embeds_scaling="K+V")
        close(got[picture::2], alone[picture::2])
