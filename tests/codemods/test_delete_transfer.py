"""`x.to(d)` becomes `x`, and statements that then say nothing go."""

from __future__ import annotations

import libcst as cst
import pytest

from tests.codemods.marks import Case, case, refusal
from transfer_codemods import Anchor, DeleteTransfer, rewrite

CASES = [
    case("assigned to another name", "y = x.⟦to|delete⟧(d)\n", "y = x\n"),
    case("assigned to itself", "a()\nx = x.⟦to|delete⟧(d)\nb()\n", "a()\nb()\n"),
    Case("all of a file", "x = x.⟦to|delete⟧(d)\n", "\n"),
    case("all of a file, with comments", "# head\nx = x.⟦to|delete⟧(d)  # c\n# foot\n", "# head\n# c\n# foot\n"),
    case("a bare statement", "x.⟦cuda|delete⟧()\nb()\n", "b()\n"),
    case("a bare attribute", "self.x.⟦cuda|delete⟧()\nb()\n", "b()\n"),
    case("a bare call stays", "f(x).⟦cuda|delete⟧()\n", "f(x)\n"),
    case("a bare subscript stays", "x[0].⟦cuda|delete⟧()\n", "x[0]\n"),
    case("an attribute assigned to itself stays", "self.x = self.x.⟦to|delete⟧(d)\n", "self.x = self.x\n"),
    case("a subscript assigned to itself stays", "a[0] = a[0].⟦to|delete⟧(d)\n", "a[0] = a[0]\n"),
    case("several targets stay", "y = x = x.⟦to|delete⟧(d)\n", "y = x = x\n"),
    case("annotated assignment stays", "x: Tensor = x.⟦to|delete⟧(d)\n", "x: Tensor = x\n"),
    case("type comment keeps its statement", "x = x.⟦to|delete⟧(d)  # type: Tensor\n", "x = x  # type: Tensor\n"),
    case("augmented assignment", "x += x.⟦to|delete⟧(d)\n", "x += x\n"),
    case("walrus", "if (x := x.⟦to|delete⟧(d)) is y: pass\n", "if (x := x) is y: pass\n"),
    case(
        "alone in its block",
        """
        def f(x):
            # above
            x = x.⟦to|delete⟧(d)  # beside
        """,
        """
        def f(x):
            # above
            pass  # beside
        """,
    ),
    case(
        "two alone in their block",
        """
        def f(x, y):
            # 1
            x = x.⟦to|delete⟧(d)  # 2
            # 3
            y = y.⟦to|delete⟧(d)  # 4
            # 5
        """,
        """
        def f(x, y):
            # 1
            # 2
            # 3
            pass  # 4
            # 5
        """,
    ),
    case(
        "comments go to the next statement",
        """
        def f(x):
            a()
            # above
            x = x.⟦to|delete⟧(d)  # beside
            # next
            return x
        """,
        """
        def f(x):
            a()
            # above
            # beside
            # next
            return x
        """,
    ),
    case(
        "comments go to the block's end",
        """
        def f(x):
            a()
            x = x.⟦to|delete⟧(d)  # beside
        b()
        """,
        """
        def f(x):
            a()
            # beside
        b()
        """,
    ),
    case(
        "blank lines do not double",
        """
        def f(x):
            a()

            x = x.⟦to|delete⟧(d)

            return x

        def g(x):
            a()

            x = x.⟦to|delete⟧(d)
        """,
        """
        def f(x):
            a()

            return x

        def g(x):
            a()
        """,
    ),
    case(
        "a blank line above stays",
        """
        a()

        x = x.⟦to|delete⟧(d)
        b()
        """,
        """
        a()

        b()
        """,
    ),
    case(
        "before a compound statement",
        """
        def f(x):
            x = x.⟦to|delete⟧(d)  # c
            if x:
                pass
        """,
        """
        def f(x):
            # c
            if x:
                pass
        """,
    ),
    case("one-line suite", "if a: x = x.⟦to|delete⟧(d)  # c\nelse: b()\n", "if a: pass  # c\nelse: b()\n"),
    case(
        "one-line suite with a comment inside the call",
        "if a: (  # x\n    x.⟦to|delete⟧(d))  # c\nb()\n",
        "if a:\n    # x\n    pass  # c\nb()\n",
    ),
    case("one-line suite, not alone", "if a: x = x.⟦to|delete⟧(d); b()  # c\n", "if a: b()  # c\n"),
    case("first of a line", "x = x.⟦to|delete⟧(d); b()  # c\n", "b()  # c\n"),
    case("middle of a line", "a(); x = x.⟦to|delete⟧(d) ; b()  # c\n", "a(); b()  # c\n"),
    case("last of a line", "a(); x = x.⟦to|delete⟧(d)  # c\n", "a()  # c\n"),
    case("last of a line, with semicolon", "a(); x = x.⟦to|delete⟧(d);\n", "a();\n"),
    case("all of a line", "b()\nx = x.⟦to|delete⟧(d); y = y.⟦to|delete⟧(d)  # c\n", "b()\n# c\n"),
    case("in a class body", "class A:\n    x = x.⟦to|delete⟧(d)\n", "class A:\n    x = x\n"),
    case("chain", "y = x.⟦to|delete⟧(a).⟦to|delete⟧(b)\n", "y = x\n"),
    case("chain assigned to itself", "x = x.⟦to|delete⟧(a).⟦to|delete⟧(b)\nb()\n", "b()\n"),
    case("outer of a chain", "x = x.to(a).⟦to|delete⟧(b)\n", "x = x.to(a)\n"),
    case("inner of a chain", "x = x.⟦to|delete⟧(a).to(b)\n", "x = x.to(b)\n"),
    case("inside its own argument", "y = x.⟦to|delete⟧(z.⟦to|delete⟧(d).device)\n", "y = x\n"),
    case(
        "chain over lines",
        """
        def f(x):
            # before
            return (  # open
                x  # receiver
                # between
                .⟦to|delete⟧(  # called
                    device,  # device
                    dtype=t,  # dtype
                )  # closed
                .sum()  # sum
            )
        """,
        """
        def f(x):
            # before
            # receiver
            # between
            # called
            # device
            # dtype
            return (  # open
                x  # closed
                .sum()  # sum
            )
        """,
    ),
    case(
        "comments in an elif",
        """
        if a:
            pass
        elif x.⟦to|delete⟧(  # c
            d
        ).any():
            pass
        """,
        """
        if a:
            pass
        # c
        elif x.any():
            pass
        """,
    ),
    case(
        "comments in a decorator",
        "@a\n@b(x.⟦to|delete⟧(  # c\n    d))\ndef f(): pass\n",
        "@a\n# c\n@b(x)\ndef f(): pass\n",
    ),
    case("backslash", "y = x \\\n    .⟦to|delete⟧(d) \\\n    .sum()\n", "y = x \\\n    .sum()\n"),
    case("parentheses of the receiver", "y = (a + b).⟦to|delete⟧(d) * c\n", "y = (a + b) * c\n"),
    case("parentheses of the call", "y = (x.⟦to|delete⟧(d)).sum()\n", "y = (x).sum()\n"),
    case("parentheses of the function", "y = (x.⟦to|delete⟧)(d)\n", "y = x\n"),
    case("generator argument", "f((i for i in y).⟦to|delete⟧(d))\n", "f((i for i in y))\n"),
    case("power", "y = -x.⟦to|delete⟧(d) ** 2\n", "y = -x ** 2\n"),
    case("await", "async def f(): return await x.⟦to|delete⟧(d)\n", "async def f(): return await x\n"),
    case("awaited receiver", "async def f(): y = (await x).⟦to|delete⟧(d)\n", "async def f(): y = await x\n"),
    case("star", "f(*x.⟦to|delete⟧(d), **y.⟦to|delete⟧(d))\n", "f(*x, **y)\n"),
    case("targets", "x.⟦to|delete⟧(d)[0], y.⟦to|delete⟧(d).a = 1, 2\n", "x[0], y.a = 1, 2\n"),
    case("del", "del x.⟦to|delete⟧(d).grad\n", "del x.grad\n"),
    case(
        "lambda, default, ternary",
        "f = lambda a=x.⟦to|delete⟧(d): a.⟦to|delete⟧(d) if a else b\n",
        "f = lambda a=x: a if a else b\n",
    ),
    case(
        "comprehension",
        "y = [x.⟦to|delete⟧(d) for x in z.⟦to|delete⟧(d) if x.⟦to|delete⟧(d)]\n",
        "y = [x for x in z if x]\n",
    ),
    case("copy=False", "y = x.⟦to|delete⟧(d, copy=False)\n", "y = x\n"),
    case("wide characters before", "ñ = '𝄞'; y = x.⟦to|delete⟧(d)\n", "ñ = '𝄞'; y = x\n"),
    refusal("f-string", "y = f'{x.⟦to|delete⟧(d)}'\n", "f-string"),
    refusal("annotation", "y: x.⟦to|delete⟧(d) = 1\n", "annotation"),
    refusal("return annotation", "def f() -> x.⟦to|delete⟧(d): pass\n", "annotation"),
    refusal("super", "class A:\n    def to(self, d): return super().⟦to|delete⟧(d)\n", "super()"),
    refusal("copy", "y = x.⟦to|delete⟧(d, copy=True)\n", "`copy`"),
    refusal("unknown copy", "y = x.⟦to|delete⟧(d, copy=c)\n", "`copy`"),
    refusal("memory format", "y = x.⟦to|delete⟧(d, memory_format=f)\n", "`memory_format`"),
    refusal("star arguments", "y = x.⟦to|delete⟧(*d)\n", "`*`"),
    refusal("a name bound inside", "y = x.⟦to|delete⟧(e := d)\n", "does more"),
    refusal("awaited argument", "async def f(): y = x.⟦to|delete⟧(await d)\n", "does more"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_delete(case: Case) -> None:
    case.check()


def test_an_attribute_that_is_assigned_to_itself_goes_and_its_comment_stays() -> None:
    text = "def f(self):\n    self.x = self.x.to(d)  # why\n    g()\n"
    module = cst.parse_module(text)
    kept = rewrite(module, {Anchor(2, 21): DeleteTransfer()}).module.code
    assert kept == "def f(self):\n    self.x = self.x  # why\n    g()\n"
    gone = rewrite(module, {Anchor(2, 21): DeleteTransfer(own_attribute=True)}).module.code
    assert gone == "def f(self):\n    # why\n    g()\n"
