"""A move whose result nobody takes is assigned to what it moves, where that can be assigned to."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal

CASES = [
    case("name", "x.⟦to|assign⟧(d)\n", "x = x.to(d)\n"),
    case("attribute", "self.x.⟦to|assign⟧(d, dtype=t)\n", "self.x = self.x.to(d, dtype=t)\n"),
    case("deep attribute", "self.a.b.x.⟦cuda|assign⟧()\n", "self.a.b.x = self.a.b.x.cuda()\n"),
    case("item", "batch['x'].⟦to|assign⟧(d)\n", "batch['x'] = batch['x'].to(d)\n"),
    case("items", "self.a[0].b[-1].⟦to|assign⟧(d)\n", "self.a[0].b[-1] = self.a[0].b[-1].to(d)\n"),
    case("attribute of a global", "def f(): a.x.⟦to|assign⟧(d)\n", "def f(): a.x = a.x.to(d)\n"),
    case("parenthesised", "(x.⟦to|assign⟧(d))\n", "x = (x.to(d))\n"),
    case("parenthesised receiver", "(x).⟦to|assign⟧(d)\n", "x = (x).to(d)\n"),
    case("spaced receiver", "self . x . ⟦to|assign⟧ (d)\n", "self . x = self . x . to (d)\n"),
    case(
        "receiver over lines",
        "(self\n    .x  # c\n    .⟦to|assign⟧(d))\n",
        "self.x = (self\n    .x  # c\n    .to(d))\n",
    ),
    case("item over lines", "(a  # c\n    ['k']).⟦to|assign⟧(d)\n", "a['k'] = (a  # c\n    ['k']).to(d)\n"),
    case(
        "arguments over lines",
        """
        def f(x):
            # above
            x.⟦to|assign⟧(
                d,  # where
            )  # beside
        """,
        """
        def f(x):
            # above
            x = x.to(
                d,  # where
            )  # beside
        """,
    ),
    case("one of a line", "a(); x.⟦to|assign⟧(d) ; b()  # c\n", "a(); x = x.to(d) ; b()  # c\n"),
    case("last of a line", "a(); x.⟦to|assign⟧(d);\n", "a(); x = x.to(d);\n"),
    case("several", "x.⟦to|assign⟧(d); y.⟦to|assign⟧(d)\n", "x = x.to(d); y = y.to(d)\n"),
    case("one-line suite", "if a: x.⟦to|assign⟧(d)  # c\nelse: b()\n", "if a: x = x.to(d)  # c\nelse: b()\n"),
    case("suite of several", "for i in a: x.⟦to|assign⟧(i); b(x)\n", "for i in a: x = x.to(i); b(x)\n"),
    case(
        "beside a guard",
        "x.⟦to|assign⟧(d); y = y.⟦to|tensor⟧(d)\n",
        "x = x.to(d)\nif y.device != d:\n    y = y.to(d)\n",
    ),
    case("around another rewrite", "x.⟦to|assign⟧(z.⟦to|delete⟧(d).device)\n", "x = x.to(z.device)\n"),
    case(
        "around a guard",
        "def f(x, z):\n    x.⟦to|assign⟧(z.⟦to|tensor rebind⟧(d).device)\n",
        "def f(x, z):\n    if z.device != d:\n        z = z.to(d)\n    x = x.to(z.device)\n",
    ),
]

LOCALS = [
    case(kind, f"def f{head}x.⟦to|assign⟧(d)\n", f"def f{head}x = x.to(d)\n")
    for kind, head in {
        "parameter": "(x): ",
        "positional parameter": "(x, /): ",
        "keyword parameter": "(*, x=1): ",
        "starred parameter": "(*x): ",
        "double-starred parameter": "(**x): ",
        "assigned": "():\n    x = a\n    ",
        "assigned in a tuple": "():\n    y, (z, x) = a\n    ",
        "annotated": "():\n    x: a = b\n    ",
        "loop variable": "():\n    for x, y in a: ",
        "with": "():\n    with a as x: ",
        "assigned in an expression": "():\n    if (x := a): ",
        "assigned later": "():\n    while a:\n        if b: x = a\n        ",
        "global": "():\n    global y, x\n    ",
        "nonlocal": "(x):\n    def g():\n        nonlocal x\n        ",
    }.items()
]

REFUSED = [
    refusal("assigned", "y = x.⟦to|assign⟧(d)\n", "not a statement"),
    refusal("passed on", "f(x.⟦to|assign⟧(d))\n", "not a statement"),
    refusal("called on", "x.⟦to|assign⟧(d).sum()\n", "not a statement"),
    refusal("awaited", "async def f(x): await x.⟦to|assign⟧(d)\n", "not a statement"),
    refusal("tuple", "x.⟦to|assign⟧(d),\n", "not a statement"),
    refusal("lambda", "f = lambda x: x.⟦to|assign⟧(d)\n", "not a statement"),
    refusal("call", "f().⟦to|assign⟧(d)\n", "neither a name"),
    refusal("attribute of a call", "f().x.⟦to|assign⟧(d)\n", "neither a name"),
    refusal("item of a call", "f()['x'].⟦to|assign⟧(d)\n", "neither a name"),
    refusal("chain", "x.to(d).⟦to|assign⟧(d)\n", "neither a name"),
    refusal("variable item", "xs[i].⟦to|assign⟧(d)\n", "neither a name"),
    refusal("slice", "xs[1:].⟦to|assign⟧(d)\n", "neither a name"),
    refusal("several items", "xs[0, 1].⟦to|assign⟧(d)\n", "neither a name"),
    refusal("f-string item", "xs[f'{i}'].⟦to|assign⟧(d)\n", "neither a name"),
    refusal("not an index", "xs[~1].⟦to|assign⟧(d)\n", "neither a name"),
    refusal("sum", "(a + b).⟦to|assign⟧(d)\n", "neither a name"),
    refusal("name bound", "(x := a).⟦to|assign⟧(d)\n", "neither a name"),
    refusal("super", "class A:\n    def to(self, d): super().⟦to|assign⟧(d)\n", "neither a name"),
    refusal("class body", "class A:\n    x.⟦to|assign⟧(d)\n", "class body"),
    refusal("global read", "def f(): x.⟦to|assign⟧(d)\n", "not a local"),
    refusal("local of the function around", "def f(x):\n    def g(): x.⟦to|assign⟧(d)\n", "not a local"),
    refusal("local of a function inside", "def f():\n    def g(): x = a\n    x.⟦to|assign⟧(d)\n", "not a local"),
    refusal("variable of a comprehension", "def f():\n    [x for x in a]\n    x.⟦to|assign⟧(d)\n", "not a local"),
    refusal("attribute by its name", "def f(a):\n    a.x = 1\n    x.⟦to|assign⟧(d)\n", "not a local"),
]


@pytest.mark.parametrize("case", [*CASES, *LOCALS, *REFUSED], ids=lambda case: case.id)
def test_assign(case: Case) -> None:
    case.check()
