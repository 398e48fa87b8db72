"""A move that every round of a loop repeats is done in the first round that gets there."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal

CASES = [
    case(
        "operand",
        """
        def f(x, d):
            for i in a:
                y = y * x.⟦to|hoist 1⟧(d)
        """,
        """
        def f(x, d):
            x_moved = None
            for i in a:
                if x_moved is None:
                    x_moved = x.to(d)
                y = y * x_moved
        """,
    ),
    case(
        "out of two loops, under a condition, with comments",
        """
        def f(self, d):
            # all rounds
            for i in a:
                while b:
                    if i:
                        # above
                        g(self.mask.⟦to|hoist 2⟧(d, dtype=t))  # beside
        """,
        """
        def f(self, d):
            mask_moved = None
            # all rounds
            for i in a:
                while b:
                    if i:
                        if mask_moved is None:
                            mask_moved = self.mask.to(d, dtype=t)
                        # above
                        g(mask_moved)  # beside
        """,
    ),
    case(
        "out of the inner of two",
        """
        for i in a:
            for j in b:
                y = x.⟦cuda|hoist 1⟧()
        """,
        """
        for i in a:
            x_moved = None
            for j in b:
                if x_moved is None:
                    x_moved = x.cuda()
                y = x_moved
        """,
    ),
    case(
        "the name is taken",
        """
        x_moved = 1
        for i in a:
            g(x.⟦to|hoist 1⟧(d))
        """,
        """
        x_moved = 1
        x_moved_2 = None
        for i in a:
            if x_moved_2 is None:
                x_moved_2 = x.to(d)
            g(x_moved_2)
        """,
    ),
    case(
        "two in one loop",
        """
        for i in a:
            g(x.⟦to|hoist 1⟧(d))
            g(y.⟦to|hoist 1⟧(d))
        """,
        """
        x_moved = None
        y_moved = None
        for i in a:
            if x_moved is None:
                x_moved = x.to(d)
            g(x_moved)
            if y_moved is None:
                y_moved = y.to(d)
            g(y_moved)
        """,
    ),
    case(
        "one-line body",
        "for i in a: g(x.⟦to|hoist 1⟧(d))\n",
        """
        x_moved = None
        for i in a:
            if x_moved is None:
                x_moved = x.to(d)
            g(x_moved)
        """,
    ),
    case(
        "in an else of the loop it is not in the loop",
        """
        for i in a:
            for j in b:
                pass
            else:
                g(x.⟦to|hoist 1⟧(d))
        """,
        """
        x_moved = None
        for i in a:
            for j in b:
                pass
            else:
                if x_moved is None:
                    x_moved = x.to(d)
                g(x_moved)
        """,
    ),
]

REFUSED = [
    refusal("no loop", "g(x.⟦to|hoist 1⟧(d))\n", "so many loops"),
    refusal("too few loops", "for i in a: g(x.⟦to|hoist 2⟧(d))\n", "so many loops"),
    refusal("loop around the function", "for i in a:\n    def f(): g(x.⟦to|hoist 1⟧(d))\n", "so many loops"),
    refusal("what the loop iterates over", "for i in x.⟦to|hoist 1⟧(d): g(i)\n", "so many loops"),
    refusal("test of a while", "while x.⟦to|hoist 1⟧(d): g()\n", "only sometimes"),
    refusal("arm of a ternary", "for i in a: y = x.⟦to|hoist 1⟧(d) if i else z\n", "only sometimes"),
    refusal("right of and", "for i in a: y = i and x.⟦to|hoist 1⟧(d)\n", "only sometimes"),
    refusal("comprehension", "for i in a: y = [j * x.⟦to|hoist 1⟧(d) for j in b]\n", "only sometimes"),
    refusal("lambda", "for i in a: y = lambda: x.⟦to|hoist 1⟧(d)\n", "only sometimes"),
    refusal("after a call", "for i in a: g(h(), x.⟦to|hoist 1⟧(d))\n", "before the call"),
    refusal("walrus", "for i in a: g(x.⟦to|hoist 1⟧(e := d))\n", "binds a name"),
    refusal("await", "async def f():\n    for i in a: g(x.⟦to|hoist 1⟧(await d))\n", "waits"),
    refusal("class body", "class A:\n    for i in a: y = x.⟦to|hoist 1⟧(d)\n", "only sometimes"),
    refusal("f-string", "for i in a: g(f'{x.⟦to|hoist 1⟧(d)}')\n", "f-string"),
]


@pytest.mark.parametrize("case", [*CASES, *REFUSED], ids=lambda case: case.id)
def test_hoist(case: Case) -> None:
    case.check()
