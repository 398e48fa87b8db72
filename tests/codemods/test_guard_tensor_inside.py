"""A tensor's guard inside an expression, and where there can be none."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal

INSIDE = [
    case("not to be rebound", "f(x.⟦to|tensor⟧(d))\n", "f(x if x.device == d else x.to(d))\n"),
    case(
        "both halves",
        "f(x.⟦to|tensor d0 t1⟧(d, t))\n",
        "f(x if x.device == d and x.dtype == t else x.to(d, t))\n",
    ),
    case("an attribute", "y = self.x.⟦to|tensor⟧(d)\n", "y = self.x if self.x.device == d else self.x.to(d)\n"),
    case(
        "an attribute assigned to itself",
        "self.x = self.x.⟦to|tensor⟧(d)\n",
        "self.x = self.x if self.x.device == d else self.x.to(d)\n",
    ),
    case("augmented name", "x += x.⟦to|tensor rebind⟧(d)\n", "x += x if x.device == d else x.to(d)\n"),
    case("augmented subscript", "a[0] += x.⟦to|tensor rebind⟧(d)\n", "a[0] += x if x.device == d else x.to(d)\n"),
    case("class body", "class A:\n    x = x.⟦to|tensor⟧(d)\n", "class A:\n    x = x if x.device == d else x.to(d)\n"),
    case(
        "ternary test",
        "y = a if x.⟦to|tensor rebind⟧(d) else z\n",
        "if x.device != d:\n    x = x.to(d)\ny = a if x else z\n",
    ),
    case("comprehension", "y = [x.⟦to|tensor⟧(d) for x in z]\n", "y = [x if x.device == d else x.to(d) for x in z]\n"),
    case("generator argument", "f(x.⟦to|tensor⟧(d) for x in z)\n", "f(x if x.device == d else x.to(d) for x in z)\n"),
    case(
        "decorator",
        "@f(x.⟦to|tensor rebind⟧(d))\ndef g(): pass\n",
        "@f(x if x.device == d else x.to(d))\ndef g(): pass\n",
    ),
    case("class bases", "class A(x.⟦to|tensor⟧(d)): pass\n", "class A(x if x.device == d else x.to(d)): pass\n"),
    case("subscript target", "a[x.⟦to|tensor rebind⟧(d)] = f()\n", "a[x if x.device == d else x.to(d)] = f()\n"),
    case(
        "target after a target",
        "d, a[x.⟦to|tensor rebind⟧(d)] = p, q\n",
        "d, a[x if x.device == d else x.to(d)] = p, q\n",
    ),
    case("dict", "y = {k: x.⟦to|tensor⟧(d)}\n", "y = {k: x if x.device == d else x.to(d)}\n"),
]

REFUSED = [
    refusal("after a call", "f(g(), x.⟦to|tensor rebind⟧(d))\n", "larger expression"),
    refusal("after a read of the name", "f(x, x.⟦to|tensor rebind⟧(d))\n", "larger expression"),
    refusal("before a read of the name", "f(x.⟦to|tensor rebind⟧(d), x)\n", "larger expression"),
    refusal(
        "twice: two copies if it moves",
        "f(x.⟦to|tensor rebind⟧(d), x.⟦to|tensor rebind⟧(d))\n",
        "larger expression",
        "larger expression",
    ),
    refusal("a lambda reads the name", "f(lambda: x, x.⟦to|tensor rebind⟧(d))\n", "larger expression"),
    refusal("ternary arm", "y = x.⟦to|tensor rebind⟧(d) if c else z\n", "larger expression"),
    refusal("right of and", "y = c and x.⟦to|tensor rebind⟧(d)\n", "larger expression"),
    refusal("chained comparison", "y = a < b < x.⟦to|tensor rebind⟧(d)\n", "larger expression"),
    refusal("comprehension condition", "y = [x for x in z if x.⟦to|tensor⟧(d)]\n", "larger expression"),
    refusal("dict comprehension", "y = {x: x.⟦to|tensor⟧(d) for x in z}\n", "larger expression"),
    refusal("lambda", "f = lambda x: x.⟦to|tensor⟧(d)\n", "larger expression"),
    refusal("default", "def f(a=x.⟦to|tensor⟧(d)): pass\n", "larger expression"),
    refusal("while", "while x.⟦to|tensor rebind⟧(d).any(): pass\n", "larger expression"),
    refusal("elif", "if a: pass\nelif x.⟦to|tensor rebind⟧(d): pass\n", "larger expression"),
    refusal("case guard", "match a:\n    case b if x.⟦to|tensor rebind⟧(d): pass\n", "larger expression"),
    refusal("assert, which python -O leaves out", "assert x.⟦to|tensor rebind⟧(d).any()\n", "larger expression"),
    refusal("assert message", "assert a, x.⟦to|tensor rebind⟧(d)\n", "larger expression"),
    refusal("second with item", "with a, x.⟦to|tensor rebind⟧(d): pass\n", "larger expression"),
    refusal("del", "del x.⟦to|tensor rebind⟧(d).grad\n", "larger expression"),
    refusal("star after keyword", "f(a=x.⟦to|tensor rebind⟧(d), *g())\n", "larger expression"),
    refusal("starred", "f(*x.⟦to|tensor⟧(d), **y.⟦to|tensor⟧(d))\n", "larger expression", "larger expression"),
    refusal("starred element", "y = [*x.⟦to|tensor⟧(d)]\n", "larger expression"),
    refusal("tuple", "y = 1, x.⟦to|tensor⟧(d)\n", "larger expression"),
    refusal("attribute", "y = x.⟦to|tensor⟧(d).shape\n", "larger expression"),
    refusal("operand", "y = -x.⟦to|tensor⟧(d) ** 2\n", "larger expression"),
    refusal("await", "async def f(): await x.⟦to|tensor⟧(d)\n", "larger expression"),
    refusal("slice", "y = a[x.⟦to|tensor⟧(d) : 2]\n", "larger expression"),
    refusal("walrus", "if (y := x.⟦to|tensor⟧(d)): pass\n", "larger expression"),
    refusal("own parentheses", "y = (x.⟦to|tensor⟧(d)).shape\n", "larger expression"),
    refusal("bound inside", "y = a and f(x).⟦to|tensor d0 t1⟧(d, t)\n", "no new name"),
    refusal("target bound inside", "y = a and x.⟦to|tensor d0*⟧(pick())\n", "no new name"),
    refusal("what is bound comes first", "y = a and x.⟦to|tensor d0 t1*⟧(d, pick())\n", "no new name"),
    refusal("a tensor bound inside", "y = a and x.⟦to|tensor d0*@{}.device t0*@{}.dtype⟧(g())\n", "no new name"),
    refusal("an attribute, then a target bound inside", "f(g.h, self.x.⟦to|tensor d0*⟧(pick()))\n", "no new name"),
    refusal("an attribute of something before a call", "self.f(g().⟦to|tensor⟧(d))\n", "no new name"),
    refusal("a receiver that binds a name read before", "f(x, (x := g()).⟦to|tensor⟧(d))\n", "no new name"),
    refusal("bound in a lambda", "y = lambda: f().⟦to|tensor⟧(d)\n", "no new name"),
    refusal("bound in a comprehension", "y = [f(x).⟦to|tensor⟧(d) for x in z]\n", "no new name"),
    refusal(
        "comments of what is bound inside",
        "y = a and (\n    f(  # f\n        x)\n    .⟦to|tensor⟧(d)  # to\n)\n",
        "no new name",
    ),
    refusal(
        "on several lines",
        f"self.{'x' * 16} = self.{'x' * 16}.⟦to|tensor d0 t1⟧(self.device, dtype=self.dtype)\n",
        "not fit",
    ),
    refusal("no half", "x = x.⟦to|tensor d3⟧(d)\n", "does not have the arguments"),
    refusal("unspellable", "x = x.⟦cuda|tensor d⟧()\n", "cannot be spelled"),
    refusal("copy", "x = x.⟦to|tensor⟧(d, copy=True)\n", "`copy`"),
    refusal("copy by position", "x = x.⟦to|tensor⟧(d, False, True)\n", "positional"),
    refusal("star", "x = x.⟦to|tensor⟧(d, **k)\n", "`*`"),
    refusal("super", "class A:\n    def to(s): return super().⟦to|tensor⟧(d)\n", "super()"),
    refusal("f-string", "y = f'{x.⟦to|tensor⟧(d)}'\n", "f-string"),
    refusal("new name in a class body", "class A:\n    y = f().⟦to|tensor⟧(d)\n", "class body"),
    refusal(
        "new name in a comprehension of a class body",
        "class A:\n    y = [f().⟦to|tensor⟧(d) for x in z]\n",
        "class body",
    ),
    refusal("new name in an iterable", "y = [x for x in f().⟦to|tensor⟧(d)]\n", "no new name"),
    refusal("an argument that binds a name", "y = x.⟦to|tensor t0*⟧((x := g()))\n", "binds a name"),
    refusal("two bound inside", "y = a and x.⟦to|tensor d0* t1*⟧(f(), g())\n", "no new name"),
    refusal("another argument with effects", "y = a and x.⟦to|tensor⟧(d, non_blocking=f())\n", "no new name"),
]


@pytest.mark.parametrize("case", INSIDE, ids=lambda case: case.id)
def test_inside(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_refused(case: Case) -> None:
    case.check()
