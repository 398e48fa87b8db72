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
    case("after a call", "f(g(), x.⟦to|tensor rebind⟧(d))\n", "f(g(), x if x.device == d else x.to(d))\n"),
    case("after a read of the name", "f(x, x.⟦to|tensor rebind⟧(d))\n", "f(x, x if x.device == d else x.to(d))\n"),
    case("before a read of the name", "f(x.⟦to|tensor rebind⟧(d), x)\n", "f(x if x.device == d else x.to(d), x)\n"),
    case(
        "twice: two copies if it moves",
        "f(x.⟦to|tensor rebind⟧(d), x.⟦to|tensor rebind⟧(d))\n",
        "f(x if x.device == d else x.to(d), x if x.device == d else x.to(d))\n",
    ),
    case(
        "a lambda reads the name",
        "f(lambda: x, x.⟦to|tensor rebind⟧(d))\n",
        "f(lambda: x, x if x.device == d else x.to(d))\n",
    ),
    case("augmented name", "x += x.⟦to|tensor rebind⟧(d)\n", "x += x if x.device == d else x.to(d)\n"),
    case("augmented subscript", "a[0] += x.⟦to|tensor rebind⟧(d)\n", "a[0] += x if x.device == d else x.to(d)\n"),
    case("class body", "class A:\n    x = x.⟦to|tensor⟧(d)\n", "class A:\n    x = x if x.device == d else x.to(d)\n"),
    case(
        "ternary arm",
        "y = x.⟦to|tensor rebind⟧(d) if c else z\n",
        "y = (x if x.device == d else x.to(d)) if c else z\n",
    ),
    case(
        "ternary test",
        "y = a if x.⟦to|tensor rebind⟧(d) else z\n",
        "if x.device != d:\n    x = x.to(d)\ny = a if x else z\n",
    ),
    case("right of and", "y = c and x.⟦to|tensor rebind⟧(d)\n", "y = c and (x if x.device == d else x.to(d))\n"),
    case(
        "chained comparison", "y = a < b < x.⟦to|tensor rebind⟧(d)\n", "y = a < b < (x if x.device == d else x.to(d))\n"
    ),
    case("comprehension", "y = [x.⟦to|tensor⟧(d) for x in z]\n", "y = [x if x.device == d else x.to(d) for x in z]\n"),
    case(
        "comprehension condition",
        "y = [x for x in z if x.⟦to|tensor⟧(d)]\n",
        "y = [x for x in z if (x if x.device == d else x.to(d))]\n",
    ),
    case(
        "dict comprehension",
        "y = {x: x.⟦to|tensor⟧(d) for x in z}\n",
        "y = {x: (x if x.device == d else x.to(d)) for x in z}\n",
    ),
    case("generator argument", "f(x.⟦to|tensor⟧(d) for x in z)\n", "f(x if x.device == d else x.to(d) for x in z)\n"),
    case("lambda", "f = lambda x: x.⟦to|tensor⟧(d)\n", "f = lambda x: (x if x.device == d else x.to(d))\n"),
    case("default", "def f(a=x.⟦to|tensor⟧(d)): pass\n", "def f(a=(x if x.device == d else x.to(d))): pass\n"),
    case(
        "decorator",
        "@f(x.⟦to|tensor rebind⟧(d))\ndef g(): pass\n",
        "@f(x if x.device == d else x.to(d))\ndef g(): pass\n",
    ),
    case("class bases", "class A(x.⟦to|tensor⟧(d)): pass\n", "class A(x if x.device == d else x.to(d)): pass\n"),
    case(
        "while", "while x.⟦to|tensor rebind⟧(d).any(): pass\n", "while (x if x.device == d else x.to(d)).any(): pass\n"
    ),
    case(
        "elif",
        "if a: pass\nelif x.⟦to|tensor rebind⟧(d): pass\n",
        "if a: pass\nelif (x if x.device == d else x.to(d)): pass\n",
    ),
    case(
        "case guard",
        "match a:\n    case b if x.⟦to|tensor rebind⟧(d): pass\n",
        "match a:\n    case b if (x if x.device == d else x.to(d)): pass\n",
    ),
    case(
        "assert, which python -O leaves out",
        "assert x.⟦to|tensor rebind⟧(d).any()\n",
        "assert (x if x.device == d else x.to(d)).any()\n",
    ),
    case("assert message", "assert a, x.⟦to|tensor rebind⟧(d)\n", "assert a, (x if x.device == d else x.to(d))\n"),
    case(
        "second with item",
        "with a, x.⟦to|tensor rebind⟧(d): pass\n",
        "with a, (x if x.device == d else x.to(d)): pass\n",
    ),
    case("subscript target", "a[x.⟦to|tensor rebind⟧(d)] = f()\n", "a[x if x.device == d else x.to(d)] = f()\n"),
    case(
        "target after a target",
        "d, a[x.⟦to|tensor rebind⟧(d)] = p, q\n",
        "d, a[x if x.device == d else x.to(d)] = p, q\n",
    ),
    case("del", "del x.⟦to|tensor rebind⟧(d).grad\n", "del (x if x.device == d else x.to(d)).grad\n"),
    case("star after keyword", "f(a=x.⟦to|tensor rebind⟧(d), *g())\n", "f(a=x if x.device == d else x.to(d), *g())\n"),
    case(
        "starred",
        "f(*x.⟦to|tensor⟧(d), **y.⟦to|tensor⟧(d))\n",
        "f(*(x if x.device == d else x.to(d)), **(y if y.device == d else y.to(d)))\n",
    ),
    case("starred element", "y = [*x.⟦to|tensor⟧(d)]\n", "y = [*(x if x.device == d else x.to(d))]\n"),
    case("tuple", "y = 1, x.⟦to|tensor⟧(d)\n", "y = 1, x if x.device == d else x.to(d)\n"),
    case("dict", "y = {k: x.⟦to|tensor⟧(d)}\n", "y = {k: x if x.device == d else x.to(d)}\n"),
    case("attribute", "y = x.⟦to|tensor⟧(d).shape\n", "y = (x if x.device == d else x.to(d)).shape\n"),
    case("operand", "y = -x.⟦to|tensor⟧(d) ** 2\n", "y = -(x if x.device == d else x.to(d)) ** 2\n"),
    case(
        "await", "async def f(): await x.⟦to|tensor⟧(d)\n", "async def f(): await (x if x.device == d else x.to(d))\n"
    ),
    case("slice", "y = a[x.⟦to|tensor⟧(d) : 2]\n", "y = a[(x if x.device == d else x.to(d)) : 2]\n"),
    case("walrus", "if (y := x.⟦to|tensor⟧(d)): pass\n", "if (y := (x if x.device == d else x.to(d))): pass\n"),
    case("own parentheses", "y = (x.⟦to|tensor⟧(d)).shape\n", "y = (x if x.device == d else x.to(d)).shape\n"),
    case(
        "bound inside",
        "y = a and f(x).⟦to|tensor d0 t1⟧(d, t)\n",
        "y = a and (moved if (moved := f(x)).device == d and moved.dtype == t else moved.to(d, t))\n",
    ),
    case(
        "target bound inside",
        "y = a and x.⟦to|tensor d0*⟧(pick())\n",
        "y = a and (x if x.device == (target_device := pick()) else x.to(target_device))\n",
    ),
    case(
        "what is bound comes first",
        "y = a and x.⟦to|tensor d0 t1*⟧(d, pick())\n",
        "y = a and (x if x.dtype == (target_dtype := pick()) and x.device == d else x.to(d, target_dtype))\n",
    ),
    case(
        "a tensor bound inside",
        "y = a and x.⟦to|tensor d0*@{}.device t0*@{}.dtype⟧(g())\n",
        "y = a and (x if x.device == (target := g()).device and x.dtype == target.dtype else x.to(target))\n",
    ),
    case(
        "an attribute, then a target bound inside",
        "f(g.h, self.x.⟦to|tensor d0*⟧(pick()))\n",
        "f(g.h, moved if (moved := self.x).device == (target_device := pick()) else moved.to(target_device))\n",
    ),
    case(
        "an attribute of something before a call",
        "self.f(g().⟦to|tensor⟧(d))\n",
        "self.f(moved if (moved := g()).device == d else moved.to(d))\n",
    ),
    case(
        "a receiver that binds a name read before",
        "f(x, (x := g()).⟦to|tensor⟧(d))\n",
        "f(x, moved if (moved := (x := g())).device == d else moved.to(d))\n",
    ),
    case(
        "bound in a lambda",
        "y = lambda: f().⟦to|tensor⟧(d)\n",
        "y = lambda: (moved if (moved := f()).device == d else moved.to(d))\n",
    ),
    case(
        "bound in a comprehension",
        "y = [f(x).⟦to|tensor⟧(d) for x in z]\n",
        "y = [moved if (moved := f(x)).device == d else moved.to(d) for x in z]\n",
    ),
    case(
        "comments of what is bound inside",
        "y = a and (\n    f(  # f\n        x)\n    .⟦to|tensor⟧(d)  # to\n)\n",
        "# f\ny = a and (\n    moved if (moved := f(x)).device == d else moved\n    .to(d)  # to\n)\n",
    ),
    case(
        "on several lines",
        f"self.{'x' * 16} = self.{'x' * 16}.⟦to|tensor d0 t1⟧(self.device, dtype=self.dtype)\n",
        f"""
        self.{"x" * 16} = (
            self.{"x" * 16}
            if self.{"x" * 16}.device == self.device and self.{"x" * 16}.dtype == self.dtype
            else self.{"x" * 16}.to(self.device, dtype=self.dtype)
        )
        """,
    ),
]

REFUSED = [
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
    refusal("two bound inside", "y = a and x.⟦to|tensor d0* t1*⟧(f(), g())\n", "Two arguments"),
    refusal("another argument with effects", "y = a and x.⟦to|tensor⟧(d, non_blocking=f())\n", "exactly once"),
]


@pytest.mark.parametrize("case", INSIDE, ids=lambda case: case.id)
def test_inside(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_refused(case: Case) -> None:
    case.check()
