"""What is measured where a GPU is at hand runs without one too, as far as it can."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import gpu, step_share
from tests.runtime.conftest import CLOSE_UP, ONE_FACE, ROOT, TWO_FACES
from tests.support.command import environment
from tests.support.devices import GPU
from tests.support.faces import StandInAnalysis
from tests.support.pictures import make_picture


def test_a_step_is_the_same_with_both_packs() -> None:
    """In a process of its own: it puts a stand-in in ComfyUI's place."""
    ran = subprocess.run(
        [sys.executable, "benchmarks/step_share.py", "--steps", "1", "--repeats", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "same outputs, bit for bit: yes" in ran.stdout
    assert "the waits' share of a step" in ran.stdout


def test_the_share_is_of_the_original() -> None:
    seconds = {"without": 0.05, "before": 0.1, "after": 0.08}
    result = {"device": "a card", "steps": 1, "seconds": seconds, "same": True, "acts": True}
    spread = {name: [each, each * 2] for name, each in seconds.items()}
    said = step_share.lines({**result, "spread": spread})
    assert "the waits' share of a step: 20.0 %" in said
    assert "before     100.00 ms a step (100.00 to 200.00)" in said


def test_every_test_that_needs_a_gpu_is_among_the_parts() -> None:
    """Other files may need packages that are not on such a machine, so they are not even collected."""
    files = gpu.gpu_tests()
    assert {"tests/runtime/test_regression.py", "tests/trace/test_recorded.py"} <= set(files)
    assert all("needs_gpu" in (ROOT / each).read_text("utf-8") for each in files)


def test_all_parts_end_within_eight_minutes(tmp_path: Path) -> None:
    assert sum(limit for limit, _ in gpu.parts(tmp_path).values()) <= gpu.LIMIT <= 480


@pytest.mark.skipif(GPU, reason="there is a GPU here")
def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/gpu.py", "--out", tmp_path]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "there is no GPU here" in ran.stderr


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("print('done')", 0, "done"),
        ("import sys; sys.exit('no memory')", 1, "no memory"),
        ("import time; print('begun', flush=True); time.sleep(600)", None, "begun"),
        ("import packages_of_the_machine, transfer_lint, transfer_codemods; print('found')", 0, "found"),
    ],
    ids=["ends", "fails", "hangs", "imports"],
)
def test_a_part_is_reported_whatever_becomes_of_it(
    program: str, code: int | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packages_of_the_machine.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for limit in [2.0, 16.0, 128.0] if code is None else [600.0]:  # a busy machine may not begin at once
        result = gpu.run(("-c", program), limit)
        if said in str(result["said"]):
            break
    assert result["code"] == code
    assert said in str(result["said"])
    page = gpu.page("a card", {"a part": result})
    assert said in page
    assert ("did not end in time" if code is None else f"exit {code}") in page


@pytest.mark.parametrize(
    ("patches", "size", "count"),
    [((), 640, 0), (ONE_FACE, 640, 1), (TWO_FACES, 640, 2), (CLOSE_UP, 640, 0), (CLOSE_UP, 192, 1)],
    ids=["none", "one", "two", "a close-up", "a close-up, small"],
)
def test_stand_in_finds_faces(patches: Any, size: int, count: int) -> None:
    analysis = StandInAnalysis()
    analysis.det_model.input_size = (size, size)
    picture = np.ascontiguousarray(make_picture(patches=patches)[..., ::-1])
    faces = analysis.get(picture)
    assert len(faces) == count
    for face, (x, y, radius) in zip(faces, patches, strict=False):
        assert face.bbox.tolist() == [x - radius, y - radius, x + radius + 1, y + radius + 1]
        assert face.embedding.shape == (512,)
        assert np.array_equal(analysis.get(picture)[0].embedding, faces[0].embedding)


ABSENT = ("insightface", "onnx", "onnxruntime", "cv2", "safetensors", "skimage", "scipy", "libcst", "jinja2", "msgspec")
BARE = f"import sys\nfor name in {ABSENT!r}:\n    sys.modules[name] = None\n"


def bare(tmp_path: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python as on a machine with a GPU and nothing to install from: with torch, numpy and click."""
    (tmp_path / "sitecustomize.py").write_text(BARE, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(PYTHONPATH=path, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        capture_output=True,
        text=True,
        check=False,
    )


def test_scenarios_run_with_torch_and_numpy_alone(tmp_path: Path) -> None:
    scenario = ROOT / "tests" / "runtime" / "scenarios" / "repeated.py"
    ran = bare(tmp_path, *gpu.VERIFY, "--scenario", scenario, "--no-timing", "--repeat", "1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "the same, and no worse" in ran.stdout


def test_tests_that_need_a_gpu_are_collected_with_pytest_besides(tmp_path: Path) -> None:
    ran = bare(tmp_path, *gpu.PYTEST, "--collect-only", *gpu.gpu_tests())
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "test_the_same_bit_for_bit" in ran.stdout
