"""Finding faces with the real insightface and onnxruntime, and saying what is wrong with them."""

from __future__ import annotations

import copy
import logging
import shutil
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.runtime.conftest import CLOSE_UP, ONE_FACE, TWO_FACES, image_of

EMPTY: tuple[tuple[int, int, int], ...] = ()


@pytest.fixture
def installed(pack: Any, antelope: Path) -> Path:
    """The small antelopev2 where the pack looks for it."""
    root = Path(pack.host.insightface_root())
    shutil.copytree(antelope, root)
    return root / "models" / "antelopev2"


def load(pack: Any, provider: str) -> Any:
    return pack.NODE_CLASS_MAPPINGS["InstantIDFaceAnalysis"]().load_insight_face(provider)[0]


def test_node_loads_insightface(pack: Any, installed: Path, caplog: pytest.LogCaptureFixture) -> None:
    analysis = load(pack, "CPU")
    assert set(analysis.models) == {"detection", "recognition", "landmark_3d_68", "landmark_2d_106", "genderage"}
    assert tuple(analysis.det_model.input_size) == (640, 640)
    assert not caplog.records


def test_nested_folder_is_taken_as_it_is(pack: Any, installed: Path, image: torch.Tensor) -> None:
    """antelopev2's archive unpacks to a folder of its own name inside the folder that insightface looks into."""
    straight = pack.faces.extract_features(load(pack, "CPU"), image)
    nested = installed / "antelopev2"
    nested.mkdir()
    for file in installed.glob("*.onnx"):
        file.rename(nested / file.name)
    assert torch.equal(pack.faces.extract_features(load(pack, "CPU"), image), straight)


def test_nested_folder_of_a_download_is_taken_too(pack: Any, antelope: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import insightface.utils

    def download(kind: str, name: str, root: str) -> None:
        shutil.copytree(antelope / "models" / "antelopev2", Path(root, kind, name, name))

    monkeypatch.setattr(insightface.utils, "ensure_available", download)
    assert "recognition" in load(pack, "CPU").models


def test_empty_model_folder_is_said_so(pack: Any, installed: Path) -> None:
    for file in installed.glob("*.onnx"):
        file.rename(file.with_suffix(".txt"))
    with pytest.raises(FileNotFoundError, match=r"no \.onnx files in .*antelopev2"):
        load(pack, "CPU")


@pytest.mark.parametrize(
    ("task", "file", "published"),
    [
        ("detection", "scrfd_10g_bnkps.onnx", "scrfd_10g_bnkps.onnx"),
        ("recognition", "glintr100.onnx", "glintr100.onnx"),
    ],
)
def test_missing_model_is_named(pack: Any, installed: Path, task: str, file: str, published: str) -> None:
    (installed / file).unlink()
    with pytest.raises(FileNotFoundError, match=f"no model for {task} in .*antelopev2: {published}"):
        load(pack, "CPU")


@pytest.mark.parametrize("name", ["insightface.app", "onnxruntime"])
def test_missing_package_is_said_so(pack: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"python -m pip install insightface onnxruntime-gpu") as caught:
        load(pack, "CPU")
    assert name in str(caught.value)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_silent_cpu_fallback_is_said_so(pack: Any, installed: Path, caplog: pytest.LogCaptureFixture) -> None:
    import onnxruntime

    if "ROCMExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has ROCm")
    load(pack, "ROCM")
    (warning,) = (record.getMessage() for record in caplog.records if "InstantID" in record.getMessage())
    assert "runs on the CPU instead of ROCMExecutionProvider" in warning
    assert "recognition" in warning
    assert "CPUExecutionProvider. Mend: install a build of onnxruntime with ROCMExecutionProvider" in warning


def sessions(*providers: str) -> Any:
    return SimpleNamespace(
        models={
            f"task {i}": SimpleNamespace(session=SimpleNamespace(get_providers=lambda p=p: [p, "CPUExecutionProvider"]))
            for i, p in enumerate(providers)
        }
    )


CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


@pytest.mark.parametrize(
    ("distributions", "mend"),
    [
        pytest.param(
            {"onnxruntime", "onnxruntime-gpu"},
            "both installed and the CPU build wins. Mend: pip uninstall -y onnxruntime onnxruntime-gpu "
            "&& pip install onnxruntime-gpu",
            id="both",
        ),
        pytest.param(
            {"onnxruntime"}, "Mend: pip uninstall -y onnxruntime && pip install onnxruntime-gpu", id="CPU build alone"
        ),
        pytest.param({"onnxruntime-gpu"}, 'Mend: pip install "onnxruntime-gpu[cuda,cudnn]"', id="no CUDA libraries"),
    ],
)
def test_mend_of_lost_cuda(pack: Any, monkeypatch: pytest.MonkeyPatch, distributions: set[str], mend: str) -> None:
    monkeypatch.setattr(pack.faces, "_installed", distributions.__contains__)
    trouble = pack.faces.provider_trouble(sessions(CUDA, CPU), CUDA)
    assert trouble.startswith("insightface runs on the CPU instead of CUDAExecutionProvider (task 1): ")
    assert trouble.endswith(mend)


def test_no_trouble_where_the_provider_runs(pack: Any) -> None:
    assert pack.faces.provider_trouble(sessions(CUDA, CUDA), CUDA) is None


def test_installed_asks_the_environment(pack: Any) -> None:
    assert pack.faces._installed("pytest")
    assert not pack.faces._installed("no-such-distribution")


def test_pictures_are_bytes_with_blue_first(pack: Any) -> None:
    image = torch.tensor([[0.0, 0.5, 1.0, 0.25], [-1.0, 2.0, 0.999, 1.0]]).reshape(1, 1, 2, 4)
    (picture,) = pack.faces.bgr_pictures(image)
    assert picture.dtype == np.uint8
    assert picture.tolist() == [[[255, 127, 0], [254, 255, 0]]]
    assert picture.flags.c_contiguous


def test_features_are_one_row_per_picture_with_a_face(pack: Any, analysis: Any) -> None:
    features = pack.faces.extract_features(analysis, image_of(ONE_FACE, EMPTY, ((200, 300, 50),)))
    assert features.shape == (2, 1, 512)
    assert features.dtype == torch.float32
    alone = pack.faces.extract_features(analysis, image_of(((200, 300, 50),)))
    assert torch.equal(features[1:], alone)
    assert not torch.equal(features[0], features[1])


def test_features_are_insightfaces_embedding_of_the_largest_face(pack: Any, analysis: Any) -> None:
    image = image_of(TWO_FACES)
    (picture,) = pack.faces.bgr_pictures(image)
    small, large = sorted(analysis.get(picture), key=lambda face: face.bbox[2] - face.bbox[0])
    assert np.array_equal(pack.faces.extract_features(analysis, image)[0, 0].numpy(), large.embedding)
    assert not np.array_equal(small.embedding, large.embedding)


def test_close_up_is_found_at_a_lower_size(pack: Any, analysis: Any, caplog: pytest.LogCaptureFixture) -> None:
    (picture,) = pack.faces.bgr_pictures(image_of(CLOSE_UP))
    assert not analysis.get(picture), "found at once: the fallback would not be tried"
    before = copy.copy(vars(analysis.det_model))
    assert pack.faces.largest_face(analysis, picture) is not None
    assert "detection size lowered to 192 x 192" in caplog.text
    assert vars(analysis.det_model) == before, "the next picture must start from the full size"


def test_insightfaces_own_warnings_are_not_passed_on(pack: Any, recwarn: pytest.WarningsRecorder) -> None:
    class Warns:
        det_model = SimpleNamespace(input_size=(640, 640))

        def get(self, picture: Any) -> list[Any]:
            warnings.warn("`estimate` is deprecated", FutureWarning, stacklevel=1)
            warnings.warn("this is another matter", RuntimeWarning, stacklevel=1)
            return [SimpleNamespace(bbox=np.zeros(4))]

    assert pack.faces.largest_face(Warns(), np.zeros((8, 8, 3), np.uint8)) is not None
    assert [str(each.message) for each in recwarn] == ["this is another matter"]


def test_full_size_is_not_worth_a_word(pack: Any, analysis: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger=pack.faces.__name__)
    pack.faces.extract_features(analysis, image_of(ONE_FACE))
    assert not [record for record in caplog.records if record.name == pack.faces.__name__]


@pytest.mark.parametrize("attributes", [("input_size",), ("input_size", "input_sizes")], ids=["0.7", "1 and 2"])
def test_sizes_fall_in_steps_of_64(pack: Any, attributes: tuple[str, ...]) -> None:
    detector = SimpleNamespace(**dict.fromkeys(attributes, "as prepared"))
    tried: list[Any] = []

    def get(picture: Any) -> list[Any]:
        tried.append([getattr(detector, name) for name in attributes])
        return []

    analysis = SimpleNamespace(det_model=detector, get=get)
    assert pack.faces.largest_face(analysis, np.zeros((8, 8, 3), np.uint8)) is None
    sizes = [640, 576, 512, 448, 384, 320, 256, 192]
    assert tried == [[(size, size), [(size, size)]][: len(attributes)] for size in sizes]
    assert vars(detector) == dict.fromkeys(attributes, "as prepared")


def test_no_face_is_an_error(pack: Any, analysis: Any) -> None:
    with pytest.raises(pack.faces.NoFaceError, match="Reference image: no face"):
        pack.faces.extract_features(analysis, image_of(EMPTY, EMPTY))
