"""A tensor's guard as a statement: around the move's own, or before the one that the move stands in."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case

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
        "z = f(x.⟦to|tensor rebind⟧(a)).⟦to|tensor d0*⟧(g(y.⟦to|tensor⟧(b)))\n",
        """
        if x.device != a:
            x = x.to(a)
        moved = f(x)
        target_device = g(y if y.device == b else y.to(b))
        if moved.device != target_device:
            moved = moved.to(target_device)
        z = moved
        """,
    ),
]


@pytest.mark.parametrize("case", STATEMENTS, ids=lambda case: case.id)
def test_statement(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", BEFORE, ids=lambda case: case.id)
def test_before(case: Case) -> None:
    case.check()
