"""`transfer-lint fix --prove` as its users run it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Ran, lint

PACK = """\
import torch


def encode(x: torch.Tensor):
    y = x.to("cuda:0")
    return y.to("cuda:0")


def patched(q, k, v, extra_options):
    sigma = extra_options["sigmas"][0].item()
    return q * sigma


def patched_after(q, k, v, extra_options):
    sigma = extra_options["sigmas"][1].item()
    return q * sigma


def never(q, k, v, extra_options):
    sigma = extra_options["sigmas"].min().item()
    return q * sigma
"""
WRONG = "patched_after"
"""Here the remembered number is wrong: the scenario's sampler writes into the tensor that it gave before."""

SCENARIO = """\
import torch
import pack


def run():
    x = pack.encode(torch.ones(4))
    kept = torch.tensor([0.0, 3.0]).to("cuda:0")
    for step in range(3):
        given = torch.tensor([float(step), 1.0]).to("cuda:0")
        kept[1] += 1
        for layer in range(4):
            x = pack.patched(x, x, x, {"sigmas": given}) + pack.patched_after(x, x, x, {"sigmas": kept})
    return x
"""


RIGHT = PACK.partition("def patched_after")[0]
STEPS = SCENARIO.replace(' + pack.patched_after(x, x, x, {"sigmas": kept})', "")


def prove(folder: Path, *options: str, pack: str = PACK, scenario: str = SCENARIO, **more: Any) -> Ran:
    (folder / "pack.py").write_text(pack, encoding="utf-8")
    (folder / "scenario.py").write_text(scenario, encoding="utf-8")
    run = ("--prove", "scenario.py", "--simulate", "cuda", "--repeat", "1")
    return lint("fix", "--unsafe-fixes", *run, *options, "pack.py", cwd=folder, **more)


def fixes(proof: Any, what: str) -> set[tuple[str, str]]:
    return {(each["code"], each["function"]) for each in proof[what]}


def test_a_wrong_fix_is_found_and_dropped(tmp_path: Path) -> None:
    ran = prove(tmp_path, "--output-format", "json", expect=1)
    value = json.loads(ran.out)
    proof = value["proof"]
    assert proof["verdict"] == "the same, and no worse"
    assert fixes(proof, "kept") == {("TL102", "encode"), ("TL101", "encode"), ("TL303", "patched")}
    assert fixes(proof, "dropped") == {("TL303", WRONG), ("TL303", "never")}
    why = {each["function"]: each["why"] for each in proof["dropped"]}
    assert why[WRONG][0] == "outputs: 1 differ"
    assert "4 of 4 numbers differ" in why[WRONG][-1]
    assert why["never"] == ["the scenario does not run its line, so nothing is shown"]
    saved = {each["function"]: each["saved"] for each in proof["kept"]}
    assert saved["patched"] == {"transfers": 0, "bytes": 36, "waits": 9}
    assert proof["original"]["waits"] - proof["fixed"]["waits"] == 9
    text = (tmp_path / "pack.py").read_text(encoding="utf-8")
    for function, kept in (("patched", False), (WRONG, True), ("never", True)):
        body = text.split(f"def {function}(")[1].split("\ndef ")[0]
        assert (".item()" in body) is kept
    assert {each["function"] for each in value["findings"]} == {WRONG, "never"}


def test_as_text_into_a_copy(tmp_path: Path) -> None:
    """Fixes that are dropped are in docs/proving.md, where all that is printed is compared."""
    ran = prove(tmp_path, "--output", "fixed", pack=RIGHT, scenario=STEPS, expect=0)
    assert "3 fixes kept, 0 dropped: the same, and no worse" in ran.out
    assert "9 waits, 36 B  pack.py:10 TL303 repeated-host-read in patched (unsafe)" in ran.out
    assert "nothing        pack.py:6 TL101 redundant-transfer in encode (safe)" in ran.out
    assert "1 unsafe fix: 9 waits, 36 B saved" in ran.out
    assert "2 safe fixes: nothing saved" in ran.out
    assert "running pack.py as it is" in ran.err
    assert (tmp_path / "pack.py").read_text(encoding="utf-8") == RIGHT
    assert "_read_sigmas" in (tmp_path / "fixed" / "pack.py").read_text(encoding="utf-8")


def test_as_a_diff_the_program_stays(tmp_path: Path) -> None:
    shown = prove(tmp_path, "--diff", pack=RIGHT, scenario=STEPS, expect=1)
    assert "+@lru_cache" in shown.out or "+    sigma = _read" in shown.out
    assert "3 fixes kept" in shown.err
    assert (tmp_path / "pack.py").read_text(encoding="utf-8") == RIGHT


def test_a_safe_fix_that_rests_on_a_wrong_configuration(tmp_path: Path) -> None:
    """The configuration says that a function always names the same device. It does not."""
    pack = """\
import torch
from places import where


def encode(x: torch.Tensor):
    y = x.to(where())
    return y.to(where())


def again(x: torch.Tensor):
    y = x.to("cuda:0")
    return y.to("cuda:0")
"""
    scenario = """\
import itertools, sys, types
import torch

places = itertools.cycle(["cuda:0", "cpu"])
sys.modules["places"] = types.SimpleNamespace(where=lambda: torch.device(next(places)))


def run():
    import pack
    return pack.encode(torch.ones(4)), pack.again(torch.ones(4))
"""
    known = '[tool.transfer-lint.knowledge]\ndevices = { "places.where" = { stable = true, role = "accelerator" } }\n'
    (tmp_path / "pyproject.toml").write_text(known, encoding="utf-8")
    ran = prove(tmp_path, "--select", "TL101", "--output-format", "json", pack=pack, scenario=scenario)
    proof = json.loads(ran.out)["proof"]
    assert ("TL101", "again") in fixes(proof, "kept")
    assert ("TL101", "encode") in fixes(proof, "dropped")


@pytest.mark.parametrize("number", range(1, 4))
def test_interrupted_during_any_run_the_tree_is_what_it_was(tmp_path: Path, number: int) -> None:
    """The scenario interrupts the command itself, in its run of that number."""
    interrupt = """
import os, signal
with open("runs", "a") as stream:
    stream.write("x")
if os.path.getsize("runs") == %d:
    os.kill(os.getppid(), signal.%s)
    signal.pause()
"""
    name = (signal.SIGINT, signal.SIGTERM)[number % 2].name
    ran = prove(tmp_path, scenario=interrupt % (number, name) + SCENARIO, expect=(130, 143)[number % 2])
    assert (tmp_path / "pack.py").read_text(encoding="utf-8") == PACK
    assert ran.out == ""
    assert {path.name for path in tmp_path.iterdir()} <= {"pack.py", "scenario.py", "runs", "__pycache__"}


def test_a_folder_with_its_scenario_in_it_and_a_file_that_is_no_source(tmp_path: Path) -> None:
    """The scenario's copy runs with the copy of the program; what the program reads beside its source is there."""
    folder = tmp_path / "work"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "scale.txt").write_text("2.0", encoding="utf-8")
    head = "import os\nSCALE = float(open(os.path.join(os.path.dirname(__file__), 'data', 'scale.txt')).read())\n"
    (folder / "pack.py").write_text(head + RIGHT.replace("q * sigma", "q * sigma * SCALE"), encoding="utf-8")
    (folder / "scenario.py").write_text(STEPS, encoding="utf-8")
    run = ("--prove", "scenario.py", "--simulate", "cuda", "--repeat", "1", "--output-format", "json")
    proof = json.loads(lint("fix", "--unsafe-fixes", *run, cwd=folder, expect=0).out)["proof"]
    assert ("TL303", "patched") in fixes(proof, "kept")
    assert fixes(proof, "dropped") == set()


def test_nothing_is_proved_by_a_scenario_that_runs_the_original(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    again = "import sys, importlib.util as u\n"
    again += f"spec = u.spec_from_file_location('other', {str(tmp_path / 'pack.py')!r})\n"
    again += "pack = u.module_from_spec(spec)\nsys.modules['other'] = pack\nspec.loader.exec_module(pack)\n"
    ran = prove(tmp_path, scenario=again + SCENARIO.replace("import pack\n", ""), expect=2)
    assert "and not from the copy of the program that is to be run" in ran.err
    assert (tmp_path / "pack.py").read_text(encoding="utf-8") == PACK


def test_a_scenario_that_is_not_the_same_twice(tmp_path: Path) -> None:
    ran = prove(tmp_path, scenario=SCENARIO.replace("return x", "import os\n    return x, os.getpid()"), expect=2)
    assert "the program as it is, run twice, is not the same" in ran.err
    assert (tmp_path / "pack.py").read_text(encoding="utf-8") == PACK


def test_an_original_that_does_not_run(tmp_path: Path) -> None:
    ran = prove(tmp_path, scenario="def run():\n    raise ValueError('broken')\n", expect=2)
    assert "pack.py: ValueError: broken" in ran.err
    assert "so nothing is changed" in ran.err


def test_nothing_to_fix(tmp_path: Path) -> None:
    ran = prove(tmp_path, pack="import torch\n", expect=0)
    assert "nothing to fix, so nothing was run" in ran.out


def test_options_that_do_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(PACK, encoding="utf-8")
    assert "--simulate is for --prove" in lint("fix", "--simulate", "cuda", cwd=tmp_path, expect=2).err
    assert "--prove runs one program" in lint("fix", "--prove", "a.py", "a.py", "a.py", cwd=tmp_path, expect=2).err
    assert "no.py: is no file" in lint("fix", "--prove", "no.py", "a.py", cwd=tmp_path, expect=2).err
