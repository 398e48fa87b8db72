"""Traps that real code sets: what is found in each, what the fixes make of it, and that both compute the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from transfer_lint.fixing.examples import PATH, OneFile, find, fix
from transfer_lint.flow.program.project import Project
from transfer_lint.lint.check_text import examine
from transfer_lint.rules.pages import Example, read_page
from transfer_lint.settings import Settings
from transfer_lint.tracing.examples.compare import compare

TRAPS = read_page(Path(__file__).with_name("traps.md")).examples

traps = pytest.mark.parametrize("trap", TRAPS, ids=[trap.name for trap in TRAPS])


@traps
def test_what_is_found(trap: Example) -> None:
    assert tuple((finding.line, finding.code) for finding in find(trap, trap.before)) == trap.marks


@traps
def test_what_becomes_of_it(trap: Example) -> None:
    fixed = fix(trap, trap.before, unsafe=trap.unsafe or trap.silent)
    assert fixed == (trap.before if trap.after is None else trap.after)
    assert fix(trap, fixed, unsafe=trap.unsafe or trap.silent) == fixed


@traps
def test_nothing_more_is_proved_without_assumptions(trap: Example) -> None:
    found = examine(PATH, trap.before, Project(OneFile(trap.before)), Settings(root="/", trust=())).findings
    assert {finding.line for finding in found} <= {line for line, _ in trap.marks}


@pytest.mark.parametrize("trap", [t for t in TRAPS if t.run], ids=[t.name for t in TRAPS if t.run])
def test_it_computes_the_same(trap: Example) -> None:
    assert trap.run is not None
    verdict = compare(trap.before, trap.after or trap.before, trap.run)
    assert not verdict.kinds, verdict.report()
    assert verdict.ran, f"`run: {trap.run}` raises on every placement"
