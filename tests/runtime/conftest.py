from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from tests.support.pictures import make_picture
from tests.support.stand_in_comfy import StandInControlNet, StandInModel

ROOT = Path(__file__).parents[2]
ORIGINAL = ROOT / "fixtures" / "instantid_original"
GENERATED = ROOT / "runtime" / "instantid_runtime"
NARROW, WIDE, TOKENS_WIDTH = 32, 64, 48
"""Widths of the small model: of its layers (instead of 640 and 1280) and of a face token (instead of 2048)."""

CLOSE_UP = ((256, 256, 150),)
TWO_FACES = ((110, 130, 40), (380, 360, 60))


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Tensors as small as these are slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def load_original() -> ModuleType:
    name = "instantid_original"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, ORIGINAL / "__init__.py", submodule_search_locations=[str(ORIGINAL)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


PACKS = ["original", *(["runtime"] if (GENERATED / "__init__.py").exists() else [])]


@pytest.fixture(params=PACKS)
def pack(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The node pack, and what was generated from it, on the CPU in float32 with model folders of the test's own."""
    module: Any = load_original() if request.param == "original" else importlib.import_module("instantid_runtime")
    management = module.host.comfy.model_management
    monkeypatch.setattr(management, "get_torch_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(management, "should_use_fp16", lambda: False)
    monkeypatch.setattr(management, "unet_dtype", lambda: torch.float32)
    monkeypatch.setattr(module.host.folder_paths, "models_dir", str(tmp_path))
    monkeypatch.setitem(
        module.host.folder_paths.folder_names_and_paths, "instantid", ([str(tmp_path)], {".bin", ".safetensors"})
    )
    return module


@pytest.fixture(scope="session")
def antelope(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of a small antelopev2."""
    from tests.support.synthetic_antelope import make_pack  # needs onnx, which few of these tests need

    root = tmp_path_factory.mktemp("insightface")
    make_pack(root)
    return root


@pytest.fixture(scope="session")
def analysis(antelope: Path) -> Any:
    """The real FaceAnalysis over the small antelopev2, without the models whose answers nobody reads."""
    from insightface.app import FaceAnalysis

    loaded = FaceAnalysis(
        name="antelopev2",
        root=str(antelope),
        allowed_modules=["detection", "recognition"],
        providers=["CPUExecutionProvider"],
    )
    loaded.prepare(ctx_id=0, det_size=(640, 640))
    return loaded


def image_of(*pictures: tuple[tuple[int, int, int], ...], seed: int = 0) -> torch.Tensor:
    """An IMAGE [B, 512, 512, 3] with faces (x, y, radius) in each picture."""
    made = [torch.from_numpy(make_picture(patches=patches, seed=seed)) for patches in pictures]
    return torch.stack(made).float() / 255


ONE_FACE = ((256, 256, 40),)


@pytest.fixture
def image() -> torch.Tensor:
    return image_of(ONE_FACE)


def small_model(pack: Any, *, seed: int = 0, layers: int = 70) -> Any:
    """An InstantID model of small widths with weights large enough to be seen in the result."""
    sizes = pack.model.Sizes(
        pack.resampler.ResamplerSizes(width=128, inner=128, hidden=256, depth=2, output=TOKENS_WIDTH),
        tuple(NARROW if width == 640 else WIDE for width in pack.model.SDXL_WIDTHS[:layers]),
    )
    instantid = pack.model.InstantID(sizes)
    generator = torch.Generator().manual_seed(seed)
    for parameter in instantid.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return instantid


@pytest.fixture
def instantid(pack: Any) -> Any:
    return small_model(pack)


def run(pack: Any, name: str, **inputs: Any) -> Any:
    """Call a node as ComfyUI does: defaults for numbers and choices, then what is given."""
    node = pack.NODE_CLASS_MAPPINGS[name]
    values: dict[str, Any] = {}
    for key, (kind, *options) in node.INPUT_TYPES()["required"].items():
        if options and "default" in options[0]:
            values[key] = options[0]["default"]
        elif not isinstance(kind, str):
            values[key] = kind[0]
    return getattr(node(), node.FUNCTION)(**{**values, **inputs})


@pytest.fixture
def inputs(instantid: Any, analysis: Any, image: torch.Tensor) -> dict[str, Any]:
    """What both Apply nodes need."""
    torch.manual_seed(8)
    return {
        "instantid": instantid,
        "insightface": analysis,
        "control_net": StandInControlNet(),
        "image": image,
        "model": StandInModel(),
        "positive": [[torch.randn(1, 77, 8), {"pooled_output": 1}]],
        "negative": [[torch.randn(1, 77, 8), {}]],
    }
