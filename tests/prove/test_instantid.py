"""The InstantID pack, as it is usually written: the gain is in the fixes that take a run to believe in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.runtime.conftest import ORIGINAL
from tests.support.command import ROOT, lint
from transfer_lint.findings import Safety

SCENARIOS = ROOT / "tests" / "runtime" / "scenarios"


def test_all_waits_are_saved_by_unsafe_fixes(tmp_path: Path) -> None:
    pack = tmp_path / "instantid"
    shutil.copytree(ORIGINAL, pack, ignore=shutil.ignore_patterns("__pycache__"))
    ran = lint(
        "fix", "--unsafe-fixes", "--prove", SCENARIOS / "both_ways.py", "--simulate", "cuda", "--ignore-devices",
        "--repeat", "1", "--output-format", "json", pack, cwd=SCENARIOS, hints=False, expect=0, SCENARIO_THIN="1",
    )  # fmt: skip
    proof = json.loads(ran.out)["proof"]
    assert proof["verdict"] == "the same, and no worse"
    assert proof["dropped"] == []
    kept = {safety.value: [each for each in proof["kept"] if each["safety"] == safety.value] for safety in Safety}
    assert (len(kept["safe"]), len(kept["unsafe"])) == (13, 5)  # TL303's fix does what TL302's would
    assert not any(any(each["saved"].values()) for each in kept["safe"])
    saved = {each["group"]: each["saved"]["waits"] for each in kept["unsafe"]}
    assert sum(saved.values()) == proof["original"]["waits"] - proof["fixed"]["waits"]
    conditioning = {each["group"] for each in kept["unsafe"] if each["code"] == "TL104"}
    assert len(conditioning) == 2  # the prompt's half and the other's save something together alone
