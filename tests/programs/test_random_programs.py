"""Random programs, fixed: they compile, settle, compute the same on every placement, and move no more than before.

`PROGRAMS=5000 pytest tests/programs` hunts with that many new ones; without it a fixed few are tried.
`hunt.py` hunts by seeds.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.programs.world import compare, fix
from tests.programs.writer import programs
from transfer_codemods.actions import GuardForm
from transfer_lint.findings import Finding, Severity

HUNT = int(os.environ.get("PROGRAMS", "0"))
common = settings(
    deadline=None,
    derandomize=not HUNT,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@settings(common, max_examples=HUNT or 60)
@given(programs())
def test_a_fixed_program_does_the_same(before: dict[str, str]) -> None:
    settled = fix(before)
    assert not settled.problems
    count = sum(len(findings) for findings in settled.applied.values())
    event(f"fixes: {count if count < 3 else '3 or more'}")
    for findings in settled.applied.values():
        for finding in findings:
            event(f"fixed: {finding.code}")
    assert fix(settled.texts).texts == settled.texts, "fixed again, it changes again"
    assert loud(settled.lineage.found) >= loud({p: each.findings for p, each in settled.examined.items()}), (
        "a warning is new"
    )
    verdict = compare(before, settled.texts)
    event(f"placements that it runs on: {verdict.ran} of 6")
    event(f"saves something: {verdict.saved > 0}")
    assert not verdict.texts, "\n".join(verdict.texts)


def loud(found: Mapping[str, Sequence[Finding]]) -> Counter[tuple[str, str]]:
    """File and function of each finding that is more than a hint. What a fix leaves, another rule may find."""
    every = (finding for findings in found.values() for finding in findings)
    return Counter((f.path, f.function) for f in every if f.severity is not Severity.HINT)


@settings(common, max_examples=HUNT // 4 or 25)
@given(programs(), st.sampled_from(GuardForm))
def test_unsafe_fixes_settle_and_keep_values(before: dict[str, str], form: GuardForm) -> None:
    """What an unsafe fix may change is where values are, and with it what fails."""
    settled = fix(before, unsafe=True, form=form)
    assert not settled.problems
    for path, text in settled.texts.items():
        compile(text, path, "exec")
    assert fix(settled.texts, unsafe=True, form=form).texts == settled.texts
    buffers = any(finding.code == "TL110" for findings in settled.applied.values() for finding in findings)
    # other forms trust that nobody else moves a module, which these programs do; a buffer goes where its module goes
    if form is GuardForm.EXACT and not buffers:
        verdict = compare(before, settled.texts, kinds=frozenset({"value", "dtype"}))
        assert not verdict.texts, "\n".join(verdict.texts)
