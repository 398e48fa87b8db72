"""The record of a card's answers: that it is made whatever a call does, and that differences are seen."""

from __future__ import annotations

import copy
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("expecttest", reason="PyTorch's own tests need it")

from scripts import card_database
from scripts.operator_cases.card_comparison import compare, listing, table
from scripts.operator_cases.observing import Observation
from scripts.operator_cases.pool import Depth, run_units
from tests.support.command import ROOT
from tests.support.devices import outside
from transfer_lint.tracing.traits import VERSION

CARD = ROOT / "benchmarks" / "results" / "h100-calls.json.gz"
UNITS = ["index_select", "nonzero", "module nn.Linear", "optimizer SGD", "lines", "attention"]
OF_THE_BUILD = {"line: torch.nn.parallel.DataParallel(linear)(x)"}  # a torch without CUDA has no such function
OF_THE_RELEASE = {"line: torch.nn.init.trunc_normal_(x)"}  # since torch 2.13 it looks at what it drew


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path: Path = tmp_path_factory.mktemp("record") / "simulated.json.gz"
    card_database.record(
        SimpleNamespace(
            file=path, units=UNITS, simulated=True, go_on=True, samples=1, dtypes=1, processes=1, limit=60, deadline=600
        )  # type: ignore[arg-type]
    )
    return card_database.load(path)


@outside
def test_a_record_has_all_kinds_of_calls(record: dict[str, Any]) -> None:
    assert set(record["units"]) == set(UNITS)
    made = compare(record, record)
    assert not made.differences
    assert all(made.cases[kind] for kind in ("result", "backward", "host operand", "out", "line", "step", "waits"))
    lines = record["units"]["lines"]
    assert lines["line: x.to(torch.float16)"]["outcome"] == "cuda:0 float16 [4, 4] strides [4, 1]"
    assert lines["line: x.cpu()"] == {
        "outcome": "cpu float32 [4, 4] strides [4, 1]",
        "waits": 1,
        "how": "to cuda:0>cpu x1",
        "given": "",
    }
    assert lines["line: x + host"]["outcome"].startswith(
        "! RuntimeError: Expected all tensors to be on the same device"
    )
    assert not [name for name, each in lines.items() if each["outcome"].startswith("? ")]


@outside
@pytest.mark.parametrize(
    ("case", "outcome", "waits", "what"),
    [
        ("x.cpu()", "! RuntimeError: no", 1, "taken"),
        ("x + host", "cuda:0 float32 [4, 4] strides [4, 1]", 0, "refused"),
        ("x + host", "! RuntimeError: no", 0, "other words"),
        ("x + host", "! TypeError: no", 0, "other class"),
        ("x.cpu()", "cuda:0 float32 [4, 4] strides [4, 1]", 1, "other place"),
        ("x.cpu()", "cpu float64 [4, 4] strides [4, 1]", 1, "other dtype"),
        ("x.cpu()", "cpu float32 [4, 5] strides [4, 1]", 1, "other shape"),
        ("x.cpu()", "cpu float32 [4, 4] strides [1, 4]", 1, "other strides"),
        ("x.cpu()", "cpu float32 [4, 4] strides [4, 1]", 2, "fewer waits"),
        ("x.cpu()", "cpu float32 [4, 4] strides [4, 1]", 0, "more waits"),
    ],
)
def test_a_difference_is_seen(record: dict[str, Any], case: str, outcome: str, waits: int, what: str) -> None:
    card = copy.deepcopy(record)
    card["units"]["lines"][f"line: {case}"].update(outcome=outcome, waits=waits)
    made = compare(card, record)
    assert [(each.case, each.what) for each in made.differences] == [(f"line: {case}", what)]
    assert f"{what}: 1 calls of 1 units" in next(iter(listing(made.differences, 1)))
    kind = "waits" if "waits" in what else "line"
    assert next(row for row in table(made).splitlines() if row.startswith(f"| {kind} ")).endswith("| 0 | 1 |")


@outside
@pytest.mark.skipif(VERSION < (2, 11), reason="the card had torch 2.11")
def test_lines_and_attention_are_as_on_the_card(record: dict[str, Any]) -> None:
    made = compare(
        card_database.load(CARD), {"units": {name: record["units"][name] for name in ("lines", "attention")}}
    )
    differ = {each.case for each in made.differences if each.reason is None}
    assert differ - OF_THE_BUILD - OF_THE_RELEASE == set()
    assert made.cases["line"] > 1_100


@outside
def test_other_operands_are_not_compared(record: dict[str, Any]) -> None:
    card = copy.deepcopy(record)
    for each in card["units"]["nonzero"].values():
        each["given"] = "another"
    assert compare(card, record).left_out["the samples are others"] == len(card["units"]["nonzero"])


def some_hang_and_some_die(pipe: Connection, simulated: bool, depth: Depth) -> None:
    while True:
        unit, done = pipe.recv()
        for name in ("first", "second", "third"):
            if name in done:
                continue
            pipe.send(("begins", name))
            if name == "second" and unit == "dies":
                os._exit(1)
            if name == "second" and unit == "hangs":
                time.sleep(600)
            pipe.send(("did", vars(Observation("fine", 0))))
        pipe.send(("ends", None))


def test_a_call_that_kills_its_process_costs_one_case() -> None:
    found = dict(
        run_units(
            ["works", "dies", "hangs"],
            simulated=True,
            depth=Depth(1, 1),
            processes=2,
            limit=1,
            deadline=600,
            work=some_hang_and_some_die,
        )
    )
    outcomes = {unit: [each["outcome"] for each in cases.values()] for unit, cases in found.items()}
    assert outcomes == {
        "works": ["fine", "fine", "fine"],
        "dies": ["fine", "? its process died", "fine"],
        "hangs": ["fine", "? it took more than 1 s", "fine"],
    }
