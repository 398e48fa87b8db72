"""Transfers and waits are filed under named parts of a run: regions, and the nodes and phases of ComfyUI."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

import pytest
import torch

import transfer_lint
from tests.support.command import ROOT, Ran, environment, lint
from tests.trace.test_command import page_of
from transfer_lint.evidence.model import Trace
from transfer_lint.evidence.regions import by_region, walk
from transfer_lint.report import trace_text

COMFYUI = ROOT / "tests" / "support" / "small_comfyui"
WORKFLOW = {
    "1": {"class_type": "Load", "inputs": {}, "_meta": {"title": "Load"}},
    "7": {"class_type": "Sample", "inputs": {"model": ["1", 0], "steps": 3}, "_meta": {"title": "My sampler"}},
}


def figures(trace: Trace) -> dict[str, tuple[int, int, int]]:
    """Names of regions, joined -> (to the device, to the host, waits)."""
    return {
        " / ".join(region.name for region in part.regions): (part.to_device, part.to_host, part.waits)
        for part in walk(by_region(trace))
    }


def test_regions_nest_and_belong_to_their_thread() -> None:
    def fails(x: torch.Tensor) -> None:
        with transfer_lint.region("decode"):
            x.cpu()
            raise ValueError("broken")

    def elsewhere() -> None:
        torch.ones(2).to("cuda:0")

    with transfer_lint.trace(simulated="cuda") as t:
        with transfer_lint.region("encode"):
            x = torch.ones(4).to("cuda:0")
            with transfer_lint.region("check"):
                x.sum().item()
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
        with pytest.raises(ValueError, match="broken"):
            fails(x)
        x.cpu()
    assert figures(t.result()) == {
        "encode": (1, 0, 2),
        "encode / check": (0, 0, 1),
        "decode": (0, 1, 1),
        "outside of all that has a name": (1, 1, 2),
    }
    text = t.report()
    assert "encode" in text
    assert "  check" in text


def test_without_a_trace_a_region_is_nothing() -> None:
    with transfer_lint.region("encode"):
        assert torch.ones(2).sum() == 2


def test_parts_of_a_module_and_of_a_pipeline() -> None:
    class Half(torch.nn.Module):
        def __init__(self, fails: bool = False) -> None:
            super().__init__()
            self.fails = fails

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.sum().item() < 0 or self.fails:
                raise ValueError("broken")
            return x

    pipeline = types.SimpleNamespace(components={"unet": Half(), "vae": Half(fails=True), "tokenizer": object()})
    model = torch.nn.Sequential(Half(), Half())
    with transfer_lint.trace(simulated="cuda") as t:
        x = torch.ones(4).to("cuda:0")
        with transfer_lint.module_regions(model), transfer_lint.module_regions(pipeline):
            model(x)
            pipeline.components["unet"](x)  # type: ignore[operator]
            with pytest.raises(ValueError, match="broken"):
                pipeline.components["vae"](x)  # type: ignore[operator]
            x.sum().item()
        model(x)
    waits = {name: found[2] for name, found in figures(t.result()).items()}
    assert waits == {"0": 1, "1": 1, "unet": 1, "vae": 1, "outside of all that has a name": 4}


def test_lightning(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("lightning.pytorch")
    module.Callback = type("Callback", (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lightning", types.ModuleType("lightning"))
    monkeypatch.setitem(sys.modules, "lightning.pytorch", module)
    callback = transfer_lint.lightning_callback()
    with transfer_lint.trace(simulated="cuda") as t:
        callback.on_train_epoch_start(None, None)
        for number in range(2):
            callback.on_train_batch_start(None, None, None, number)
            torch.ones(2).to("cuda:0")
            callback.on_train_batch_end(None, None, None, None, number)
        torch.ones(2).to("cuda:0").cpu()
        callback.on_train_epoch_end(None, None)
    assert figures(t.result()) == {"train epoch": (3, 1, 4), "train epoch / train step": (2, 0, 2)}


def run(tmp_path: Path, *options: str, workflow: Any = WORKFLOW, comfyui: Path = COMFYUI, expect: int = 0) -> Ran:
    (tmp_path / "api.json").write_text(json.dumps(workflow), encoding="utf-8")
    simulate = ("--simulate", "cuda", "--workflow", "api.json", "--comfyui", str(comfyui))
    return lint("trace", *simulate, *options, cwd=tmp_path, expect=expect)


def test_a_workflow_by_node_and_phase(tmp_path: Path) -> None:
    ran = run(tmp_path, "--workflow", "api.json", "--format", "json", "--", "--says", "hello")
    value = json.loads(ran.out)
    assert "ComfyUI says hello" in ran.err
    found = {
        " / ".join(region["name"] for region in part["regions"]): (part["to_device"], part["reads"], part["waits"])
        for part in value["parts"]
    }
    assert found == {  # the workflow was queued twice, with three steps of two layers each
        "Sample": (18, 12, 32),
        "Sample / loading": (4, 0, 4),
        "Sample / per step": (6, 0, 6),
        "Sample / per layer": (0, 12, 12),
        "Sample / node run": (8, 0, 10),
    }
    node = value["parts"][0]["regions"][0]
    assert node == {"kind": "node", "name": "Sample", "id": "7", "title": "My sampler"}
    reads = [entry for entry in value["entries"] if entry["kind"] == "read"]
    assert {entry["runs"] for entry in reads} == {2}
    assert {entry["most"] for entry in reads} == {6}


def test_text_and_page(tmp_path: Path) -> None:
    text = run(tmp_path).out
    assert 'Sample #7 "My sampler"' in text
    assert "per layer" in text
    assert re.search(r"attention.py:\d+ BasicTransformerBlock.forward: 6 waits, 24 B\n", text), text
    page = page_of(run(tmp_path, "--format", "html").out)
    assert 'Sample #7 "My sampler"' in page.text
    strips = [
        attributes["aria-label"] for tag, attributes in page.tags if tag == "svg" and attributes["class"] == "strip"
    ]
    assert 'when Sample #7 "My sampler" moved data' in strips


def test_a_node_that_fails(tmp_path: Path) -> None:
    ran = run(tmp_path, workflow={**WORKFLOW, "9": {"class_type": "Fail", "inputs": {}}}, expect=1)
    assert "api.json: node 9 (Fail): ValueError: broken" in ran.err
    assert 'Sample #7 "My sampler"' in ran.out


@pytest.mark.parametrize(
    ("workflow", "said", "code"),
    [
        ({"3": {"class_type": "Unknown", "inputs": {}}}, "node 3 (Unknown): Unknown node", 1),
        ({"nodes": [], "links": []}, "is no workflow in the API format; save it in ComfyUI with Export (API)", 2),
    ],
)
def test_a_workflow_that_is_refused(tmp_path: Path, workflow: Any, said: str, code: int) -> None:
    assert said in run(tmp_path, workflow=workflow, expect=code).err


def test_a_folder_without_comfyui(tmp_path: Path) -> None:
    assert "holds no main.py; give ComfyUI's folder" in run(tmp_path, comfyui=tmp_path, expect=2).err
    assert "--workflow needs --comfyui DIR" in lint("trace", "--workflow", "a.json", cwd=tmp_path, expect=2).err


def test_the_pack_writes_a_report_after_each_workflow(tmp_path: Path) -> None:
    program = """\
import sys, threading, types
import torch
execution = sys.modules["execution"] = types.ModuleType("execution")


class PromptExecutor:
    def execute(self, fails):
        if fails:
            raise ValueError("broken")
        return "done"


execution.PromptExecutor = PromptExecutor
from transfer_lint.tracing.comfyui_pack import NODE_CLASS_MAPPINGS

def work():
    print(PromptExecutor().execute(False))
    node = NODE_CLASS_MAPPINGS["TransferLintReport"]()
    print(node.report(after=None)["result"][0].splitlines()[0])
    try:
        PromptExecutor().execute(True)
    except ValueError as error:
        print(error)


thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    folder = tmp_path / "reports"
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment(TRANSFER_LINT_REPORTS=str(folder)), cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout == "done\n0 transfers, 0 B, 0 waits for the device (ComfyUI)\nbroken\n"
    names = {f"workflow-00{number}{suffix}" for number in (1, 2) for suffix in (".html", ".json")}
    assert {path.name for path in folder.iterdir()} == names
    page = page_of((folder / "workflow-001.html").read_text(encoding="utf-8"))
    assert "What moved in ComfyUI" in page.text
    assert "exit status" not in page.text, "ComfyUI runs on: that is no failure"

    (tmp_path / "file").touch()
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment(TRANSFER_LINT_REPORTS=str(tmp_path / "file" / "x")),
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.startswith("done\n"), "no report can be written: the workflow's result is there all the same"
    assert "transfer-lint: no report of this workflow" in ran.stderr


def test_a_report_is_of_its_own_workflow() -> None:
    with transfer_lint.trace(simulated="cuda") as t:
        torch.ones(4).to("cuda")
        begun = time.perf_counter()
        t.start_over()
        torch.ones(2).to("cuda")
        found = t.result()
        since = time.perf_counter() - begun
    assert (found.transfers, found.nbytes) == (1, 8)
    assert found.seconds <= since


def test_places_in_the_home_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path.parent)
    assert trace_text.shown(str(tmp_path / "ComfyUI" / "nodes.py")) == f"{tmp_path.name}{os.sep}ComfyUI{os.sep}nodes.py"
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert trace_text.shown(str(tmp_path / "here" / "a.py")) == "a.py"
    assert trace_text.shown(str(tmp_path / "ComfyUI" / "nodes.py")) == os.path.join("~", "ComfyUI", "nodes.py")
    assert trace_text.short(str(tmp_path / "ComfyUI" / "nodes.py")) == str(tmp_path / "ComfyUI" / "nodes.py")
