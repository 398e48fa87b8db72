"""What counts as the same and what as worse: from two runs, the table. Plain data, nothing is run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from transfer_lint.evidence.compare import Rules, compare
from transfer_lint.evidence.model import Ending
from transfer_lint.evidence.runs import Call, Distance, Output, Run, from_json, mismatched, to_json
from transfer_lint.report import View
from transfer_lint.report.verify_text import markdown, report

LATENT = Output("run['latent']", "tensor", "aa", device="cuda:0", dtype="float16", shape=(1, 4))
NAME = Output("run['name']", "value", "'x'")
CALL = Call(
    transfers=10,
    nbytes=1000,
    waits=5,
    idle=3,
    peak_memory=2**24,
    left_memory=2**20,
    random={"torch cpu": "r"},
    outputs={"run['latent']": "aa", "run['name']": "'x'"},
)


def run(**changes: Any) -> Run:
    """A run of four calls; `call` changes all of them, `last` the last one, `first` the first output."""
    call, last, first = (changes.pop(name, {}) for name in ("call", "last", "first"))
    calls = [replace(CALL, **call) for _ in range(3)] + [replace(CALL, **{**call, **last})]
    made = Run("a", Ending("returned", 0), ["Load", "Apply"], [replace(LATENT, **first), NAME], calls, [0.2, 0.1, 0.3])
    for name, value in changes.items():
        setattr(made, name, value)
    return made


# what is other in the fixed program, and the rows that are bad for it
CASES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing": ({}, set()),
    "less": ({"call": {"transfers": 1, "nbytes": 8, "waits": 1, "idle": 0, "peak_memory": 2**23}}, set()),
    "more no-op calls": ({"call": {"idle": 30}}, set()),
    "one transfer more": ({"call": {"transfers": 11}}, {"transfers per call"}),
    "bytes": ({"call": {"nbytes": 1001}}, {"bytes moved per call"}),
    "waits": ({"call": {"waits": 6}}, {"waits per call"}),
    "waits in the last call": ({"last": {"waits": 6}}, {"waits per call"}),
    "a little memory": ({"call": {"peak_memory": 2**24 + 2**19}}, set()),
    "much memory": ({"call": {"peak_memory": 2**24 + 2**21}}, {"peak device memory"}),
    "a leak": ({"last": {"left_memory": 2**20 + 4}}, {"leaks"}),
    "bits": ({"first": {"digest": "bb"}}, {"outputs"}),
    "dtype": ({"first": {"dtype": "float32"}}, {"outputs"}),
    "shape": ({"first": {"shape": (4, 1)}}, {"outputs"}),
    "device": ({"first": {"device": "cpu"}}, {"outputs"}),
    "gradients": ({"first": {"flags": "requires grad"}}, {"outputs"}),
    "an output less": ({"outputs": [NAME]}, {"outputs"}),
    "an output more": ({"outputs": [LATENT, NAME, Output("run['new']", "value", "1")]}, {"outputs"}),
    "a note of the fix's own": (
        {"outputs": [LATENT, NAME, Output("run.memo", "value", "1", own_attribute=True)]}, set(),
    ),
    "a later call": ({"last": {"outputs": {"run['latent']": "bb", "run['name']": "'x'"}}}, {"calls"}),
    "random numbers": ({"call": {"random": {"torch cpu": "s"}}}, {"random numbers"}),
    "node names": ({"nodes": ["Load", "Use"]}, {"node names"}),
    "it raises": (
        {"ending": Ending("raised", 1, "ValueError: no"), "calls": [], "outputs": []},
        {"runs to the end"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "bad"), CASES.values(), ids=CASES)
def test_what_is_bad(changes: dict[str, Any], bad: set[str]) -> None:
    found = compare(run(), run(**changes), {}, Rules())
    assert {row.name for row in found.rows if row.good is False} == bad
    assert found.good is not bool(bad)
    text = "\n".join(report(found, View()))
    assert text.startswith("the same, and no worse" if not bad else "not the same, or worse: ")
    for name in bad:
        assert any(line.startswith(f"! {name}") for line in text.splitlines()), text


def test_the_words() -> None:
    changes = {"call": {"transfers": 2, "waits": 1}, "nodes": ["Load", "Use"], "first": {"device": "cpu"}}
    found = compare(run(), run(**changes), {}, Rules())
    verdicts = {row.name: (row.original, row.fixed, row.verdict) for row in found.rows}
    assert verdicts["transfers per call"] == ("10", "2", "8 less, 5.0 times less")
    assert verdicts["node names"] == ("2", "2", "only in the original: Apply; only in the fixed one: Use")
    assert verdicts["median time"] == ("200.00 ms (150.00 to 250.00)",) * 2 + ("+0.0%; not judged",)
    assert found.differences == ("run['latent']: device: cuda:0 and cpu",)
    lines = list(markdown(found))
    assert "| transfers per call | 10 | 2 | 8 less, 5.0 times less |" in lines


@pytest.mark.parametrize(("within", "good"), [(True, True), (False, False)])
def test_tolerances(within: bool, good: bool) -> None:
    fixed = run(first={"digest": "bb"}, call={"outputs": {"run['latent']": "bb", "run['name']": "'x'"}})
    assert list(mismatched(run(), fixed)) == [LATENT.path]
    far = Distance(LATENT.path, 2, 4, 0.25, 0.5, within)
    found = compare(run(), fixed, {LATENT.path: far}, Rules())
    assert found.good is good
    if not good:
        assert found.differences == ("run['latent']: 2 of 4 numbers differ, by at most 0.25",)


def test_devices_may_be_left_out() -> None:
    assert compare(run(), run(first={"device": "cpu"}), {}, Rules(devices=False)).good
    assert not compare(run(), run(first={"device": "cpu", "digest": "bb"}), {}, Rules(devices=False)).good


def test_an_original_that_does_not_run_is_no_verdict() -> None:
    found = compare(run(ending=Ending("raised", 1, "ValueError: no"), calls=[]), run(), {}, Rules())
    assert not found.could
    assert not found.good
    assert "the original itself does not run" in found.verdict
    assert "the original program raised: ValueError: no" in "\n".join(report(found, View()))


def test_runs_survive_their_file() -> None:
    assert from_json(to_json(run())) == run()
