"""TL903: a function that takes too many steps to be followed."""

from __future__ import annotations

from transfer_lint.findings import Severity
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.notes import OverBudget


@rule(
    "TL903",
    "analysis-budget",
    "a function takes too many steps to be followed",
    fix="",
    safety=None,
)
def check(note: OverBudget) -> Verdict:
    """A hint: nothing is wrong with the code, but less is known of it."""
    what = f"`{note.function}`" if note.function else "the top level of the file"
    return Verdict(Severity.HINT, f"{what} takes too many steps to be followed; each statement is judged by itself")
