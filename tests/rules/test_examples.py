"""Every example of every rule's page: found, rewritten, and executed over the placement matrix."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import transfer_lint.rules
from transfer_lint.findings import Severity
from transfer_lint.fixing.examples import find, fix, mistakes
from transfer_lint.rules.pages import Example, Page, read_page
from transfer_lint.tracing.examples.compare import compare

PAGES = [read_page(path) for path in sorted(Path(transfer_lint.rules.__file__).parent.glob("*.md"))]

# To leave a value on another device is what TL104 and TL201 are for. All else must be as before.
TOLERATED = {"TL104": frozenset({"device", "identity"}), "TL201": frozenset({"device"})}


def cases(*, fixed: bool | None = None, run: bool | None = None) -> list[object]:
    """(page, example) of all pages, with ids; fixed, run: only those that have, or have not, an `after`, a `run`."""
    return [
        pytest.param(page, example, id=f"{page.code}-{example.name}".replace(" ", "-"))
        for page in PAGES
        for example in page.examples
        if (fixed is None or fixed == (example.after is not None)) and (run is None or run == (example.run is not None))
    ]


@pytest.mark.parametrize(("page", "example"), cases())
def test_found_and_rewritten(page: Page, example: Example) -> None:
    assert list(mistakes(page.code, example)) == []
    if page.code != "TL902":  # about what does not
        compile(example.after or example.before, "<fixed>", "exec")


@pytest.mark.parametrize(("page", "example"), cases())
def test_a_safe_fix_makes_no_new_warning(page: Page, example: Example) -> None:
    fixed = fix(example, example.before, unsafe=False)
    assert loud(example, fixed) <= loud(example, example.before)


def loud(example: Example, text: str) -> Counter[tuple[str, str]]:
    """Rule and function of each finding that is more than a hint."""
    found = find(example, text)
    return Counter((finding.code, finding.function) for finding in found if finding.severity is not Severity.HINT)


@pytest.mark.parametrize(("page", "example"), cases(fixed=True, run=True))
def test_executed(page: Page, example: Example) -> None:
    assert example.after is not None
    assert example.run is not None
    verdict = compare(example.before, example.after, example.run, TOLERATED.get(page.code, frozenset()))
    assert not verdict.kinds, verdict.report()
    assert verdict.ran, f"`run: {example.run}` raises on every placement"
    assert (verdict.saved > 0 or verdict.moved > 0) is (page.code != "TL901"), (
        "the fix does without nothing, on no placement"
    )


@pytest.mark.parametrize(("page", "example"), cases(fixed=False, run=True))
def test_left_alone_code_runs(page: Page, example: Example) -> None:
    assert example.run is not None
    verdict = compare(example.before, example.before, example.run)
    assert verdict.ran, f"`run: {example.run}` raises on every placement"
    assert not verdict.kinds, f"two runs of the same code differ: {verdict.report()}"
