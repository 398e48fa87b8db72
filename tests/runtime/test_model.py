"""The model against what is published: names, shapes, counts, and the resampler's numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.nn import functional

from tests.runtime.conftest import small_model


@pytest.fixture
def full(pack: Any) -> dict[str, torch.Tensor]:
    """The state dict of the full-size model, without its 1.7 GB."""
    with torch.device("meta"):
        return pack.model.InstantID(pack.model.Sizes()).state_dict()


@pytest.mark.parametrize(
    ("section", "tensors", "parameters"), [("image_proj", 51, 81_978_624), ("ip_adapter", 140, 340_787_200)]
)
def test_counts_are_those_of_the_published_model(
    full: dict[str, torch.Tensor], section: str, tensors: int, parameters: int
) -> None:
    sizes = [tensor.numel() for name, tensor in full.items() if name.startswith(f"{section}.")]
    assert (len(sizes), sum(sizes)) == (tensors, parameters)


def test_names_and_shapes_are_those_of_the_published_model(full: dict[str, torch.Tensor]) -> None:
    expected: dict[str, list[int]] = {
        "image_proj.latents": [1, 16, 1280],
        "image_proj.proj_in.weight": [1280, 512],
        "image_proj.proj_in.bias": [1280],
        "image_proj.proj_out.weight": [2048, 1280],
        "image_proj.proj_out.bias": [2048],
        "image_proj.norm_out.weight": [2048],
        "image_proj.norm_out.bias": [2048],
    }
    for i in range(4):
        layer = f"image_proj.layers.{i}"
        for norm in ("0.norm1", "0.norm2", "1.0"):
            expected |= {f"{layer}.{norm}.weight": [1280], f"{layer}.{norm}.bias": [1280]}
        expected |= {
            f"{layer}.0.to_q.weight": [1280, 1280],
            f"{layer}.0.to_kv.weight": [2560, 1280],
            f"{layer}.0.to_out.weight": [1280, 1280],
            f"{layer}.1.1.weight": [5120, 1280],
            f"{layer}.1.3.weight": [1280, 5120],
        }
    widths = [640] * 4 + [1280] * 20 + [1280] * 30 + [640] * 6 + [1280] * 10  # input, output, middle
    for n, width in enumerate(widths):
        expected |= {f"ip_adapter.{2 * n + 1}.to_{kind}_ip.weight": [width, 2048] for kind in "kv"}
    assert {name: list(tensor.shape) for name, tensor in full.items()} == expected


def test_layers_are_counted_in_the_checkpoints_order(pack: Any) -> None:
    layers = pack.model.SDXL_LAYERS
    assert [(key[0], key[1]) for key in layers[:4]] == [("input", 4)] * 2 + [("input", 5)] * 2
    assert [block for block, _, _ in layers] == ["input"] * 24 + ["output"] * 36 + ["middle"] * 10
    assert {key[1] for key in layers[60:]} == {0}
    assert [pack.model.projection_name(n) for n in (0, 1, 69)] == ["1", "3", "139"]


def test_weights_take_no_gradients(instantid: Any) -> None:
    assert not any(parameter.requires_grad for parameter in instantid.parameters())


@pytest.mark.parametrize(("layers", "transformers"), [(70, 11), (16, 16)])
def test_transformers_of_the_unet(pack: Any, layers: int, transformers: int) -> None:
    assert small_model(pack, layers=layers).transformers == transformers


def straight_line_resampler(state: dict[str, torch.Tensor], x: torch.Tensor, depth: int) -> torch.Tensor:
    """The resampler as a list of formulas, in the dtype of its weights, head by head."""

    def norm(value: torch.Tensor, name: str) -> torch.Tensor:
        weight = state[f"{name}.weight"]
        return functional.layer_norm(value, weight.shape, weight, state[f"{name}.bias"], 1e-5)

    latents = state["latents"].repeat(x.shape[0], 1, 1)
    x = x @ state["proj_in.weight"].T + state["proj_in.bias"]
    for i in range(depth):
        name = f"layers.{i}.0"
        queries = norm(latents, f"{name}.norm2")
        inputs = torch.cat([norm(x, f"{name}.norm1"), queries], dim=1)
        q = queries @ state[f"{name}.to_q.weight"].T
        to_k, to_v = state[f"{name}.to_kv.weight"].chunk(2)
        k, v = inputs @ to_k.T, inputs @ to_v.T
        heads = []
        for start in range(0, q.shape[-1], 64):
            part = slice(start, start + 64)
            root = 1 / math.sqrt(math.sqrt(64))
            scores = (q[..., part] * root) @ (k[..., part] * root).transpose(1, 2)
            heads.append(torch.softmax(scores.float(), dim=-1).to(scores.dtype) @ v[..., part])
        latents = latents + torch.cat(heads, dim=-1) @ state[f"{name}.to_out.weight"].T
        name = f"layers.{i}.1"
        hidden = functional.gelu(norm(latents, f"{name}.0") @ state[f"{name}.1.weight"].T)
        latents = latents + hidden @ state[f"{name}.3.weight"].T
    return norm(latents @ state["proj_out.weight"].T + state["proj_out.bias"], "norm_out")


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 2e-4), (torch.bfloat16, 0.3)], ids=str
)
def test_resampler_is_the_published_formula(instantid: Any, count: int, dtype: torch.dtype, tolerance: float) -> None:
    resampler = instantid.image_proj.to(dtype)
    torch.manual_seed(1)
    x = torch.randn(count, 1, 512).to(dtype)
    got = resampler(x)
    assert got.shape == (count, 16, 48)
    assert got.dtype == dtype
    exact = {name: tensor.double() for name, tensor in resampler.state_dict().items()}
    expected = straight_line_resampler(exact, x.double(), depth=2)
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=tolerance)


def test_image_embeds_are_the_resamplers_of_both(instantid: Any) -> None:
    torch.manual_seed(1)
    face, nothing = torch.randn(2, 1, 512), torch.zeros(2, 1, 512)
    cond, uncond = instantid.get_image_embeds(face, nothing)
    assert torch.equal(cond, instantid.image_proj(face))
    assert torch.equal(uncond, instantid.image_proj(nothing))
    assert cond.is_inference()
