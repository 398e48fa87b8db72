"""`transfer-lint verify` as its users run it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.command import Ran, lint
from tests.trace.test_command import page_of

ORIGINAL = """\
import torch

NODE_CLASS_MAPPINGS = {"Encode": None}
net = torch.nn.Linear(4, 4)


class Encoder:
    def __init__(self, device):
        self.net = net.to(device)

    def __call__(self, x):
        x = x.to(self.net.weight.device)
        y = self.net(x)
        picture = torch.rand(1, 16, 16, 3)
        for _ in range(3):
            y.sum().item()
        return {"y": y.cpu(), "picture": picture, "encoder": self, "again": [y, y]}
"""
SCENARIO = """\
import torch
import pack


def run():
    print("of no interest")
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    return pack.Encoder(device)(torch.ones(2, 4))


def helper():
    raise AssertionError
"""
BETTER = ORIGINAL.replace("range(3)", "range(1)")
OTHER = BETTER.replace(
    "picture = torch.rand(1, 16, 16, 3)", "picture = torch.rand(1, 16, 16, 3)\n        picture[:, :4] *= 0.5"
)


def verify(tmp_path: Path, fixed: str, *options: str, scenario: str = SCENARIO, original: str = ORIGINAL, expect: int,
           **more: Any) -> Ran:  # fmt: skip
    (tmp_path / "pack.py").write_text(original, encoding="utf-8")
    (tmp_path / "scenario.py").write_text(scenario, encoding="utf-8")
    folder = tmp_path / "fixed"
    folder.mkdir()
    (folder / "pack.py").write_text(fixed, encoding="utf-8")
    command = ("verify", "pack.py", "fixed/pack.py", "--scenario", "scenario.py", "--repeat", "3")
    return lint(*command, *options, cwd=tmp_path, expect=expect, **more)


def rows(ran: Ran) -> dict[str, Any]:
    return {row["name"]: row for row in json.loads(ran.out)["rows"]}


def test_better_on_a_simulated_device(tmp_path: Path) -> None:
    ran = verify(tmp_path, BETTER, "--simulate", "cuda", "--format", "json", expect=0)
    value, table = json.loads(ran.out), rows(ran)
    assert value["verdict"] == "the same, and no worse"
    assert table["outputs"]["verdict"] == "the same, bit for bit"
    assert (table["waits per call"]["original"], table["waits per call"]["fixed"]) == ("5.7", "3.7")
    assert table["leaks"]["verdict"] == "none new"
    assert table["median time"]["original"] == "-"
    devices = {leaf["path"]: leaf["device"] for leaf in value["original"]["outputs"]}
    assert devices["run['y']"] == "cpu"
    assert devices["run['again'][0]"] == devices["run['encoder'].net.weight"] == "cuda:0"
    assert value["original"]["calls"][0]["peak_memory"] > 0
    assert "of no interest" not in ran.err


def test_an_accelerator_of_another_kind(tmp_path: Path) -> None:
    here = SCENARIO.replace("cuda", "xpu")
    ran = verify(tmp_path, BETTER, "--simulate", "xpu", "--format", "json", scenario=here, expect=0)
    value = json.loads(ran.out)
    assert rows(ran)["waits per call"]["fixed"] == "3.7"
    devices = {leaf["path"]: leaf["device"] for leaf in value["original"]["outputs"]}
    assert devices["run['encoder'].net.weight"] == "xpu:0"
    assert value["original"]["calls"][0]["peak_memory"] > 0
    assert "torch xpu:0" in value["original"]["calls"][0]["random"]


def test_an_asynchronous_copy_that_converts_sends_other_bytes(tmp_path: Path) -> None:
    apart = "import torch\n\n\ndef sent(x):\n    return x.to(torch.float16).to('cuda:0', non_blocking=True)\n"
    scenario = "import torch\nimport pack\n\n\ndef run():\n    return pack.sent(torch.ones(8))\n"

    def bytes_of(name: str, merged: str) -> tuple[str, str]:
        folder = tmp_path / name
        folder.mkdir()
        ran = verify(folder, merged, "--simulate", "cuda", "--format", "json", original=apart, scenario=scenario,
                     expect=1)  # fmt: skip
        row = rows(ran)["bytes moved per call"]
        return row["original"], row["fixed"]

    merged = apart.replace(".to(torch.float16).to('cuda:0', non_blocking=True)", ".to('cuda:0', torch.float16{})")
    assert bytes_of("merged", merged.format(", non_blocking=True")) == ("16 B", "32 B")
    assert bytes_of("blocking", merged.format("")) == ("16 B", "16 B")  # as many bytes, but now the host waits


def test_peak_memory_does_not_depend_on_when_garbage_is_collected(tmp_path: Path) -> None:
    cycles = (
        "import torch\n\n\ndef run(often):\n    for _ in range(20):\n"
        "        part = {'held': torch.ones(2**18, device='cuda')}\n        part['self'] = part\n"
        "        kept = [[] for _ in range(often)]\n    return part['held']\n"
    )
    seldom, often = (f"{cycles}\n\nOFTEN = {count}\n" for count in (1, 2_000))
    scenario = "import pack\n\n\ndef run():\n    return pack.run(pack.OFTEN)\n"
    ran = verify(tmp_path, seldom, "--simulate", "cuda", "--format", "json", original=often, scenario=scenario,
                 expect=0)  # fmt: skip
    row = rows(ran)["peak device memory"]
    assert (row["original"], row["fixed"], row["verdict"]) == ("20.0 MiB", "20.0 MiB", "the same")


def test_pictures_and_tolerances(tmp_path: Path) -> None:
    ran = verify(tmp_path, OTHER, "--format", "html", "--atol", "0.001", expect=1)
    page = page_of(ran.out)
    pictures = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
    assert pictures == ["original", "fixed", "difference"]
    assert "192 of 768 numbers differ, by at most 0.4" in page.text
    assert "not the same, or worse: outputs, calls" in page.text
    assert "there was no accelerator" in page.text
    assert " ms (" in page.text


def test_a_fixed_program_with_other_nodes_that_raises(tmp_path: Path) -> None:
    broken = ORIGINAL.replace('"Encode"', '"Code"')
    broken = broken.replace("y = self.net(x)", "print('halfway')\n        raise ValueError('broken')")
    ran = verify(tmp_path, broken, "--no-timing", expect=1)
    assert "fixed/pack.py: ValueError: broken" in ran.err
    assert "| halfway" in ran.err
    assert "only in the original: Encode; only in the fixed one: Code" in ran.out
    assert "! runs to the end" in ran.out


def test_an_original_that_never_ends(tmp_path: Path) -> None:
    endless = SCENARIO.replace("def run():", "def run():\n    while True: pass")
    ran = verify(tmp_path, ORIGINAL, "--no-timing", "--timeout", "4", scenario=endless, expect=2)
    assert "pack.py: did not end within 4 seconds (--timeout)" in ran.err
    assert "could not be compared" in ran.out


def test_bad_arguments(tmp_path: Path) -> None:
    assert "no.py: does not exist" in lint("verify", "no.py", "no.py", "--scenario", "x", cwd=tmp_path, expect=2).err
    (tmp_path / "a.py").touch()
    assert "x.py: is no file" in lint("verify", "a.py", "a.py", "--scenario", "x.py", cwd=tmp_path, expect=2).err
    assert "Missing option '--scenario'" in lint("verify", "a.py", "a.py", cwd=tmp_path, expect=2).err
    same = lint("verify", "a.py", "a.py", "--scenario", "a.py", cwd=tmp_path, expect=2)
    assert "would both be imported as a: --name" in same.err
