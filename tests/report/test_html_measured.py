"""The report says what a run measured, where a trace is given."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.command import WASTE, lint

SCENARIO = "import torch\nimport waste\n\n\ndef run():\n    return waste.twice(torch.ones(3))\n"


def test_measured_where_a_trace_is_given(tmp_path: Path) -> None:
    (tmp_path / "waste.py").write_text(WASTE)
    (tmp_path / "scenario.py").write_text(SCENARIO)
    traced = ("trace", "--simulate", "cuda", "--scenario", "scenario.py", "--format", "json", "-o", "trace.json")
    lint(*traced, cwd=tmp_path, expect=0)
    out = lint("check", "--output-format", "html", "--trace", "trace.json", "waste.py", cwd=tmp_path, expect=1).out
    saves = re.findall(r'<td data-name="Saves">(.*?)</td>', out)
    assert len(saves) == 2
    assert "12 bytes" in saves[0]
    assert saves[1].startswith("confirmed")
    assert "What a run measured is in the last column" in out
