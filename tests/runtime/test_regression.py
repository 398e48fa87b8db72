"""What was generated computes what its original computes, bit for bit, in every scenario; and moves less.

The scenarios are files for `transfer-lint verify`, run here as a user runs them: on the CPU, on a simulated
accelerator, and on a GPU where there is one.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.conftest import GENERATED, ORIGINAL
from tests.support.command import lint
from tests.support.devices import needs_gpu

FOLDER = Path(__file__).parent / "scenarios"
PARTS = ("instantid", "instantid_own")
MODES = {
    "cpu": ["--no-timing", "--repeat", "1"],
    "simulated": ["--simulate", "cuda", "--ignore-devices", "--repeat", "1"],
    "gpu": ["--ignore-devices", "--repeat", "3"],
}
HERE = [
    pytest.param("cpu"),
    pytest.param("simulated"),
    pytest.param("gpu", marks=[pytest.mark.gpu, needs_gpu]),
]
MOVED = "['cross_attn_controlnet']"
"""Outputs that the pack keeps on the device on purpose: what the fix of TL104 is for."""


@dataclass(frozen=True)
class Report:
    code: int
    value: dict[str, Any]

    def row(self, name: str) -> dict[str, Any]:
        (found,) = (row for row in self.value["rows"] if row["name"] == name)
        return found  # type: ignore[no-any-return]

    def outputs(self, side: str, function: str) -> dict[str, dict[str, Any]]:
        assert "error" not in self.value, self.value["error"]
        leaves = self.value[side]["outputs"]
        return {each["path"]: each for each in leaves if each["path"].split("[")[0].split(".")[0] == function}


@cache
def verified(mode: str) -> Report:
    scenario = FOLDER / "everything.py"
    thin = {"SCENARIO_THIN": "1"} if mode == "simulated" else {}
    options = (*MODES[mode], "--format", "json")
    ran = lint("verify", ORIGINAL, GENERATED, "--scenario", scenario, *options, cwd=FOLDER, **thin)
    return Report(ran.code, json.loads(ran.out) if ran.code in (0, 1) else {"error": ran.err})


def functions() -> list[str]:
    bodies = [ast.parse((FOLDER / f"{part}.py").read_text(encoding="utf-8")).body for part in PARTS]
    return [
        node.name
        for body in bodies
        for node in body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


@pytest.mark.parametrize("mode", HERE)
@pytest.mark.parametrize("function", functions())
def test_the_same_bit_for_bit(function: str, mode: str) -> None:
    report = verified(mode)
    before, after = (report.outputs(side, function) for side in ("original", "fixed"))
    assert before, "the scenario returned nothing"
    assert before.keys() == after.keys()
    for path, leaf in before.items():
        for what in ("kind", "dtype", "shape", "digest", "flags"):
            assert leaf[what] == after[path][what], f"{path}: {what}"


@pytest.mark.parametrize("mode", HERE)
def test_the_same_and_no_worse(mode: str) -> None:
    report = verified(mode)
    assert report.value["verdict"] == "the same, and no worse"
    assert report.code == 0
    assert report.row("random numbers")["good"] is True
    assert report.value["original"]["not_compared"] == []


def test_other_devices_are_those_of_the_face_tokens() -> None:
    value = verified("simulated").value
    after = {leaf["path"]: leaf["device"] for leaf in value["fixed"]["outputs"]}
    other = {leaf["path"]: (leaf["device"], after[leaf["path"]]) for leaf in value["original"]["outputs"]
             if leaf["device"] != after[leaf["path"]]}  # fmt: skip
    assert other
    assert all(path.endswith(MOVED) for path in other)
    assert set(other.values()) == {("cpu", "cuda:0")}


@pytest.mark.parametrize("figure", ["transfers", "nbytes", "waits", "idle"])
def test_less_of_everything(figure: str) -> None:
    value = verified("simulated").value
    before, after = (value[side]["calls"][0][figure] for side in ("original", "fixed"))
    assert after < before


def test_nothing_leaks() -> None:
    ran = lint(
        "verify", ORIGINAL, GENERATED, "--scenario", FOLDER / "repeated.py", "--simulate", "cuda", "--ignore-devices",
        "--repeat", "4", "--format", "json", cwd=FOLDER, expect=0,
    )  # fmt: skip
    report = Report(ran.code, json.loads(ran.out))
    assert report.row("leaks") == {
        "name": "leaks",
        "original": "0 B",
        "fixed": "0 B",
        "verdict": "none new",
        "good": True,
        "cost": True,
    }
    assert {call["left_memory"] for call in report.value["fixed"]["calls"]} != {0}
    assert report.row("calls")["verdict"] == "every call returns the same"
