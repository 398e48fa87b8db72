"""A local that only removed code has read goes with it; whatever may matter stays."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case


def body(name: str, before: str, after: str) -> Case:
    """The lines, with `|` between them, as the body of a function that ends in `return x`."""
    before = before.replace("|", "\n    ").replace("MOVE", "x = x.⟦to|delete⟧(d)")
    after = after.replace("|", "\n    ")
    old, new = (f"def f(x, a):\n    {text}\n    return x\n" for text in (before, after))
    return case(name, old, new)


CASES = [
    body("a name", "d = a|b()|MOVE", "b()"),
    body("an attribute", "d = a.device|b()|MOVE", "b()"),
    body("a device", 'd = torch.device("cuda", 0)|b()|MOVE', "b()"),
    body("a choice", 'd = torch.device("cuda" if torch.cuda.is_available() else "cpu")|b()|MOVE', "b()"),
    body("a choice of names", "d = a if torch.cuda.is_available() else a.b|b()|MOVE", "b()"),
    body("a choice that calls", "d = a if g() else b|b()|MOVE", "d = a if g() else b|b()"),
    body("one after the other", "e = a.device|d = e|b()|MOVE", "b()"),
    body("alone in its block", "if a:|    d = a|b()|MOVE", "if a:|    pass|b()"),
    body("a call, which may do something", "d = g(a)|b()|MOVE", "d = g(a)|b()"),
    body("an item, which may not be there", "d = a[0]|b()|MOVE", "d = a[0]|b()"),
    body("read elsewhere", "d = a|b(d)|MOVE", "d = a|b(d)"),
    body("read by a function inside", "d = a|g = lambda: d|MOVE", "d = a|g = lambda: d"),
    body("assigned twice", "d = a|b()|d = x.device|MOVE", "d = a|b()|d = x.device"),
    body("assigned with others", "d = e = a|b(e)|MOVE", "d = e = a|b(e)"),
    body("assigned otherwise too", "d = a|for d in a: b()|MOVE", "d = a|for d in a: b()"),
    body("global", "global d|d = a|MOVE", "global d|d = a"),
    body("deleted", "d = a|MOVE|del d", "d = a|del d"),
    body("seen from inside", "d = a|MOVE|b(locals())", "d = a|b(locals())"),
    body("annotated", "d: str = a|MOVE|b()", "d: str = a|b()"),
    body("a comment beside it", "d = a  # why|MOVE|b()", "d = a  # why|b()"),
    body("a comment above it", "# why|d = a|MOVE|b()", "# why|d = a|b()"),
    body("never read", "d = a|e = a|b()|MOVE", "e = a|b()"),
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
