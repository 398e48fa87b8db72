"""A local that only removed code has read goes with it; whatever may matter stays."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal


def body(name: str, before: str, after: str) -> Case:
    """Lines, with `|` between them and `¦` for that of a mark, as the body of a function that ends in `return x`."""
    before = before.replace("|", "\n    ").replace("¦", "|").replace("MOVE", "x = x.⟦to|delete⟧(d)")
    after = after.replace("|", "\n    ")
    old, new = (f"def f(x, a):\n    {text}\n    return x\n" for text in (before, after))
    return case(name, old, new)


def stuck(name: str, before: str, what: str = "`d` would be left without use") -> Case:
    """Nothing goes, and the move is refused."""
    return refusal(name, body(name, before, "").before, what)


CASES = [
    body("a name", "d = a|b()|MOVE", "b()"),
    body("an attribute", "d = a.device|b()|MOVE", "b()"),
    body("a call that does nothing", "⟦d¦goes⟧ = g(a)|b()|MOVE", "b()"),
    body("a call that has to run", "⟦d¦runs⟧ = g(a)|b()|MOVE", "g(a)|b()"),
    body("one after the other", "e = a.device|d = e|b()|MOVE", "b()"),
    body("calls, one after the other", "⟦e¦runs⟧ = g(a)|⟦d¦goes⟧ = h(e)|b()|MOVE", "g(a)|b()"),
    body("a call of which nothing is known", "d = g(a)|b()|MOVE", "d = g(a)|b()"),
    body("an item, which may not be there", "d = a[0]|b()|MOVE", "d = a[0]|b()"),
    body("read elsewhere", "⟦d¦stays⟧ = a|b(d)|MOVE", "d = a|b(d)"),
    body("read by a function inside", "d = a|g = lambda: d|MOVE", "d = a|g = lambda: d"),
    body("assigned twice", "d = a|b()|d = x.device|MOVE", "b()"),
    body("assigned twice, differently", "d = a|b()|⟦d¦runs⟧ = g(x)|MOVE", "b()|g(x)"),
    body("assigned with others", "d = e = g(a)|b(e)|MOVE", "e = g(a)|b(e)"),
    body("assigned with an attribute", "a.d = d = g(a)  # why|MOVE", "a.d = g(a)  # why"),
    body("assigned otherwise too", "d = a|for d in a: b()|MOVE", "d = a|for d in a: b()"),
    body("a part of a value", "d, e = a|b()|MOVE", "d, e = a|b()"),
    body("one of two", "d, e = a.d, g(a)|b(e)|MOVE", "e = g(a)|b(e)"),
    body("one of three", "e, f, d = a, b(), a.d|b(e, f)|MOVE", "e, f = a, b()|b(e, f)"),
    body("one of two in a list", "(d, e) = [a.d, g(a)]|b(e)|MOVE", "e = g(a)|b(e)"),
    body("two of two", "d, e = a.d, a.e|b()|x = x.⟦to¦delete⟧(d, e)", "b()"),
    body("two of two, not both idle", "d, e = a.d, g(a)|b()|x = x.⟦to¦delete⟧(d, e)", "d, e = a.d, g(a)|b()"),
    stuck("one of two has to run", "⟦d¦runs⟧, e = g(a), a.e|b(e)|MOVE"),
    body("added to", "d = a|d += 1|MOVE", "d = a|d += 1"),
    body("global", "global d|d = a|MOVE", "global d|d = a"),
    body("deleted", "d = a|MOVE|del d", "d = a|del d"),
    body("seen from inside", "d = a|MOVE|b(locals())", "d = a|b(locals())"),
    body("other things are seen", "d = a|MOVE|b(vars(a))", "b(vars(a))"),
    body("annotated", "d: str = a|MOVE|b()", "b()"),
    body("annotated, has to run", "⟦d¦runs⟧: str = g(a)|MOVE|b()", "g(a)|b()"),
    body("a comment beside it", "d = a  # why|MOVE|b()", "d = a  # why|b()"),
    body("a comment above it", "# why|d = a|MOVE|b()", "# why|d = a|b()"),
    body("never read", "d = a|e = a|b()|MOVE", "e = a|b()"),
    body("named as what is given", "⟦a¦goes⟧ = g(x)|x = x.⟦to¦delete⟧(a)|b()", "b()"),
    body("an attribute of a class", "d = a|class A:|    d = 1|MOVE", "d = a|class A:|    d = 1"),
    stuck("has to stay", "⟦d¦stays⟧ = g(a)|b()|MOVE"),
    stuck(
        "has to stay, one after the other", "⟦e¦stays⟧ = g(a)|d = e.device|b()|MOVE", "`e` would be left without use"
    ),
    stuck("one of two has to stay", "d = a|b()|⟦d¦stays⟧ = g(x)|MOVE"),
    stuck("seen from inside, which linters do not know", "⟦d¦goes⟧ = a|MOVE|b(vars())"),
    stuck("a comment is about it", "⟦d¦goes⟧ = a  # why|MOVE|b()"),
    stuck("alone in its block", "if a:|    ⟦d¦goes⟧ = a|b()|MOVE"),
    stuck("assigned in a loop before", "for d in a: b()|⟦d¦stays⟧ = a|MOVE"),
    stuck("assigned as a part before", "d, *_ = a|⟦d¦goes⟧ = a|MOVE"),
    stuck("a line with others", "⟦d¦goes⟧ = a; b()|MOVE"),
    stuck("in an expression", "b(⟦d¦stays⟧ := a)|MOVE"),
    stuck("of a context", "with b() as ⟦d¦stays⟧:|    MOVE"),
    case(
        "only what leaves it unread is refused",
        "def f(x, y, a):\n    ⟦d|stays⟧ = g(a)\n    return x.⟦to|delete⟧(a), y.⟦to|delete⟧(d)\n",
        "def f(x, y, a):\n    d = g(a)\n    return x, y.to(d)\n",
        "`d` would be left without use",
    ),
    case(
        "a function beside it",
        "def f(x):\n    ⟦d|stays⟧ = g()\n    return x.⟦to|delete⟧(d)\n\n\ndef h(x, d):\n    return x.⟦to|delete⟧(d)\n",
        "def f(x):\n    d = g()\n    return x.to(d)\n\n\ndef h(x, d):\n    return x\n",
        "`d` would be left without use",
    ),
    case("of a module", "d = a\nx = x.⟦to|delete⟧(d)\nb()\n", "d = a\nb()\n"),
    case(
        "of a class",
        "class A:\n    d = a\n    x = y.⟦to|delete⟧(d)\n",
        "class A:\n    d = a\n    x = y\n",
    ),
    case(
        "of the function around",
        "def f(x, a):\n    d = a\n\n    def g(y):\n        return y.⟦to|delete⟧(d)\n    return g(x)\n",
        "def f(x, a):\n\n    def g(y):\n        return y\n    return g(x)\n",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_unused(case: Case) -> None:
    case.check()
