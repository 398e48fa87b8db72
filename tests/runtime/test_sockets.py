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
    if not isinstance(kind, str) or not options:
        return kind
    return (kind, *(options[0][key] for key in ("default", "min", "max", "step") if key in options[0]))


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
    assert set(parameters) == {*sockets["required"], *sockets.get("optional", {})}
    needed = {key for key, parameter in parameters.items() if parameter.default is parameter.empty}
    assert needed == set(sockets["required"])
