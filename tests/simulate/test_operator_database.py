"""The simulated accelerator against PyTorch's own operator database; see scripts/operator_database.py."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("expecttest", reason="PyTorch's own tests need it")

from scripts import operator_database as database
from tests.support.devices import outside

SHARES = 12


@outside  # as it compares with the host and with FakeTensorMode
@pytest.mark.parametrize("share", range(SHARES))
def test_operators(share: int) -> None:
    """A sample of every operator; each test has every SHARES-th operator."""
    reports = [database.check(name, samples=1, dtypes=1) for name in database.names()[share::SHARES]]
    assert [(report.name, *each) for report in reports for each in database.unexplained(report)] == []
    assert all(sum(report.cases[kind] for report in reports) for kind in ("values", "gradients", "operands", "errors"))


@outside
@pytest.mark.slow
@pytest.mark.skipif("ALL_OPERATORS" not in os.environ, reason="takes minutes: set ALL_OPERATORS")
def test_operators_in_depth() -> None:
    reports = [database.check(name, samples=8, dtypes=4) for name in database.names()]
    assert [(report.name, *each) for report in reports for each in database.unexplained(report)] == []
    differ = {(kind, report.name) for report in reports for kind, *_ in report.differences}
    assert {(kind, name) for kind, name in database.EXPLAINED if name in database.names()} <= differ
    sums = {kind: sum(report.cases[kind] for report in reports) for kind in database.KINDS}
    assert sums["values"] > 10_000
    assert all(sums.values())


def test_a_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from transfer_lint.tracing import operators

    monkeypatch.setattr(operators, "agreed", lambda *_: 0)
    report = database.check("bmm", samples=1, dtypes=1)
    assert "taken, but FakeTensorMode refuses" in {words.partition(":")[0] for *_, words in report.differences}
