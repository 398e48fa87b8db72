"""Reads of all elements of a tensor in one call."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal

CASES = [
    case("list", "a = [v.⟦item|at-once⟧() for v in x.flatten()]\n", "a = x.flatten().tolist()\n"),
    case("inside a call", "f(1, [v.⟦item|at-once⟧() for v in x.view(-1)])\n", "f(1, x.view(-1).tolist())\n"),
    case(
        "with a move inside",
        "a = [v.⟦item|at-once⟧() for v in x.⟦to|delete⟧(d).flatten()]\n",
        "a = x.flatten().tolist()\n",
    ),
    case(
        "lines",
        """
        a = [
            v.⟦item|at-once⟧()
            for v in x.flatten()
        ]
        """,
        """
        a = x.flatten().tolist()
        """,
    ),
    refusal("a set", "a = {v.⟦item|at-once⟧() for v in x.flatten()}\n", "cannot become one call"),
    refusal(
        "a comment",
        """
        a = [
            v.⟦item|at-once⟧()  # why
            for v in x.flatten()
        ]
        """,
        "cannot become one call",
    ),
]


@pytest.mark.parametrize("tried", [pytest.param(tried, id=tried.id) for tried in CASES])
def test_read_at_once(tried: Case) -> None:
    tried.check()
