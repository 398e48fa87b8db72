"""What the nodes look like to ComfyUI."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

SPAN = {
    "start_at": ("FLOAT", 0.0, 0.0, 1.0, 0.001),
    "end_at": ("FLOAT", 1.0, 0.0, 1.0, 0.001),
}
APPLY = {
    "instantid": "INSTANTID",
    "insightface": "FACEANALYSIS",
    "control_net": "CONTROL_NET",
    "image": "IMAGE",
    "model": "MODEL",
    "positive": "CONDITIONING",
    "negative": "CONDITIONING",
}
APPLY_OPTIONAL = {"image_kps": "IMAGE", "mask": "MASK", "patch_middle": ("BOOLEAN", False)}

NODES: dict[str, tuple[str, dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    "InstantIDModelLoader": ("Load InstantID Model", {"instantid_file": ["m.bin"]}, {}, ("INSTANTID",)),
    "InstantIDFaceAnalysis": (
        "InstantID Face Analysis",
        {"provider": ["CPU", "CUDA", "ROCM", "CoreML"]},
        {},
        ("FACEANALYSIS",),
    ),
    "FaceKeypointsPreprocessor": (
        "Face Keypoints Preprocessor",
        {"faceanalysis": "FACEANALYSIS", "image": "IMAGE"},
        {},
        ("IMAGE",),
    ),
    "ApplyInstantID": (
        "Apply InstantID",
        {**APPLY, "weight": ("FLOAT", 0.8, 0.0, 5.0, 0.01), **SPAN},
        APPLY_OPTIONAL,
        ("MODEL", "CONDITIONING", "CONDITIONING"),
    ),
    "ApplyInstantIDAdvanced": (
        "Apply InstantID Advanced",
        {
            **APPLY,
            "ip_weight": ("FLOAT", 0.8, 0.0, 3.0, 0.01),
            "cn_strength": ("FLOAT", 0.8, 0.0, 10.0, 0.01),
            **SPAN,
            "noise": ("FLOAT", 0.0, 0.0, 1.0, 0.1),
            "combine_embeds": ["average", "norm average", "concat"],
        },
        APPLY_OPTIONAL,
        ("MODEL", "CONDITIONING", "CONDITIONING"),
    ),
    "InstantIDAttentionPatch": (
        "InstantID Patch Attention",
        {
            "instantid": "INSTANTID",
            "insightface": "FACEANALYSIS",
            "image": "IMAGE",
            "model": "MODEL",
            "weight": ("FLOAT", 1.0, -1.0, 3.0, 0.01),
            **SPAN,
            "noise": ("FLOAT", 0.0, 0.0, 1.0, 0.1),
        },
        {"mask": "MASK"},
        ("MODEL", "FACE_EMBEDS"),
    ),
    "ApplyInstantIDControlNet": (
        "InstantID Apply ControlNet",
        {
            "face_embeds": "FACE_EMBEDS",
            "control_net": "CONTROL_NET",
            "image_kps": "IMAGE",
            "positive": "CONDITIONING",
            "negative": "CONDITIONING",
            "strength": ("FLOAT", 1.0, 0.0, 10.0, 0.01),
            **SPAN,
        },
        {"mask": "MASK"},
        ("CONDITIONING", "CONDITIONING"),
    ),
}


def plain(socket: tuple[Any, ...]) -> Any:
    """A socket as in the table above: its type or choices, with default, least, most and step of a number."""
    kind, *options = socket
    figures = [options[0][key] for key in ("default", "min", "max", "step") if options and key in options[0]]
    return (kind, *figures) if isinstance(kind, str) and figures else kind


def test_all_nodes_are_there(pack: Any) -> None:
    assert set(pack.NODE_CLASS_MAPPINGS) == set(NODES)
    assert {name: node[0] for name, node in NODES.items()} == pack.NODE_DISPLAY_NAME_MAPPINGS


@pytest.mark.parametrize("name", NODES)
def test_sockets(pack: Any, tmp_path: Any, name: str) -> None:
    (tmp_path / "m.bin").touch()
    node = pack.NODE_CLASS_MAPPINGS[name]
    _, required, optional, returns = NODES[name]
    sockets = node.INPUT_TYPES()
    assert {key: plain(socket) for key, socket in sockets["required"].items()} == required
    assert list(sockets["required"]) == list(required), "workflows store values by position"
    assert {key: plain(socket) for key, socket in sockets.get("optional", {}).items()} == optional
    assert returns == node.RETURN_TYPES
    assert len(getattr(node, "RETURN_NAMES", returns)) == len(returns)
    assert node.CATEGORY == "InstantID"


@pytest.mark.parametrize("name", NODES)
def test_function_takes_what_the_sockets_give(pack: Any, tmp_path: Any, name: str) -> None:
    node = pack.NODE_CLASS_MAPPINGS[name]
    sockets = node.INPUT_TYPES()
    parameters = inspect.signature(getattr(node(), node.FUNCTION)).parameters
    assert {*sockets["required"], *sockets.get("optional", {})} <= set(parameters)
    needed = {key for key, parameter in parameters.items() if parameter.default is parameter.empty}
    assert needed <= set(sockets["required"])


@pytest.mark.parametrize("name", NODES)
def test_everything_is_explained(pack: Any, name: str) -> None:
    node = pack.NODE_CLASS_MAPPINGS[name]
    sockets = node.INPUT_TYPES()
    for kind in ("required", "optional"):
        for key, (_, *options) in sockets.get(kind, {}).items():
            assert options, f"{key}: no tooltip"
            assert len(options[0]["tooltip"]) > 10, key
    assert len(node.DESCRIPTION) > 40
    assert len(node.OUTPUT_TOOLTIPS) == len(node.RETURN_TYPES)


# The names and the order that the published pack has, by which other packs and exported scripts call its nodes.
PUBLISHED = {
    ("InstantIDModelLoader", "load_model"): "instantid_file",
    ("InstantIDFaceAnalysis", "load_insight_face"): "provider",
    ("FaceKeypointsPreprocessor", "preprocess_image"): "faceanalysis, image",
    ("ApplyInstantID", "apply_instantid"): "instantid, insightface, control_net, image, model, positive, negative, "
    "start_at, end_at, weight=0.8, ip_weight=None, cn_strength=None, noise=0.35, image_kps=None, mask=None, "
    "combine_embeds='average'",
    ("InstantIDAttentionPatch", "patch_attention"): "instantid, insightface, image, model, weight, start_at, end_at, "
    "noise=0.0, mask=None",
    ("ApplyInstantIDControlNet", "apply_controlnet"): "face_embeds, control_net, image_kps, positive, negative, "
    "strength, start_at, end_at, mask=None",
}
PUBLISHED["ApplyInstantIDAdvanced", "apply_instantid"] = PUBLISHED["ApplyInstantID", "apply_instantid"]


@pytest.mark.parametrize(("node", "function"), PUBLISHED)
def test_published_interface(pack: Any, node: str, function: str) -> None:
    found = pack.NODE_CLASS_MAPPINGS[node]
    assert function == found.FUNCTION
    _, *parameters = inspect.signature(getattr(found, function)).parameters.values()
    bare = [parameter.replace(annotation=parameter.empty) for parameter in parameters]
    ours = [str(parameter) for parameter in bare if parameter.name != "patch_middle"]
    assert ", ".join(ours) == PUBLISHED[node, function]
    assert all(parameter.kind is parameter.POSITIONAL_OR_KEYWORD for parameter in parameters)
    if "patch_middle" in {parameter.name for parameter in parameters}:
        assert str(bare[-1]) == "patch_middle=False", "last: the others are counted from the front"


def test_every_node_is_in_the_published_interface() -> None:
    assert {node for node, _ in PUBLISHED} == set(NODES)
