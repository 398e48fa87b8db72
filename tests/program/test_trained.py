"""Where a tree trains: what a script trains that names no device is on the host, whatever other files do."""

from __future__ import annotations

from pathlib import Path

import pytest

from transfer_lint import check

DEMO = """import torch


def demo():
    net = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for batch in torch.utils.data.DataLoader(range(8)):
        loss = net({batch}).sum()
        loss.backward()
        optimizer.step()
        print(loss.item())
"""


@pytest.mark.parametrize(("batch", "severity"), [("batch", "hint"), ("batch.to(net.weight.device)", "warning")])
def test_a_script_that_names_no_device_trains_on_the_host(tmp_path: Path, batch: str, severity: str) -> None:
    (tmp_path / "other.py").write_text("import torch\n\ntorch.ones(2).to('cuda')\n")
    (tmp_path / "demo.py").write_text(DEMO.format(batch=batch))
    found = check(str(tmp_path)).findings
    assert [finding.severity.value for finding in found if finding.line == 11 and finding.code == "TL301"] == [severity]
