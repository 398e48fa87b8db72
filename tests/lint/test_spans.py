"""What a finding spans: of a test the whole test, of an index the whole item, of a call the name that is called."""

from __future__ import annotations

from pathlib import Path

import pytest

import transfer_lint

PROGRAM = """\
import torch


def run(timesteps):
    x = torch.ones(4, 4, device="cuda:0")
    for step in timesteps:
        x = x * 2
        first, last = x.max(dim=1).indices[:2]
        {}
    return x.cpu()
"""

SPANS = {
    "a call": ("count = x.sum().item()", ["item()"]),
    "a test": ("if (x > 0).any(): break", ["(x > 0).any()"]),
    "a test that is a call of torch": ("assert torch.all(x > 0), step", ["torch.all(x > 0)"]),
    "a negated test": ("if not torch.isfinite(x.sum()): break", ["not torch.isfinite(x.sum())"]),
    "a bound": ("part = x[: first + 2]", ["x[: first + 2]"]),
    "two bounds": ("part = x[1, first : last + 2]", ["x[1, first : last + 2]"]),
    "a mask of what a mask selects": ("part = x[x[0] > 1][:, x[0] > 2]", ["x[x[0] > 1]", "x[x[0] > 1][:, x[0] > 2]"]),
    "an index of a list": ("part = [1, 2][first]", ["[1, 2][first]"]),
    "a size": ("part = x[0].repeat(first, 1)", ["repeat(first, 1)"]),
    "an index of the host": ("part = x[torch.arange(4), 0]", ["x[torch.arange(4), 0]"]),
    "items of the host": ("x[:, 0] = torch.arange(4)", ["torch.arange(4)"]),
}


@pytest.mark.parametrize(("line", "spans"), SPANS.values(), ids=SPANS)
def test_what_is_found(line: str, spans: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = transfer_lint.check("run.py", source=PROGRAM.format(line))
    found = [f for f in outcome.findings if f.line == 9]
    assert [line[f.column - 9 : f.end_column - 9] for f in found] == spans
