"""A tiny stand-in for insightface's `antelopev2`: five real ONNX files (3 MB), made in half a second.

With them `FaceAnalysis(name="antelopev2", root=ROOT, providers=["CPUExecutionProvider"])` runs the real insightface and
onnxruntime code and downloads nothing. This works with insightface 0.7.3 to 2.1.

The detector finds a face where a compact red patch stands out from its surroundings. Several patches give several
faces, a bigger patch gives a bigger box, no patch gives no face. A patch that fills the frame is found only at a lower
detection size, as close-ups are. Keypoints are ArcFace's template scaled to the box. The embedding is a fixed random
projection of the aligned crop: 512 numbers of norm about 20.

insightface tells models apart by their inputs and outputs. Five or more outputs: a detector. An input of 192x192:
landmarks. An input of 96x96: gender and age. A square input of 112 or more, divisible by 16, and one output:
recognition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)
COARSEST = STRIDES[-1]
Array = npt.NDArray[Any]
# Where ArcFace expects eyes, nose and corners of the mouth in its crop of 112 x 112.
ARCFACE_POINTS = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    dtype=np.float32,
)


def make_pack(root: Path, seed: int = 0) -> Path:
    """Write the five models to ROOT/models/antelopev2; returns that folder."""
    folder = root / "models" / "antelopev2"
    folder.mkdir(parents=True, exist_ok=True)
    _write_detector(folder / "scrfd_10g_bnkps.onnx")
    _write_projection(folder / "glintr100.onnx", 112, 512, seed + 1, scale=0.15, bias=0.05)
    _write_projection(folder / "1k3d68.onnx", 192, 3309, seed + 2, scale=0.01, bias=0.3)
    _write_projection(folder / "2d106det.onnx", 192, 212, seed + 3, scale=0.01, bias=0.3)
    _write_projection(folder / "genderage.onnx", 96, 3, seed + 4, scale=0.01, bias=0.3)
    return folder


class _Graph:
    """ONNX nodes named after their one output, and their constants."""

    def __init__(self, constants: Mapping[str, Array]) -> None:
        self.constants = constants
        self.nodes: list[onnx.NodeProto] = []

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def save(self, path: Path, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        tensors = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in self.constants.items()]
        graph = helper.make_graph(self.nodes, path.stem, inputs, outputs, initializer=tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="synthetic")
        model.ir_version = 8  # old enough for every onnxruntime that insightface works with
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, str(path))


def _floats(name: str, shape: Sequence[int | str]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _write_detector(path: Path) -> None:
    """Nine outputs: scores, boxes and keypoints at strides 8, 16 and 32, two anchors a cell.

    Boxes are distances (left, top, right, bottom) and keypoints offsets, both from the cell's top-left corner in
    units of the stride.
    """
    graph = _Graph(
        {
            # red - (green + blue) / 2, scaled so that pure red on anything grey is 1
            "red_w": (np.array([1.0, -0.5, -0.5], np.float32) / 1.9921875).reshape(1, 3, 1, 1),
            "column": np.array([-1, 1], np.int64),
            "box_rows": np.array([-1, 4], np.int64),
            "kps_rows": np.array([-1, 10], np.int64),
            "threshold": np.array(0.5, np.float32),
            "second_anchor": np.array(0.9, np.float32),
            "gain": np.array(12.0, np.float32),
            "never": np.array(0.0, np.float32),
            "half_base": np.array(2.0, np.float32),
            "half_gain": np.array(10.0, np.float32),
            "box_mul": np.ones((1, 4), np.float32),
            "box_add": np.array([[-0.5, -0.5, 0.5, 0.5]], np.float32),  # the box's centre is the cell's
            "kps_mul": ((ARCFACE_POINTS - 56.0) / 56.0).reshape(1, 10),
            "kps_add": np.full((1, 10), 0.5, np.float32),
        }
    )
    red = graph.node("Conv", ["input.1", "red_w"], "red")
    outputs: dict[str, list[Any]] = {"score": [], "box": [], "kps": []}
    for stride in STRIDES:
        inner = graph.node(
            "AveragePool", [red], f"inner_{stride}", kernel_shape=[stride, stride], strides=[stride, stride]
        )
        surround = graph.node(
            "AveragePool", [inner], f"surround_{stride}", kernel_shape=[5, 5], pads=[2, 2, 2, 2], count_include_pad=1
        )
        contrast = graph.node("Sub", [inner, surround], f"contrast_{stride}")
        excess = graph.node("Sub", [contrast, "threshold"], f"excess_{stride}")
        logit = graph.node("Mul", [excess, "gain"], f"logit_{stride}")
        score = graph.node("Sigmoid", [logit], f"sigmoid_{stride}")
        if stride != COARSEST:  # only one stride gives a score, so that a patch gives one face
            score = graph.node("Mul", [score, "never"], f"silent_{stride}")
        first = graph.node("Reshape", [score, "column"], f"first_{stride}")
        second = graph.node("Mul", [first, "second_anchor"], f"second_{stride}")
        both = graph.node("Concat", [first, second], f"both_{stride}", axis=1)
        graph.node("Reshape", [both, "column"], f"score_{stride}")
        outputs["score"].append(_floats(f"score_{stride}", [f"n{stride}", 1]))

        level = graph.node("Reshape", [surround, "column"], f"level_{stride}")
        grown = graph.node("Mul", [level, "half_gain"], f"grown_{stride}")
        half = graph.node("Add", [grown, "half_base"], f"half_{stride}")
        for kind, width in (("box", 4), ("kps", 10)):
            scaled = graph.node("Mul", [half, f"{kind}_mul"], f"{kind}_scaled_{stride}")
            placed = graph.node("Add", [scaled, f"{kind}_add"], f"{kind}_placed_{stride}")
            twice = graph.node("Concat", [placed, placed], f"{kind}_twice_{stride}", axis=1)
            graph.node("Reshape", [twice, f"{kind}_rows"], f"{kind}_{stride}")
            outputs[kind].append(_floats(f"{kind}_{stride}", [f"n{stride}", width]))
    graph.save(
        path,
        [_floats("input.1", [1, 3, "height", "width"])],
        [*outputs["score"], *outputs["box"], *outputs["kps"]],
    )


def _write_projection(path: Path, size: int, width: int, seed: int, *, scale: float, bias: float) -> None:
    """[N, 3, size, size] -> a coarse average -> a fixed random projection [N, width].

    No node's name starts with Sub or Mul, so that insightface keeps its own normalisation of the pixels.
    """
    cell = size // 7 if size % 7 == 0 else size // 8
    rng = np.random.default_rng(seed)
    graph = _Graph(
        {
            "w": (rng.standard_normal(((size // cell) ** 2 * 3, width)) * scale).astype(np.float32),
            "b": (rng.standard_normal(width) * bias).astype(np.float32),
        }
    )
    pooled = graph.node("AveragePool", ["data"], "pooled", kernel_shape=[cell, cell], strides=[cell, cell])
    flat = graph.node("Flatten", [pooled], "flat", axis=1)
    graph.node("Gemm", [flat, "w", "b"], "out")
    graph.save(path, [_floats("data", ["N", 3, size, size])], [_floats("out", ["N", width])])
