"""The seven nodes end to end: what comes out of them, with real faces and a small model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.runtime.conftest import NARROW, ONE_FACE, TWO_FACES, WIDE, image_of, run
from tests.runtime.test_attention_patch import face_part
from tests.support.stand_in_comfy import StandInControlNet, attention, layer_calls


def expected_tokens(pack: Any, analysis: Any, instantid: Any, image: torch.Tensor, noise: float) -> Any:
    """Face tokens of one picture and of its negative, straight from insightface's embedding."""
    (picture,) = pack.faces.bgr_pictures(image)
    faces = analysis.get(picture)
    face = torch.from_numpy(max(faces, key=lambda f: f.bbox[2] - f.bbox[0]).embedding)[None, None]
    negative = torch.zeros(1, 1, 512)
    if noise:
        torch.manual_seed(int(face.sum()) % 1000000007)
        negative = noise * torch.rand(1, 1, 512)
    return instantid.image_proj(face), instantid.image_proj(negative)


@pytest.mark.parametrize(
    ("name", "settings", "weight", "strength", "noise"),
    [
        ("ApplyInstantID", {}, 0.8, 0.8, 0.35),
        ("ApplyInstantID", {"weight": 1.7}, 1.7, 1.7, 0.35),
        ("ApplyInstantIDAdvanced", {}, 0.8, 0.8, 0.0),
        ("ApplyInstantIDAdvanced", {"ip_weight": 0.3, "cn_strength": 4.0, "noise": 0.6}, 0.3, 4.0, 0.6),
    ],
)
@pytest.mark.parametrize("patch_middle", [False, True])
def test_apply(
    pack: Any,
    inputs: Any,
    name: str,
    settings: dict[str, float],
    weight: float,
    strength: float,
    noise: float,
    patch_middle: bool,
) -> None:
    model, positive, negative = run(
        pack, name, **inputs, **settings, start_at=0.1, end_at=0.9, patch_middle=patch_middle
    )
    tokens = expected_tokens(pack, inputs["insightface"], inputs["instantid"], inputs["image"], noise)

    assert len(model.patches) == (70 if patch_middle else 60)
    for call in layer_calls(NARROW, WIDE):
        expected = attention(call.q, call.k, call.v)
        if call.key in model.patches:
            expected = expected + weight * face_part(pack, inputs["instantid"], call, tokens)
        torch.testing.assert_close(call.run(model.patches), expected, rtol=0, atol=2e-4)

    hint = pack.keypoints.keypoint_pictures(inputs["insightface"], inputs["image"]).movedim(-1, 1)
    for conditioning, source, context in ((positive, "positive", tokens[0]), (negative, "negative", tokens[1])):
        ((embedding, options),) = conditioning
        assert embedding is inputs[source][0][0]
        assert torch.equal(options["control"].cond_hint_original, hint)
        assert options["control"].strength == strength
        assert options["control"].span == (0.1, 0.9)
        assert options["control_apply_to_uncond"] is False
        torch.testing.assert_close(options["cross_attn_controlnet"], context)
        assert "mask" not in options
    assert positive[0][1]["pooled_output"] == 1
    assert positive[0][1]["control"] is negative[0][1]["control"]
    assert inputs["positive"][0][1] == {"pooled_output": 1}
    assert inputs["negative"][0][1] == {}


def test_apply_in_parts_is_apply(pack: Any, inputs: Any) -> None:
    model, positive, negative = run(pack, "ApplyInstantIDAdvanced", **inputs, noise=0.2, patch_middle=True)
    shared = {key: inputs[key] for key in ("instantid", "insightface", "image", "model")}
    patched, embeds = run(pack, "InstantIDAttentionPatch", **shared, weight=0.8, noise=0.2)
    (kps,) = run(pack, "FaceKeypointsPreprocessor", faceanalysis=inputs["insightface"], image=inputs["image"])
    others = {key: inputs[key] for key in ("control_net", "positive", "negative")}
    parts = run(pack, "ApplyInstantIDControlNet", face_embeds=embeds, image_kps=kps, strength=0.8, **others)

    for call in layer_calls(NARROW, WIDE):
        assert torch.equal(call.run(patched.patches), call.run(model.patches))
    for (whole,), (part,) in zip((positive, negative), parts, strict=True):
        assert torch.equal(whole[1]["cross_attn_controlnet"], part[1]["cross_attn_controlnet"])
        assert torch.equal(whole[1]["control"].cond_hint_original, part[1]["control"].cond_hint_original)
        assert whole[1]["control"].strength == part[1]["control"].strength


def test_loaders_feed_apply(pack: Any, inputs: Any, antelope: Any, tmp_path: Any) -> None:
    save_file(inputs["instantid"].state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "insightface").symlink_to(antelope, target_is_directory=True)
    (loaded,) = run(pack, "InstantIDModelLoader", instantid_file="model.safetensors")
    (analysis,) = run(pack, "InstantIDFaceAnalysis")
    model, *_ = run(pack, "ApplyInstantID", **inputs)
    again, *_ = run(pack, "ApplyInstantID", **{**inputs, "instantid": loaded, "insightface": analysis})
    for call in layer_calls(NARROW, WIDE):
        torch.testing.assert_close(call.run(again.patches), call.run(model.patches))  # other alignment of weights


@pytest.mark.parametrize("name", ["ApplyInstantID", "InstantIDAttentionPatch"])
def test_no_face_is_an_error(pack: Any, inputs: Any, name: str) -> None:
    wanted = pack.NODE_CLASS_MAPPINGS[name].INPUT_TYPES()["required"]
    given = {key: value for key, value in inputs.items() if key in wanted}
    with pytest.raises(pack.faces.NoFaceError, match="no face"):
        run(pack, name, **{**given, "image": image_of(())})


# Working dtype.

DTYPES = [
    pytest.param(torch.float32, True, torch.float32, torch.float16, id="float32"),
    pytest.param(torch.float16, False, torch.float16, torch.float32, id="float16"),
    pytest.param(torch.bfloat16, True, torch.bfloat16, torch.float16, id="bfloat16"),
    pytest.param(torch.float8_e4m3fn, True, torch.float16, torch.float16, id="float8 on a GPU"),
    pytest.param(torch.float8_e4m3fn, False, torch.float32, torch.float32, id="float8 without"),
]


@pytest.mark.parametrize(("unet", "use_fp16", "apply", "patch"), DTYPES)
def test_working_dtype(
    pack: Any,
    inputs: Any,
    monkeypatch: pytest.MonkeyPatch,
    unet: torch.dtype,
    use_fp16: bool,
    apply: torch.dtype,
    patch: torch.dtype,
) -> None:
    monkeypatch.setattr(pack.host.comfy.model_management, "unet_dtype", lambda: unet)
    monkeypatch.setattr(pack.host.comfy.model_management, "should_use_fp16", lambda: use_fp16)
    _, positive, _ = run(pack, "ApplyInstantID", **inputs)
    assert {parameter.dtype for parameter in inputs["instantid"].parameters()} == {apply}
    assert positive[0][1]["cross_attn_controlnet"].dtype == torch.float32, "the hint's dtype"

    shared = {key: inputs[key] for key in ("instantid", "insightface", "image", "model")}
    model, embeds = run(pack, "InstantIDAttentionPatch", **shared)
    assert {parameter.dtype for parameter in inputs["instantid"].parameters()} == {patch}
    others = {key: inputs[key] for key in ("control_net", "positive", "negative")}
    positive, _ = run(pack, "ApplyInstantIDControlNet", face_embeds=embeds, image_kps=inputs["image"], **others)
    assert positive[0][1]["cross_attn_controlnet"].dtype == patch, "as it is"
    call = next(layer_calls(NARROW, WIDE, dtype=torch.bfloat16))
    assert call.run(model.patches).dtype == torch.bfloat16


# Several pictures.


def test_combining_reaches_the_model(pack: Any, inputs: Any) -> None:
    inputs["image"] = image_of(ONE_FACE, ((200, 300, 50),))
    results = {}
    for how in ("average", "norm average", "concat"):
        model, positive, _ = run(pack, "ApplyInstantIDAdvanced", **inputs, combine_embeds=how)
        context = positive[0][1]["cross_attn_controlnet"]
        assert context.shape == (2 if how == "concat" else 1, 16, 48)
        call = next(layer_calls(NARROW, WIDE))
        results[how] = call.run(model.patches)
        assert results[how].shape == call.q.shape
    assert not torch.allclose(results["average"], results["norm average"])
    assert not torch.allclose(results["average"], results["concat"])


# Masks.


@pytest.mark.parametrize("shape", [(64, 32), (1, 64, 32)], ids=["2-D", "3-D"])
def test_mask_goes_to_the_model_and_the_positive(pack: Any, inputs: Any, shape: tuple[int, ...]) -> None:
    mask = torch.zeros(shape)
    model, positive, negative = run(pack, "ApplyInstantID", **inputs, mask=mask)
    call = next(layer_calls(NARROW, WIDE))
    torch.testing.assert_close(call.run(model.patches), attention(call.q, call.k, call.v))
    assert positive[0][1]["mask"].shape == (1, 64, 32)
    assert positive[0][1]["set_area_to_bounds"] is False
    assert not {"mask", "set_area_to_bounds"} & set(negative[0][1])

    shared = {key: inputs[key] for key in ("instantid", "insightface", "image", "model")}
    model, embeds = run(pack, "InstantIDAttentionPatch", **shared, mask=mask)
    torch.testing.assert_close(call.run(model.patches), attention(call.q, call.k, call.v))
    others = {key: inputs[key] for key in ("control_net", "positive", "negative")}
    positive, negative = run(
        pack, "ApplyInstantIDControlNet", face_embeds=embeds, image_kps=inputs["image"], **others, mask=mask
    )
    assert positive[0][1]["mask"].shape == (1, 64, 32)
    assert positive[0][1]["set_area_to_bounds"] is False
    assert "mask" not in negative[0][1]


# The ControlNet.


@pytest.fixture(params=["ApplyInstantID", "ApplyInstantIDControlNet"])
def controlled(request: pytest.FixtureRequest, pack: Any, inputs: Any) -> Any:
    """Both nodes that condition on a ControlNet, as a function of positive and negative."""

    def apply(positive: Any, negative: Any) -> Any:
        both = {"positive": positive, "negative": negative}
        if request.param == "ApplyInstantID":
            return run(pack, request.param, **{**inputs, **both})[1:]
        embeds = {"cond": torch.ones(1, 16, 48), "uncond": torch.zeros(1, 16, 48)}
        given = {"control_net": inputs["control_net"], "image_kps": inputs["image"], **both}
        return run(pack, request.param, face_embeds=embeds, **given)

    return apply


def test_one_control_per_previous_one(controlled: Any, inputs: Any) -> None:
    first, second = StandInControlNet(), StandInControlNet()
    text = torch.zeros(1, 77, 8)
    positive, negative = controlled(
        [[text, {"control": first}], [text, {}], [text, {"control": second}]],
        [[text, {"control": first}], [text, {"control": second}], [text, {}]],
    )
    controls = [[options["control"] for _, options in conditioning] for conditioning in (positive, negative)]
    assert controls[0] == [controls[1][0], controls[1][2], controls[1][1]]
    assert len(set(map(id, controls[0]))) == 3
    assert [control.previous for control in controls[0]] == [first, None, second]
    assert all(control is not inputs["control_net"] for control in controls[0])
    assert inputs["control_net"].previous is None


def test_every_entry_gets_the_context_of_its_side(controlled: Any) -> None:
    text = torch.zeros(1, 77, 8)
    positive, negative = controlled([[text, {}], [text, {}]], [[text, {}]])
    contexts = [options["cross_attn_controlnet"] for _, options in positive + negative]
    assert torch.equal(contexts[0], contexts[1])
    assert not torch.equal(contexts[0], contexts[2])


def test_hint_is_drawn_from_image_kps(pack: Any, inputs: Any, analysis: Any) -> None:
    image_kps = image_of(TWO_FACES)
    _, positive, _ = run(pack, "ApplyInstantID", **inputs, image_kps=image_kps)
    expected = pack.keypoints.keypoint_pictures(analysis, image_kps).movedim(-1, 1)
    assert torch.equal(positive[0][1]["control"].cond_hint_original, expected)


def test_hint_is_of_the_first_picture(pack: Any, inputs: Any, analysis: Any) -> None:
    inputs["image"] = image_of(TWO_FACES, ONE_FACE)
    _, positive, _ = run(pack, "ApplyInstantID", **inputs)
    expected = pack.keypoints.keypoint_pictures(analysis, inputs["image"][:1]).movedim(-1, 1)
    assert torch.equal(positive[0][1]["control"].cond_hint_original, expected)


def test_image_kps_without_a_face_is_the_hint(pack: Any, inputs: Any, caplog: pytest.LogCaptureFixture) -> None:
    drawn = torch.rand(1, 64, 48, 3)
    _, positive, _ = run(pack, "ApplyInstantID", **inputs, image_kps=drawn)
    assert torch.equal(positive[0][1]["control"].cond_hint_original, drawn.movedim(-1, 1))
    assert "no face in image_kps" in caplog.text


def test_hint_is_black_where_the_first_picture_has_no_face(
    pack: Any, inputs: Any, caplog: pytest.LogCaptureFixture
) -> None:
    inputs["image"] = image_of((), ONE_FACE)
    _, positive, _ = run(pack, "ApplyInstantID", **inputs)
    assert torch.equal(positive[0][1]["control"].cond_hint_original, torch.zeros(1, 3, 512, 512))
    assert "the ControlNet gets a black one" in caplog.text


def test_drawn_keypoints_are_the_control_nodes_hint(pack: Any, inputs: Any) -> None:
    embeds = {"cond": torch.ones(1, 16, 48), "uncond": torch.zeros(1, 16, 48)}
    given = {key: inputs[key] for key in ("control_net", "positive", "negative")}
    drawn = torch.rand(1, 64, 48, 3)
    positive, negative = run(
        pack, "ApplyInstantIDControlNet", face_embeds=embeds, image_kps=drawn, strength=2.5, end_at=0.7, **given
    )
    control = positive[0][1]["control"]
    assert torch.equal(control.cond_hint_original, drawn.movedim(-1, 1))
    assert (control.strength, control.span) == (2.5, (0.0, 0.7))
    assert torch.equal(positive[0][1]["cross_attn_controlnet"], embeds["cond"])
    assert torch.equal(negative[0][1]["cross_attn_controlnet"], embeds["uncond"])


@pytest.mark.parametrize("shape", [(1, 64, 32), None], ids=["mask", "no mask"])
def test_strength_0_of_the_control_node_changes_nothing(pack: Any, inputs: Any, shape: Any) -> None:
    embeds = {"cond": torch.ones(1, 16, 48), "uncond": torch.zeros(1, 16, 48)}
    previous = [[torch.zeros(1, 77, 8), {"control": StandInControlNet()}]]
    given = {"control_net": inputs["control_net"], "positive": previous, "negative": inputs["negative"]}
    if shape is not None:
        given["mask"] = torch.ones(shape)
    result = run(pack, "ApplyInstantIDControlNet", face_embeds=embeds, image_kps=inputs["image"], strength=0.0, **given)
    assert result[0] is previous
    assert result[1] is inputs["negative"]


def test_strength_0_of_apply_runs_no_control_net(pack: Any, inputs: Any) -> None:
    """The rest is as at any strength: the mask confines the prompt, a ControlNet that was there reads the face."""
    earlier, mask = StandInControlNet(), torch.ones(1, 64, 32)
    positive, text = [[torch.zeros(1, 77, 8), {"control": earlier}]], torch.zeros(1, 77, 8)
    positive.append([text, {"pooled_output": 1}])
    _, masked, negative = run(
        pack, "ApplyInstantIDAdvanced", **{**inputs, "positive": positive}, cn_strength=0.0, mask=mask
    )
    assert masked[0][1]["control"] is earlier
    assert masked[0][1]["cross_attn_controlnet"].shape == (1, 16, 48)
    assert masked[0][1]["control_apply_to_uncond"] is False
    assert set(masked[1][1]) == {"pooled_output", "mask", "set_area_to_bounds"}
    assert negative[0][1] == {}


def test_weight_0_leaves_the_model(pack: Any, inputs: Any) -> None:
    model, positive, _ = run(pack, "ApplyInstantIDAdvanced", **inputs, ip_weight=0.0)
    assert model is inputs["model"]
    assert "control" in positive[0][1]
    shared = {key: inputs[key] for key in ("instantid", "insightface", "image", "model")}
    model, embeds = run(pack, "InstantIDAttentionPatch", **shared, weight=0.0)
    assert model is inputs["model"]
    assert embeds["cond"].shape == (1, 16, 48)


def test_drawn_hint_has_its_channels_first_in_memory(pack: Any, inputs: Any) -> None:
    """Convolutions give other last bits on another layout: the published pack's drawn hints are laid out so."""
    (kps,) = run(pack, "FaceKeypointsPreprocessor", faceanalysis=inputs["insightface"], image=inputs["image"])
    assert kps.shape == (1, 512, 512, 3)
    assert kps.movedim(-1, 1).is_contiguous()
    _, positive, _ = run(pack, "ApplyInstantID", **inputs)
    assert positive[0][1]["control"].cond_hint_original.is_contiguous()


def test_calls_of_other_packs(pack: Any, inputs: Any) -> None:
    """By position, and by name without what has a default."""
    first = [inputs[name] for name in ("instantid", "insightface", "control_net", "image", "model")]
    node = pack.NODE_CLASS_MAPPINGS["ApplyInstantID"]()
    both = inputs["positive"], inputs["negative"]
    model, positive, _ = node.apply_instantid(
        *first, *both, 0.0, 1.0, weight=0.8, ip_weight=None, cn_strength=1.0, noise=0.35, image_kps=None, mask=None
    )
    assert len(model.patches) == 60
    assert positive[0][1]["control"].strength == 1.0
    assert len(node.apply_instantid(*first, *both, start_at=0.0, end_at=1.0)[0].patches) == 60
    shared = [inputs[name] for name in ("instantid", "insightface", "image", "model")]
    patched, _ = pack.NODE_CLASS_MAPPINGS["InstantIDAttentionPatch"]().patch_attention(*shared, 1.0, 0.0, 1.0)
    assert len(patched.patches) == 70
