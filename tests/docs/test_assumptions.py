"""docs/assumptions.md: every assumption has an example, which rests on it alone or on it with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from transfer_lint.findings import Assumption, Finding, Safety, Severity
from transfer_lint.fixing.examples import PATH, OneFile, find, fix
from transfer_lint.flow.program.project import Project
from transfer_lint.lint.check_text import examine
from transfer_lint.rules.pages import Example, parse_page
from transfer_lint.settings import Settings
from transfer_lint.tracing.examples.compare import compare

_FILE = Path(__file__).parents[2] / "docs" / "assumptions.md"
PAGE = parse_page(_FILE.read_text(encoding="utf-8").replace("# Assumptions", "# assumptions (TL000)", 1), str(_FILE))

examples = pytest.mark.parametrize("example", PAGE.examples, ids=[example.name for example in PAGE.examples])


def test_every_assumption_has_its_section_and_its_example() -> None:
    names = [assumption.value for assumption in Assumption]
    assert [heading for heading, _ in PAGE.sections] == names
    assert [example.name for example in PAGE.examples] == names


@examples
def test_the_finding_names_the_assumption(example: Example) -> None:
    findings = [finding for finding in find(example, example.before) if finding.assumptions]
    assert tuple((finding.line, finding.code) for finding in findings) == example.marks
    for finding in findings:
        assert example.name in finding.assumptions
        assert finding.message.endswith(f"(assuming {', '.join(finding.assumptions)})")
        assert finding.severity.rank <= Severity.WARNING.rank
        assert finding.fix is None or finding.fix.safety is Safety.UNSAFE


@examples
def test_without_assumptions_there_is_no_such_finding(example: Example) -> None:
    lines = {line for line, _ in example.marks}
    found = [finding for finding in _trusting(example) if finding.line in lines]
    assert not [finding for finding in found if finding.assumptions or finding.severity is not Severity.HINT]


@examples
def test_a_trusted_assumption_is_no_longer_named_and_its_fix_stays_unsafe(example: Example) -> None:
    needed = {name for finding in find(example, example.before) for name in finding.assumptions}
    lines = {line for line, _ in example.marks}
    findings = [finding for finding in _trusting(example, *needed) if finding.line in lines]
    assert tuple((finding.line, finding.code) for finding in findings) == example.marks
    assert all("assuming" not in finding.message for finding in findings)
    assert all(finding.fix is None or finding.fix.safety is Safety.UNSAFE for finding in findings)


@examples
def test_the_fix_waits_for_permission(example: Example) -> None:
    assert fix(example, example.before, unsafe=False).count(".to(") >= example.before.count(".to(")
    assert fix(example, example.before, unsafe=True) == (example.before if example.after is None else example.after)


@pytest.mark.parametrize("example", [e for e in PAGE.examples if e.run], ids=[e.name for e in PAGE.examples if e.run])
def test_where_the_assumption_holds_both_compute_the_same(example: Example) -> None:
    assert example.run is not None
    verdict = compare(example.before, example.after or example.before, example.run)
    assert not verdict.kinds, verdict.report()
    assert verdict.ran, f"`run: {example.run}` raises on every placement"


def _trusting(example: Example, *names: str) -> tuple[Finding, ...]:
    project = Project(OneFile(example.before))
    return examine(PATH, example.before, project, Settings(root="/", trust=names)).findings
