"""`trace --findings` as an oracle: tests of a project on the simulated accelerator, held against its lint."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import lint
from tests.trace.test_command import page_of
from transfer_lint.evidence.join import Joined, Judged, Status
from transfer_lint.evidence.tally import by_assumption
from transfer_lint.findings import Finding, Heat, Severity
from transfer_lint.report import View, trace_findings

PACK = """\
import operator

import torch

moved, read = (operator.methodcaller(*call) for call in (["cuda"], ["item"]))  # no lint sees through these


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)

    def forward(self, x):
        x = moved(x)
        y = self.layer(x) * scale()
        return y.to(x.device)


def scale():
    return moved(torch.arange(4.0))


def run(net, x):
    for _ in range(6):
        x = net(x)
        chosen = measure(x)
    return chosen


def measure(x):
    return read(x.mean())


def never():
    return torch.ones(2).to("cuda:0")
"""
TESTS = """\
import pytest
import torch

import pack


@pytest.mark.parametrize("size", [1, 2])
def test_run(size):
    net = pack.Net().cuda()
    for _ in range(6):
        torch.ones(7).cuda()  # waste in a test is nobody's business
    assert isinstance(pack.run(net, torch.ones(size, 4).cuda()), float)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "pack.py").write_text(PACK, encoding="utf-8")
    (folder / "test_pack.py").write_text(TESTS, encoding="utf-8")
    return folder


def trace(folder: Path, *options: str) -> str:
    command = ("trace", "--simulate", "cuda", "--findings-in", "pack.py", *options)
    return lint(*command, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_pack.py", cwd=folder, expect=0).out


@pytest.fixture(scope="module")
def value(folder: Path) -> Any:
    return json.loads(trace(folder, "--format", "json"))


def test_what_the_lint_did_not_say_by_kind(folder: Path, value: Any) -> None:
    assert "pack.py" in {each["path"] for each in value["findings"]}
    assert {Path(each["where"]["file"]) for each in value["silent"]} == {folder / "pack.py"}
    found = [
        (each["kind"], each["where"]["line"], each["how"], each["way"], each["events"], each["most"], each["nbytes"])
        for each in value["silent"]
    ]
    assert found == [
        ("no-op move", 14, "to", "", 12, 6, 0),
        ("upload of equal data", 20, "to", "host-to-device", 11, 6, 192),
        ("repeated wait", 31, "item", "", 12, 6, 48),
    ]
    assert {Path(line["file"]).name for line in value["unreported"]} == {"pack.py"}


def test_the_rules_are_counted(value: Any) -> None:
    rules = {rule["name"]: rule for rule in value["rules"]}
    assert rules["TL101 redundant-transfer"]["confirmed"] == 1
    assert rules["TL106 transfer-after-construct"]["never reached"] == 1
    assert [rule["refuted at"] for rule in value["rules"] if rule["refuted"]] == []
    statuses = [finding["status"] for finding in value["findings"]]
    for status in ("confirmed", "refuted", "never reached", "undecided"):
        assert sum(rule[status] for rule in value["rules"]) == statuses.count(status)


def test_text_and_page_say_the_same_each_time(folder: Path) -> None:
    first, second = (trace(folder).split("\nfindings:")[1] for _ in range(2))
    assert first == second
    assert re.search(r"^rule +confirmed +refuted +never reached +undecided$", first, re.MULTILINE)
    assert re.search(r"^TL101 redundant-transfer +1 +- +- +-$", first, re.MULTILINE)
    assert "without a finding: no-op move" in first
    assert "  pack.py:14 Net.forward: to 12 times, 6 in one part\n" in first
    page = page_of(trace(folder, "--format", "html"))
    assert "Without a finding: no-op move" in page.text
    assert "pack.py:14 Net.forward: to  12 times, 6 in one part" in page.text


def test_a_scenario_s_functions_are_parts(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(
        "import torch\n\n\ndef test_a():\n    for _ in range(3):\n        use(torch.ones(2).cuda())\n\n\n"
        "def test_b():\n    test_a()\n\n\ndef use(x):\n    return x.cuda()\n",
        encoding="utf-8",
    )
    ran = lint("trace", "--simulate", "cuda", "--format", "json", "--scenario", "s.py", cwd=tmp_path, expect=0)
    counts = {(e["count"], e["runs"], e["most"]) for e in json.loads(ran.out)["entries"] if e["kind"] == "idle"}
    assert counts == {(3, 1, 3)}  # two ways lead there, each in a part of its own


def judged(status: Status, *assumptions: str) -> Judged:
    finding = Finding("a.py", 1, 1, 1, 2, "TL301", "host-read-in-hot-path", Severity.WARNING, Heat.STEP, "", "",
                       assumptions=assumptions)  # fmt: skip
    return Judged(finding, status, "")


def test_assumptions_hold_or_break() -> None:
    joined = Joined(
        (
            judged(Status.CONFIRMED, "library-model"),
            judged(Status.REFUTED, "library-model", "wrapper-keeps"),
            judged(Status.NEVER, "wrapper-keeps"),
            judged(Status.CONFIRMED),
        ),
        (),
    )
    assert {tally.name: tuple(tally.counts().values()) for tally in by_assumption(joined)} == {
        "library-model": (1, 1, 0, 0),
        "wrapper-keeps": (0, 1, 1, 0),
    }
    lines = list(trace_findings.report(joined, View()))
    assert "library-model          1        1              -          -" in lines
    assert "  wrapper-keeps broke at a.py:1:1" in lines
