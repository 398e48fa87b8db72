"""What is filed under which test or fixture, alone and with pytest-xdist, and the reports about it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.pytest_plugin.conftest import Run, counts, records_in
from transfer_lint.evidence.model import read

pytest_plugins = ["pytester"]

SUITE = """\
import threading
import unittest

import pytest
import torch
import transfer_lint
from torch.testing._internal.common_device_type import instantiate_device_type_tests
from torch.testing._internal.common_utils import TestCase, parametrize

torch.ones(1).cuda()


@pytest.fixture(scope="module", params=["a", "b"])
def model(request):
    yield torch.nn.Linear(2, 2, bias=False).cuda()
    torch.ones(5).cuda()


@pytest.fixture
def x():
    yield torch.ones(1, 2).cuda()
    torch.ones(3).cuda()


def test_one(model, x):
    model(x).sum().item()


def test_two(model, x):
    model(x)


@pytest.mark.parametrize("n", [1, 2], ids=["o::ne", "zw\\u00f6lf|"])
def test_param(n):
    thread = threading.Thread(target=torch.ones(n).cuda)
    thread.start()
    thread.join()


def test_asks_in_the_call(request):
    request.getfixturevalue("late")
    torch.ones(2).cuda()


@pytest.fixture(scope="session")
def late():
    return torch.ones(9).cuda()


def test_subtests(subtests):
    for n in range(2):
        with subtests.test(n=n), transfer_lint.expect(waits=n):
            torch.ones(1, device="cuda").item()


class TestPlain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.x = torch.ones(2).cuda()

    def setUp(self):
        torch.ones(3).cuda()

    def test_sub(self):
        for n in range(2):
            with self.subTest(n=n), transfer_lint.expect(waits=n):
                self.x.sum().item()

    @unittest.skip("not today")
    def test_skipped(self):
        torch.ones(3).cuda()


class TestDevices(TestCase):
    @parametrize("n", [1, 2])
    def test_add(self, device, n):
        torch.ones(n).to(device)


instantiate_device_type_tests(TestDevices, globals(), only_for=("cpu", "cuda"))


@pytest.mark.xdist_group("mine")
def test_grouped():
    torch.ones(4).cuda()
"""

EXPECTED = {
    ("test_it.py::model", "module"): (4, 4, 72),
    ("test_it.py::test_one[a]", "setup"): (1, 1, 8),
    ("test_it.py::test_one[a]", "call"): (1, 0, 4),
    ("test_it.py::test_one[a]", "teardown"): (1, 1, 12),
    ("test_it.py::test_two[b]", "call"): (0, 0, 0),
    ("test_it.py::test_param[o::ne]", "call"): (1, 1, 4),
    ("test_it.py::test_param[zw\\xf6lf|]", "call"): (1, 1, 8),
    ("test_it.py::test_asks_in_the_call", "call"): (1, 1, 8),
    ("test_it.py::late", "session"): (1, 1, 36),
    ("test_it.py::test_subtests", "call"): (2, 0, 8),
    ("test_it.py::TestPlain::_unittest_setUpClass_fixture_TestPlain", "class"): (1, 1, 8),
    ("test_it.py::TestPlain::test_sub", "call"): (3, 1, 20),
    ("test_it.py::TestDevicesCPU::test_add_n_2_cpu", "call"): (0, 0, 0),
    ("test_it.py::TestDevicesCUDA::test_add_n_2_cuda", "call"): (1, 1, 8),
    ("test_it.py::test_grouped", "call"): (1, 1, 16),
}
"""Of one process: waits, copies, bytes."""


@pytest.mark.slow
def test_records_alone_and_with_workers(pytester: pytest.Pytester, run: Run) -> None:
    if not hasattr(pytest, "Subtests"):
        pytest.skip("this pytest has no subtests")
    pytester.makepyfile(test_it=SUITE)
    alone = run("--simulate", "cuda", "--transfers", "alone.json")
    several = run("--simulate", "cuda", "--transfers", "several.json", "-n", "2", "--dist", "loadgroup")
    for result in (alone, several):
        assert result.parseoutcomes()["passed"] >= 12
        result.stdout.fnmatch_lines(["* tests on simulated cuda:1: *", "findings of the lint: *", "written to *.json"])
    mine, theirs = (records_in(pytester.path / f"{name}.json") for name in ("alone", "several"))
    assert {key: counts(mine[key]) for key in EXPECTED} == EXPECTED
    tests = {key for key in mine if key[1] in ("setup", "call", "teardown")}
    assert tests == {key for key in theirs if key[1] in ("setup", "call", "teardown")}
    assert {key: counts(mine[key]) for key in tests} == {key: counts(theirs[key]) for key in tests}
    assert {key: mine[key]["lines"] for key in tests} == {key: theirs[key]["lines"] for key in tests}
    assert 10 in [line["line"] for line in mine["", "outside of tests"]["lines"]]
    assert mine["test_it.py::test_grouped", "call"]["outcome"] == "passed"
    assert mine["test_it.py::test_one[a]", "call"]["lines"] == [
        {"path": "test_it.py", "line": 26, "function": "test_one", "waits": 1, "copies": 0, "bytes": 4}
    ]
    assert mine["test_it.py::TestPlain::test_skipped", "call"]["outcome"] == "skipped"


PACK = """\
import torch


def twice(x):
    x = x.to("cuda:0")
    y = x.to("cuda:0")
    return y * 2


def never(x):
    x = x.to("cuda:0")
    return x.to("cuda:0")
"""

TESTS = """\
import torch
from pack import twice


def test_a():
    assert twice(torch.ones(2)).sum().item() == 4


def test_b():
    assert twice(torch.zeros(2)).sum().item() == 0


def test_nothing():
    pass
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(pack=PACK, test_pack=TESTS)
    return pytester


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_findings_beside_the_run(project: pytest.Pytester, run: Run, workers: tuple[str, ...]) -> None:
    run("--simulate", "cuda", "--transfers", "out.json", *workers).assert_outcomes(passed=3)
    value: dict[str, Any] = json.loads((project.path / "out.json").read_text(encoding="utf-8"))
    found = {(each["line"], each["code"]): each["status"] for each in value["findings"] if each["path"] == "pack.py"}
    assert (found[6, "TL101"], found[12, "TL101"]) == ("confirmed", "never reached")
    trace = read(str(project.path / "out.json"))
    assert (trace.transfers, trace.waits, trace.total("again")) == (2, 4, 0)
    uploads = [entry for entry in trace.entries if entry.kind == "transfer" and entry.where.line == 5]
    callers = sorted([frame.function for frame in entry.chain] for entry in uploads)
    assert callers == [["twice", "test_a"], ["twice", "test_b"]], "pytest's own frames are left out"


def test_reports_for_people(project: pytest.Pytester, run: Run) -> None:
    run("--simulate", "cuda", "--transfers", "out.md").assert_outcomes(passed=3)
    run("--simulate", "cuda", "--transfers", "out.html").assert_outcomes(passed=3)
    text = (project.path / "out.md").read_text(encoding="utf-8").splitlines()
    assert text[0] == "# Transfers: 4 waits, 2 copies, 24 B"
    assert "| `test_pack.py::test_a` | 2 | 1 | 12 B | `pack.py:5` |" in text
    assert (
        "| `pack.py:6` TL101 redundant-transfer | confirmed: called 2 times, never with anything to do |  |  |" in text
    )
    assert not any("test_nothing" in line for line in text)
    page = (project.path / "out.html").read_text(encoding="utf-8")
    assert "3 tests" in page
    for part in ("<code>test_pack.py::test_a</code>", "pack.py:5 twice: 1 wait, 1 copy, 8 B", "By test"):
        assert part in page
