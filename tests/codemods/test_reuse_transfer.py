"""A move that has been done before becomes the name of what came of it."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal

CASES = [
    case("operand", "y = x.to(d)\nz = 2 * x.⟦to|reuse y⟧(d)\n", "y = x.to(d)\nz = 2 * y\n"),
    case("argument", "g(a, x.⟦to|reuse y⟧(d), b)\n", "g(a, y, b)\n"),
    case("arm of a ternary", "z = x.⟦to|reuse y⟧(d) if a else b\n", "z = y if a else b\n"),
    case("comprehension", "z = [i * x.⟦to|reuse y⟧(d) for i in a]\n", "z = [i * y for i in a]\n"),
    case("called on", "z = x.⟦to|reuse y⟧(d).sum()\n", "z = y.sum()\n"),
    case("parenthesised", "z = (x.⟦to|reuse y⟧(d))\n", "z = (y)\n"),
    case("the same name", "if a:\n    y = x.⟦to|reuse y⟧(d)\n", "if a:\n    pass\n"),
    case(
        "comments",
        """
        z = g(
            # where
            x.⟦to|reuse y⟧(
                d,  # there
            ),
        )
        """,
        """
        # there
        z = g(
            # where
            y,
        )
        """,
    ),
]

REFUSED = [
    refusal("walrus", "g(x.⟦to|reuse y⟧(e := d))\n", "binds a name"),
    refusal("await", "async def f(): g(x.⟦to|reuse y⟧(await d))\n", "waits"),
    refusal("yield", "def f(): g(x.⟦to|reuse y⟧((yield)))\n", "waits"),
    refusal("receiver that binds", "g((x := a).⟦to|reuse y⟧(d))\n", "binds a name"),
    refusal("f-string", "g(f'{x.⟦to|reuse y⟧(d)}')\n", "f-string"),
]


@pytest.mark.parametrize("case", [*CASES, *REFUSED], ids=lambda case: case.id)
def test_reuse(case: Case) -> None:
    case.check()
