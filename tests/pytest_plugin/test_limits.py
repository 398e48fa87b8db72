"""Limits of what may move: the marker, the fixture, and `expect` in code."""

from __future__ import annotations

import pytest
import torch

import transfer_lint
from tests.pytest_plugin.conftest import Run
from tests.support.devices import GPU, needs_gpu
from transfer_lint.evidence.limits import limits

pytest_plugins = ["pytester"]

MODEL = """\
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)

    def forward(self, x):
        y = self.layer(x)
        if y.sum() > 1e9:
            y = y / 2
        return y
"""

SUITE = """\
import pytest
import torch
import transfer_lint
from model import Net


@pytest.fixture(scope="module")
def net():
    return Net().to("cuda")


@pytest.fixture
def x():
    return torch.ones(2, 4).to("cuda")


@pytest.mark.transfers(waits=1)
def test_within(net, x):
    net(x)


@pytest.mark.transfers(waits=0)
def test_over(net, x):
    net(x)


@pytest.mark.xfail(strict=True)
@pytest.mark.transfers(waits=0)
def test_over_as_expected(net, x):
    net(x)


@pytest.mark.transfers(waits=0, bytes="1 KiB")
class TestNearest:
    @pytest.mark.transfers(waits=None, copies=1)
    def test_one(self, net, x):
        net(x).cpu()

    def test_two(self, net, x):
        net(x)


@pytest.mark.transfers(wait=0)
def test_no_such_limit():
    raise AssertionError("does not run")


def test_step_of_a_loop(net, x):
    for step in range(3):
        with transfer_lint.expect(waits=1, copies=0) as moved:
            net(x)
            if step == 2:
                x.cpu()
        assert moved.waits == 1


def test_fixture(net, x, transfers):
    net(x)
    x.cpu()
    assert (transfers.waits, transfers.copies, transfers.bytes) == (2, 1, 33)


def test_mismatch(net):
    net(torch.ones(2, 4))


def test_ninth_device():
    torch.ones(2, device="cuda:8")
"""


def test_limits_are_held_and_name_the_lines(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(model=MODEL, test_it=SUITE)
    result = run("--simulate", "cuda:8", "test_it.py")
    result.assert_outcomes(passed=3, failed=5, xfailed=1, errors=1)
    result.stdout.fnmatch_lines([
        "transfer-lint: simulated cuda:8",
        "* ERROR at setup of test_no_such_limit *",
        "the marker transfers: there is no limit 'wait': give waits, copies or bytes",
        "* test_over *",
        "1 wait, at most 0 waits expected",
        "  model.py:11 in Net.forward: 1 wait (item on cuda:0)",
        "* TestNearest.test_two *",
        "1 wait, at most 0 waits expected",
        "* test_step_of_a_loop *",
        ">*with transfer_lint.expect(waits=1, copies=0) as moved:",
        "E*2 waits, at most 1 wait expected",
        "E *  test_it.py:53 in test_step_of_a_loop: 1 wait (to, cuda:0 to cpu)",
        "E *  model.py:11 in Net.forward: 1 wait (item on cuda:0)",
        "E*1 copy, at most 0 copies expected",
        "E *  test_it.py:53 in test_step_of_a_loop: 1 copy (to, cuda:0 to cpu)",
        "* test_mismatch *",
        "E *RuntimeError: Expected all tensors to be on the same device*",
        "* test_ninth_device *",
        "E *RuntimeError: CUDA error: invalid device ordinal*",
        "test_it.py:*: RuntimeError",
        "*--simulate cuda:N gives it N devices, and now there are 8",
        "9 tests on simulated cuda:8: *",
    ])  # fmt: skip
    assert "does not run" not in result.stdout.str()
    assert "transfer_lint/tracing" not in result.stdout.str(), "an error ends in the program, as torch's own does"


def test_without_a_device_limits_hold_and_the_fixture_skips(pytester: pytest.Pytester, run: Run) -> None:
    if GPU:
        pytest.skip("there is a device")
    pytester.makepyfile("""
        import pytest, torch, transfer_lint

        @pytest.mark.transfers(waits=0)
        def test_marker():
            assert torch.ones(2).sum().item() == 2

        def test_expect():
            with transfer_lint.expect(waits=0, copies=0) as moved:
                torch.ones(2).to("cpu").sum().item()
            assert not moved.measured

        def test_fixture(transfers):
            raise AssertionError

        @pytest.mark.transfers(waits=-1)
        def test_no_limit():
            pass
    """)
    result = run("-rs")
    result.assert_outcomes(passed=2, skipped=1, errors=1)
    result.stdout.fnmatch_lines([
        "the marker transfers: waits=-1 is no limit: give a whole number, 0 or more",
        "*transfers cannot be measured without an accelerator: --simulate cuda stands in for one",
    ])  # fmt: skip
    assert "- transfers -" not in result.stdout.str()


@pytest.mark.gpu
@needs_gpu
def test_a_real_device_is_measured(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(model=MODEL, test_it=SUITE)
    result = run("test_it.py", "-k", "within or over or Nearest or loop or fixture")
    result.assert_outcomes(passed=3, failed=3, xfailed=1)
    result.stdout.fnmatch_lines(["  model.py:11 in Net.forward: 1 wait (*"])


def moving() -> None:
    torch.ones(2).to("cuda").sum().item()


def moving_and_failing() -> None:
    moving()
    _ = 1 / 0


def test_expect_in_any_trace() -> None:
    with transfer_lint.trace(simulated="cuda"):
        moving()
        with transfer_lint.expect(waits=2, copies=1, bytes="12 B") as moved:
            moving()
        assert (moved.waits, moved.copies, moved.bytes, moved.measured) == (2, 1, 12, True)
        moving()
        assert moved.waits == 2
        with transfer_lint.expect(waits=None):
            moving()
        with pytest.raises(transfer_lint.TransfersExceeded) as caught, transfer_lint.expect(bytes=0):
            moving()
        with pytest.raises(ZeroDivisionError), transfer_lint.expect(waits=0):
            moving_and_failing()
    assert str(caught.value).startswith("12 B, at most 0 B expected\n  ")


@pytest.mark.parametrize(
    ("size", "nbytes"),
    [(5, 5), ("7", 7), ("1 MiB", 2**20), ("1.5kib", 1536), ("2 GB", 2 * 10**9), (" 3 B ", 3)],
)
def test_sizes(size: object, nbytes: int) -> None:
    assert limits({"bytes": size, "waits": None}) == {"bytes": nbytes}


@pytest.mark.parametrize(
    "wrong",
    [{"waits": "1"}, {"waits": 1.5}, {"copies": True}, {"bytes": "1 mile"}, {"bytes": -1}, {"steps": 1}],
    ids=str,
)
def test_what_is_no_limit_is_said(wrong: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
        limits(wrong)
