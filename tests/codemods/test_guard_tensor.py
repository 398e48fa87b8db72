"""`x.to(d)` of a tensor runs only where it would move something: which form, where."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal

STATEMENTS = [
    case(
        "assigned to itself",
        """
        def f(self, mask):
            # above
            mask = mask.⟦to|tensor⟧(self.device)  # beside
            return mask
        """,
        """
        def f(self, mask):
            # above
            if mask.device != self.device:
                mask = mask.to(self.device)  # beside
            return mask
        """,
    ),
    case(
        "both halves",
        "x = x.⟦to|tensor d0 t1⟧(d, dtype=t)\n",
        "if x.device != d or x.dtype != t:\n    x = x.to(d, dtype=t)\n",
    ),
    case("dtype alone", "x = x.⟦to|tensor t0⟧(t)\n", "if x.dtype != t:\n    x = x.to(t)\n"),
    case(
        "wrapped",
        "x = x.⟦to|tensor d0@torch.device({})⟧('cpu')\n",
        "if x.device != torch.device('cpu'):\n    x = x.to('cpu')\n",
    ),
    case(
        "said by the name",
        'x = x.⟦cpu|tensor d@torch.device("cpu")⟧()\n',
        'if x.device != torch.device("cpu"):\n    x = x.cpu()\n',
    ),
    case(
        "another tensor's placement",
        "x = x.⟦to|tensor d0@{}.device t0@{}.dtype⟧(y)\n",
        "if x.device != y.device or x.dtype != y.dtype:\n    x = x.to(y)\n",
    ),
    case("a weak operand", "x = x.⟦to|tensor⟧(d or e)\n", "if x.device != (d or e):\n    x = x.to(d or e)\n"),
    case(
        "a weak operand, wrapped",
        "x = x.⟦to|tensor d0@{}.device⟧(y or z)\n",
        "if x.device != (y or z).device:\n    x = x.to(y or z)\n",
    ),
    case("discarded", "x.⟦to|tensor⟧(d)  # c\n", "if x.device != d:\n    x.to(d)  # c\n"),
    case("discarded attribute", "self.x.⟦to|tensor⟧(d)\n", "if self.x.device != d:\n    self.x.to(d)\n"),
    case(
        "one-line suite",
        "if a: x = x.⟦to|tensor⟧(d)  # c\n",
        "if a:\n    if x.device != d:\n        x = x.to(d)  # c\n",
    ),
    case(
        "one-line suites around",
        "for a in b: x = x.⟦to|tensor⟧(d)\nelse: y = y.⟦to|tensor⟧(d); c()\n",
        """
        for a in b:
            if x.device != d:
                x = x.to(d)
        else:
            if y.device != d:
                y = y.to(d)
            c()
        """,
    ),
    case(
        "several on a line",
        "a(); x = x.⟦to|tensor⟧(d); y = y.⟦to|tensor⟧(d);  # c\n",
        """
        a()
        if x.device != d:
            x = x.to(d)
        if y.device != d:
            y = y.to(d)  # c
        """,
    ),
    case(
        "comments in the call stay in it",
        """
        x = x.⟦to|tensor d0 t1⟧(
            # where
            (d  # there
             .device),
            # what
            dtype=t,
        )
        """,
        """
        if x.device != d.device or x.dtype != t:
            x = x.to(
                # where
                (d  # there
                 .device),
                # what
                dtype=t,
            )
        """,
    ),
    case("type comment", "x = x.⟦to|tensor⟧(d)  # type: T\n", "if x.device != d:\n    x = x.to(d)  # type: T\n"),
    case(
        "a long test",
        f"def f():\n    {'x' * 30} = {'x' * 30}.⟦to|tensor d0 t1⟧({'d' * 20}, dtype={'t' * 20})\n",
        f"""
        def f():
            if (
                {"x" * 30}.device != {"d" * 20}
                or {"x" * 30}.dtype != {"t" * 20}
            ):
                {"x" * 30} = {"x" * 30}.to({"d" * 20}, dtype={"t" * 20})
        """,
    ),
]

BEFORE = [
    case(
        "two arguments of one call",
        """
        def f(self, x, y):
            a()

            # above
            p, q = self.g(x.⟦to|tensor rebind d0 t1⟧(d, dtype=t), y.⟦to|tensor rebind d0 t1⟧(d, dtype=t))  # beside
        """,
        """
        def f(self, x, y):
            a()

            if x.device != d or x.dtype != t:
                x = x.to(d, dtype=t)
            if y.device != d or y.dtype != t:
                y = y.to(d, dtype=t)
            # above
            p, q = self.g(x, y)  # beside
        """,
    ),
    case(
        "return",
        "def f(x):\n    return x.⟦to|tensor rebind⟧(d)\n",
        "def f(x):\n    if x.device != d:\n        x = x.to(d)\n    return x\n",
    ),
    case("assigned to another name", "y = x.⟦to|tensor rebind⟧(d)\n", "if x.device != d:\n    x = x.to(d)\ny = x\n"),
    case(
        "if",
        "a()\n# c\nif x.⟦to|tensor rebind⟧(d).any(): pass\n",
        "a()\nif x.device != d:\n    x = x.to(d)\n# c\nif x.any(): pass\n",
    ),
    case(
        "for, with, match, raise, yield, await",
        """
        async def f(x, y, z, b, c, e):
            for i in x.⟦to|tensor rebind⟧(d): pass
            with y.⟦to|tensor rebind⟧(d) as k: pass
            match z.⟦to|tensor rebind⟧(d):
                case _: pass
            yield b.⟦to|tensor rebind⟧(d)
            await c.⟦to|tensor rebind⟧(d)
            raise e.⟦to|tensor rebind⟧(d)
        """,
        """
        async def f(x, y, z, b, c, e):
            if x.device != d:
                x = x.to(d)
            for i in x: pass
            if y.device != d:
                y = y.to(d)
            with y as k: pass
            if z.device != d:
                z = z.to(d)
            match z:
                case _: pass
            if b.device != d:
                b = b.to(d)
            yield b
            if c.device != d:
                c = c.to(d)
            await c
            if e.device != d:
                e = e.to(d)
            raise e
        """,
    ),
    case(
        "chain",
        "y = x.⟦to|tensor rebind⟧(a).⟦to|tensor⟧(b)\n",
        "if x.device != a:\n    x = x.to(a)\ny = x if x.device == b else x.to(b)\n",
    ),
    case(
        "chain assigned to itself",
        "x = x.⟦to|tensor rebind⟧(a).⟦to|tensor⟧(b)\n",
        "if x.device != a:\n    x = x.to(a)\nif x.device != b:\n    x = x.to(b)\n",
    ),
    case(
        "an argument reads the name",
        "y = x.⟦to|tensor rebind t0⟧(x.t)\n",
        "if x.dtype != x.t:\n    x = x.to(x.t)\ny = x\n",
    ),
    case(
        "multi-line call",
        """
        y = f(
            # first
            x  # x
            .⟦to|tensor rebind⟧(d),  # moved
            1,
        )
        """,
        """
        if x.device != d:
            x = (x  # x
                .to(d))
        y = f(
            # first
            x,  # moved
            1,
        )
        """,
    ),
    case(
        "after a deleted transfer",
        "f(x.⟦to|delete⟧(d), y.⟦to|tensor rebind⟧(d))\n",
        "if y.device != d:\n    y = y.to(d)\nf(x, y)\n",
    ),
    case(
        "second statement of a line",
        "a(); f(x.⟦to|tensor rebind⟧(d))\n",
        "a()\nif x.device != d:\n    x = x.to(d)\nf(x)\n",
    ),
    case(
        "one-line suite",
        "class A:\n    def f(s, x): return x.⟦to|tensor rebind⟧(d)\n",
        "class A:\n    def f(s, x):\n        if x.device != d:\n            x = x.to(d)\n        return x\n",
    ),
    case(
        "a fresh local",
        "y = f(x).⟦to|tensor⟧(d)\n",
        "moved = f(x)\nif moved.device != d:\n    moved = moved.to(d)\ny = moved\n",
    ),
    case(
        "a fresh local does not shadow",
        "def f(moved):\n    return g(moved, moved_2=1).⟦to|tensor⟧(d)\n",
        """
        def f(moved):
            moved_3 = g(moved, moved_2=1)
            if moved_3.device != d:
                moved_3 = moved_3.to(d)
            return moved_3
        """,
    ),
    case(
        "fresh locals of two functions",
        "def f():\n    return g().⟦to|tensor⟧(d)\ndef h():\n    return g().⟦to|tensor⟧(d)\n",
        """
        def f():
            moved = g()
            if moved.device != d:
                moved = moved.to(d)
            return moved
        def h():
            moved = g()
            if moved.device != d:
                moved = moved.to(d)
            return moved
        """,
    ),
    case(
        "a target evaluated once",
        "x = x.⟦to|tensor d0*⟧(pick())\n",
        "target_device = pick()\nif x.device != target_device:\n    x = x.to(target_device)\n",
    ),
    case(
        "a receiver that binds a name",
        "y = (x := g()).⟦to|tensor d0*⟧(pick())\n",
        """
        moved = (x := g())
        target_device = pick()
        if moved.device != target_device:
            moved = moved.to(target_device)
        y = moved
        """,
    ),
    case(
        "all evaluated once, in order",
        "y = f(x).⟦to|tensor d0* t2*⟧(pick(), non_blocking=b(), dtype=g())\n",
        """
        moved = f(x)
        target_device = pick()
        target_non_blocking = b()
        target_dtype = g()
        if moved.device != target_device or moved.dtype != target_dtype:
            moved = moved.to(target_device, non_blocking=target_non_blocking, dtype=target_dtype)
        y = moved
        """,
    ),
    case(
        "an attribute, then a target evaluated once",
        "y = self.x.⟦to|tensor d0*⟧(pick())\n",
        """
        moved = self.x
        target_device = pick()
        if moved.device != target_device:
            moved = moved.to(target_device)
        y = moved
        """,
    ),
    case(
        "a chain's receiver over lines",
        """
        y = (
            f(x)  # f
            .g()
            .⟦to|tensor⟧(d)  # to
            .sum()
        )
        """,
        """
        moved = (f(x)  # f
            .g())
        if moved.device != d:
            moved = (moved
                .to(d))
        y = (
            moved  # to
            .sum()
        )
        """,
    ),
    case(
        "awaited",
        "async def f():\n    return (await g()).⟦to|tensor d0*⟧(await h())\n",
        """
        async def f():
            moved = (await g())
            target_device = await h()
            if moved.device != target_device:
                moved = moved.to(target_device)
            return moved
        """,
    ),
    case(
        "inside another's receiver and argument",
        "z = f(x.⟦to|tensor rebind⟧(a)).⟦to|tensor d0*⟧(y.⟦to|tensor rebind⟧(b).device)\n",
        """
        if x.device != a:
            x = x.to(a)
        moved = f(x)
        target_device = (y if y.device == b else y.to(b)).device
        if moved.device != target_device:
            moved = moved.to(target_device)
        z = moved
        """,
    ),
]

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


@pytest.mark.parametrize("case", STATEMENTS, ids=lambda case: case.id)
def test_statement(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", BEFORE, ids=lambda case: case.id)
def test_before(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", INSIDE, ids=lambda case: case.id)
def test_inside(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_refused(case: Case) -> None:
    case.check()
