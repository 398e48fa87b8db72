"""The patch object in all 70 layers of a stand-in SDXL, against the formula worked out sample by sample."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.runtime.conftest import NARROW, TOKENS_WIDTH, WIDE, small_model
from tests.support.stand_in_comfy import LayerCall, StandInModel, attention, layer_calls

MIDDLE = {("middle", 0, index) for index in range(10)}


@pytest.fixture
def tokens() -> tuple[torch.Tensor, torch.Tensor]:
    """Face tokens for positive and negative."""
    torch.manual_seed(5)
    return torch.randn(1, 16, TOKENS_WIDTH), torch.randn(1, 16, TOKENS_WIDTH)


def patched(pack: Any, instantid: Any, tokens: tuple[torch.Tensor, torch.Tensor], model: Any = None, **how: Any) -> Any:
    settings = {"weight": 0.8, "start_at": 0.0, "end_at": 1.0, "mask": None, "patch_middle": True, **how}
    return pack.attention_patch.patch_attention(model or StandInModel(), instantid, *tokens, **settings)


def face_part(
    pack: Any,
    instantid: Any,
    call: LayerCall,
    tokens: tuple[torch.Tensor, torch.Tensor],
    before: Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]] = lambda k, v: (k, v),
) -> torch.Tensor:
    """Attention of every sample's queries to its face tokens, unweighted; `before` changes keys and values."""
    number = 2 * pack.model.SDXL_LAYERS.index(call.key) + 1
    to_k, to_v = (instantid.get_parameter(f"ip_adapter.{number}.to_{kind}_ip.weight") for kind in "kv")
    chunks = call.extra_options["cond_or_uncond"]
    batch = call.extra_options["original_shape"][0]
    results = []
    for sample in range(call.q.shape[0]):
        face = tokens[chunks[sample // batch]].flatten(0, 1)[None].to(to_k.dtype)
        k, v = before((face @ to_k.T).to(call.q.dtype), (face @ to_v.T).to(call.q.dtype))
        results.append(attention(call.q[sample : sample + 1], k, v))
    return torch.cat(results)


def test_all_layers_attend_to_the_face(pack: Any, instantid: Any, tokens: Any) -> None:
    model = patched(pack, instantid, tokens)
    calls = list(layer_calls(NARROW, WIDE))
    assert set(model.patches) == {call.key for call in calls}
    assert len(calls) == 70
    for call in calls:
        expected = attention(call.q, call.k, call.v) + 0.8 * face_part(pack, instantid, call, tokens)
        torch.testing.assert_close(call.run(model.patches), expected, rtol=0, atol=1e-4)


def test_middle_block_is_left_alone_unless_asked_for(pack: Any, instantid: Any, tokens: Any) -> None:
    without = patched(pack, instantid, tokens, patch_middle=False).patches
    everywhere = patched(pack, instantid, tokens).patches
    assert len(without) == 60
    assert set(everywhere) - set(without) == MIDDLE


@pytest.mark.parametrize("chunks", [(0, 1), (1, 0), (0,), (1,), (0, 0, 1), (1, 0, 0, 1)], ids=str)
@pytest.mark.parametrize("batch", [1, 3])
def test_chunks_of_any_order_and_number(
    pack: Any, instantid: Any, tokens: Any, chunks: tuple[int, ...], batch: int
) -> None:
    model = patched(pack, instantid, tokens)
    call = next(layer_calls(NARROW, WIDE, cond_or_uncond=chunks, batch=batch))
    expected = attention(call.q, call.k, call.v) + 0.8 * face_part(pack, instantid, call, tokens)
    torch.testing.assert_close(call.run(model.patches), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("span", "sigma", "acts"),
    [
        ((0.0, 1.0), 14.6, True),
        ((0.0, 1.0), 0.0, True),
        ((0.0, 1.0), None, True),
        ((0.5, 1.0), 7.1, False),
        ((0.5, 1.0), 7.0, True),
        ((0.5, 1.0), None, False),
        ((0.0, 0.5), 7.0, True),
        ((0.0, 0.5), 6.9, False),
        ((0.0, 0.5), None, True),
    ],
)
def test_sigma_says_when(
    pack: Any, instantid: Any, tokens: Any, span: tuple[float, float], sigma: float | None, acts: bool
) -> None:
    model = patched(pack, instantid, tokens, start_at=span[0], end_at=span[1])
    call = next(layer_calls(NARROW, WIDE, sigma=sigma))
    assert torch.allclose(call.run(model.patches), call.run({}), atol=1e-5) is not acts


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("same", [True, False], ids=["weights alike", "weights in float32"])
def test_result_is_in_the_queries_dtype(pack: Any, instantid: Any, tokens: Any, dtype: torch.dtype, same: bool) -> None:
    if same:
        instantid.to(dtype)
        tokens = tuple(t.to(dtype) for t in tokens)
    model = patched(pack, instantid, tokens)
    for call in layer_calls(NARROW, WIDE, dtype=dtype):
        got = call.run(model.patches)
        assert got.dtype == dtype
        plain = attention(call.q, call.k, call.v)
        expected = plain.float() + 0.8 * face_part(pack, instantid, call, tokens).float()
        torch.testing.assert_close(got.float(), expected, rtol=0.03, atol=0.03)


@pytest.mark.parametrize("change", ["float64", "to meta", "gone"])
def test_sampling_needs_none_of_the_weights(pack: Any, instantid: Any, tokens: Any, change: str) -> None:
    model = patched(pack, instantid, tokens)
    call = next(layer_calls(NARROW, WIDE))
    before = call.run(model.patches)
    if change == "float64":
        instantid.double()  # another node has another working dtype
    elif change == "to meta":
        instantid.to("meta")  # ComfyUI needed the room
    else:
        instantid.ip_adapter.clear()
    assert torch.equal(call.run(model.patches), before)


@pytest.mark.parametrize("weight", [0, 0.0, -0.0])
def test_weight_zero_is_the_model_as_it_is(pack: Any, instantid: Any, tokens: Any, weight: float) -> None:
    model = occupied_by(OtherPatch())
    assert patched(pack, instantid, tokens, model, weight=weight) is model
    assert list(model.patches) == [KEY]


def test_several_faces_are_attended_to_together(pack: Any, instantid: Any) -> None:
    torch.manual_seed(5)
    tokens = torch.randn(3, 16, TOKENS_WIDTH), torch.zeros(3, 16, TOKENS_WIDTH)
    call = next(layer_calls(NARROW, WIDE, batch=2))
    expected = attention(call.q, call.k, call.v) + 0.8 * face_part(pack, instantid, call, tokens)
    torch.testing.assert_close(call.run(patched(pack, instantid, tokens).patches), expected, rtol=0, atol=1e-4)


# Living together: occupied layers, clones, copies.


class OtherPatch:
    """Another pack's patch object of the shared kind."""

    def __init__(self) -> None:
        self.callbacks: list[Any] = []
        self.options: list[Any] = []

    def __call__(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, extra_options: dict[str, Any]) -> Any:
        out = attention(q, k, v)
        for callback, options in zip(self.callbacks, self.options, strict=True):
            out = out + callback(out, q, k, v, extra_options, **options)
        return out

    def add(self, callback: Any, **options: Any) -> None:
        self.callbacks.append(callback)
        self.options.append(options)


KEY = ("input", 4, 0)


def occupied_by(patch: Any) -> StandInModel:
    model = StandInModel()
    model.model_options["transformer_options"] = {"patches_replace": {"attn2": {KEY: patch}, "attn1": {}}, "other": 1}
    return model


def test_model_is_not_changed(pack: Any, instantid: Any, tokens: Any) -> None:
    model = occupied_by(OtherPatch())
    before = copy.deepcopy(model.model_options["transformer_options"]["patches_replace"]["attn1"])
    result = patched(pack, instantid, tokens, model)
    assert list(model.patches) == [KEY]
    assert model.model_options["transformer_options"]["patches_replace"]["attn1"] == before
    assert result.model_options["transformer_options"]["other"] == 1
    assert result.model_options["transformer_options"]["patches_replace"]["attn1"] == {}


def test_other_packs_patch_is_copied_then_extended(pack: Any, instantid: Any, tokens: Any) -> None:
    other = OtherPatch()
    other.add(lambda out, *_, **__: out * 0 + 1.0)
    result = patched(pack, instantid, tokens, occupied_by(other))
    assert len(other.callbacks) == len(other.options) == 1
    extended = result.patches[KEY]
    assert type(extended) is OtherPatch
    assert {"sigma_start", "sigma_end", "cond"} <= set(extended.options[1])
    call = next(layer_calls(NARROW, WIDE))
    expected = attention(call.q, call.k, call.v) + 1.0 + 0.8 * face_part(pack, instantid, call, tokens)
    torch.testing.assert_close(call.run(result.patches), expected, rtol=0, atol=1e-4)


def test_second_face_is_added_to_a_copy(pack: Any, instantid: Any, tokens: Any) -> None:
    one = patched(pack, instantid, tokens)
    other = small_model(pack, seed=1)
    both = patched(pack, other, tokens, one, weight=0.5)
    assert len(one.patches[KEY].entries) == 1
    call = next(layer_calls(NARROW, WIDE))
    expected = (
        attention(call.q, call.k, call.v)
        + 0.8 * face_part(pack, instantid, call, tokens)
        + 0.5 * face_part(pack, other, call, tokens)
    )
    torch.testing.assert_close(call.run(both.patches), expected, rtol=0, atol=1e-4)


def test_other_packs_entry_runs_in_ours(pack: Any, instantid: Any, tokens: Any) -> None:
    result = patched(pack, instantid, tokens)
    call = next(layer_calls(NARROW, WIDE))
    before = call.run(result.patches)
    result.patches[KEY].add(lambda out, *_, **__: torch.ones_like(out), sigma_start=9.0, sigma_end=1.0, cond=tokens[0])
    torch.testing.assert_close(call.run(result.patches), before + 1)
    late = next(layer_calls(NARROW, WIDE, sigma=0.5))
    assert torch.equal(late.run(result.patches), late.run(patched(pack, instantid, tokens).patches))


def test_patch_that_takes_no_entries_does_the_prompts_attention(pack: Any, instantid: Any, tokens: Any) -> None:
    def other(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, extra_options: dict[str, Any]) -> torch.Tensor:
        return attention(q, k, v) * extra_options["n_heads"]

    result = patched(pack, instantid, tokens, occupied_by(other))
    call = next(layer_calls(NARROW, WIDE))
    expected = 2 * attention(call.q, call.k, call.v) + 0.8 * face_part(pack, instantid, call, tokens)
    torch.testing.assert_close(call.run(result.patches), expected, rtol=0, atol=1e-4)


def test_base_patch_is_moved_accounted_and_cleaned_too(pack: Any) -> None:
    moved: list[Any] = []

    def to(target: Any) -> Any:
        moved.append(target)
        return base

    cleaned: list[bool] = []
    base = SimpleNamespace(to=to, models=lambda: ["a patcher"], cleanup=lambda: cleaned.append(True))
    patch = pack.attention_patch.AttentionPatch(base)
    assert patch.to(torch.device("cpu")) is patch
    assert moved == [torch.device("cpu")]
    assert patch.base is base
    assert patch.models() == ["a patcher"]
    patch.cleanup()
    assert cleaned == [True]
    bare = pack.attention_patch.AttentionPatch()
    bare.cleanup()
    assert bare.models() == []


def test_deep_copy_shares_the_tensors(pack: Any, instantid: Any, tokens: Any) -> None:
    model = patched(pack, instantid, tokens, StandInModel(deep=True))
    twin = model.clone()
    mine, theirs = model.patches[KEY], twin.patches[KEY]
    assert theirs is not mine
    assert theirs.entries[0][1]["face"] is mine.entries[0][1]["face"]
    theirs.add(lambda *_, **__: 0.0, sigma_start=1.0, sigma_end=0.0)
    assert len(mine.entries) == 1


# What ComfyUI calls on a patch.


@pytest.mark.parametrize("target", [torch.device("meta"), torch.float16, torch.float8_e4m3fn], ids=str)
def test_to_moves_nothing(pack: Any, instantid: Any, tokens: Any, target: Any) -> None:
    patch = patched(pack, instantid, tokens).patches[KEY]
    assert patch.to(target) is patch
    assert {(tensor.device.type, tensor.dtype) for tensor in instantid.parameters()} == {("cpu", torch.float32)}
    (face,) = (options["face"] for _, options in patch.entries)
    assert {tensor.device.type for tensor in (*face.cond, *face.uncond)} == {"cpu"}


def test_everything_is_where_the_queries_are(pack: Any, instantid: Any, tokens: Any) -> None:
    """Several GPUs work with one patch, each in a thread of its own: nothing is moved from one to another."""
    patches = patched(pack, instantid, tokens, mask=torch.rand(1, 8, 4)).patches
    here = next(layer_calls(NARROW, WIDE))
    before = here.run(patches)
    there = next(layer_calls(NARROW, WIDE))
    there.q, there.k, there.v = (t.to("meta") for t in (there.q, there.k, there.v))
    assert there.run(patches).device.type == "meta"
    assert torch.equal(here.run(patches), before)


def test_keys_and_values_are_brought_to_a_device_once(pack: Any, instantid: Any, tokens: Any) -> None:
    face = instantid.layer_face(0, *tokens)
    q = torch.empty(0, dtype=torch.float16)
    first, again = face.like(q), face.like(q)
    assert [tensor.dtype for pair in first for tensor in pair] == [torch.float16] * 4
    assert all(a is b for pairs in zip(first, again, strict=True) for a, b in zip(*pairs, strict=True))
    asis = face.like(torch.empty(0))
    assert all(a is b for a, b in zip((*asis[0], *asis[1]), (*face.cond, *face.uncond), strict=True)), "a copy was made"


def test_sampling_accounts_no_model_of_its_own(pack: Any, instantid: Any, tokens: Any) -> None:
    assert patched(pack, instantid, tokens).patches[KEY].models() == []
