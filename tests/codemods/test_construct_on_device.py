"""A factory followed by a move makes its tensor in place: with what, in which order, or not at all."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal

CASES = [
    case("device", "y = torch.zeros(n).⟦to|construct⟧(d)\n", "y = torch.zeros(n, device=d)\n"),
    case("device by keyword", "y = torch.zeros(n).⟦to|construct⟧(device=d)\n", "y = torch.zeros(n, device=d)\n"),
    case(
        "string", "y = torch.ones(2).⟦to|construct d0@torch.device({})⟧('cpu')\n", "y = torch.ones(2, device='cpu')\n"
    ),
    case("a mapping", "y = torch.zeros(n).⟦to|construct unpacked⟧(**m)\n", "y = torch.zeros(n, **m)\n"),
    case(
        "a mapping, on its own line",
        "y = torch.zeros(\n    n,\n    k,\n).⟦to|construct unpacked⟧(**self.m)\n",
        "y = torch.zeros(\n    n,\n    k,\n    **self.m,\n)\n",
    ),
    case("named device", "y = torch.zeros(n).⟦cuda|construct d⟧()\n", 'y = torch.zeros(n, device="cuda")\n'),
    *(
        case(
            f"quotes of the file: {name}",
            f"{head}y = zeros(n).⟦cuda|construct d⟧()\n",
            f"{head}y = zeros(n, device={new})\n",
        )
        for name, head, new in (
            ("single", "a = 'a', 'b', \"c\"\n", "'cuda'"),
            ("double", 'a = \'a\', "b", "c"\n', '"cuda"'),
            ("as many", "a = 'a', \"b\"\n", '"cuda"'),
            ("a docstring aside", '"""Text."""\na = f\'{b}\'\n', "'cuda'"),
        )
    ),
    case("the host", 'y = torch.eye(3).⟦cpu|construct d@torch.device("cpu")⟧()\n', 'y = torch.eye(3, device="cpu")\n'),
    case("an index", "y = torch.zeros(n).⟦cuda|construct⟧(1)\n", 'y = torch.zeros(n, device="cuda:1")\n'),
    case("an index in .to", "y = torch.zeros(n).⟦to|construct⟧(1)\n", "y = torch.zeros(n, device=1)\n"),
    case(
        "dtype moves in",
        "y = torch.zeros(n).⟦to|construct d0 t1 with-dtype⟧(d, t)\n",
        "y = torch.zeros(n, device=d, dtype=t)\n",
    ),
    case(
        "dtype moves in first",
        "y = torch.zeros(n).⟦to|construct t0 d1 with-dtype⟧(dtype=t, device=d)\n",
        "y = torch.zeros(n, dtype=t, device=d)\n",
    ),
    case("dtype alone", "y = torch.zeros(n).⟦to|construct t0 with-dtype⟧(t)\n", "y = torch.zeros(n, dtype=t)\n"),
    case(
        "a cast",
        "import torch\ny = torch.zeros(n).⟦half|construct t with-dtype⟧()\n",
        "import torch\ny = torch.zeros(n, dtype=torch.float16)\n",
    ),
    case(
        "dtype stays",
        "y = torch.tensor(v).⟦to|construct d0 t1⟧(d, dtype=t)\n",
        "y = torch.tensor(v, device=d).to(dtype=t)\n",
    ),
    case(
        "dtype stays, by position",
        "y = torch.zeros(n, dtype=u).⟦to|construct d0 t1⟧(d, t, True)\n",
        "y = torch.zeros(n, dtype=u, device=d).to(t)\n",
    ),
    case("no dtype to move in", "y = torch.zeros(n).⟦to|construct with-dtype⟧(d)\n", "y = torch.zeros(n, device=d)\n"),
    case(
        "a tensor's placement",
        "y = torch.zeros(n).⟦to|construct d0@{}.device t0@{}.dtype with-dtype⟧(z)\n",
        "y = torch.zeros(n, device=z.device, dtype=z.dtype)\n",
    ),
    *(
        case(
            f"a tensor's own method: {name}",
            f"y = {before.replace('.to(', '.⟦to|construct d0@{}.device t0@{}.dtype with-dtype like⟧(')}\n",
            f"y = {after}\n",
        )
        for name, before, after in (
            ("zeros", "torch.zeros(n, 3).to(z)", "z.new_zeros(n, 3)"),
            ("of an attribute", "torch.ones((n, 3)).to(self.z)", "self.z.new_ones((n, 3))"),
            ("in brackets", "(torch.empty(n).to(z))", "(z.new_empty(n))"),
            ("of a result", "torch.zeros(n).to(f(z))", "torch.zeros(n, device=f(z).device, dtype=f(z).dtype)"),
            ("by keyword", "torch.zeros(size=(n,)).to(z)", "torch.zeros(size=(n,), device=z.device, dtype=z.dtype)"),
            ("no such method", "torch.eye(n).to(z)", "torch.eye(n, device=z.device, dtype=z.dtype)"),
            ("a name is bound", "torch.zeros(z := n).to(z)", "torch.zeros((z := n), device=z.device, dtype=z.dtype)"),
        )
    ),
    case(
        "a tensor's placement, dtype stays",
        "y = torch.tensor(v).⟦to|construct d0@{}.device t0@{}.dtype⟧(z)\n",
        "y = torch.tensor(v, device=z.device).to(dtype=z.dtype)\n",
    ),
    case(
        "non_blocking goes",
        "y = torch.zeros(n).⟦to|construct⟧(d, non_blocking=True)\n",
        "y = torch.zeros(n, device=d)\n",
    ),
    case("no arguments", "y = f().⟦to|construct⟧(d)\n", "y = f(device=d)\n"),
    case("star", "y = torch.zeros(*s).⟦to|construct⟧(d)\n", "y = torch.zeros(*s, device=d)\n"),
    case(
        "star after a keyword",
        "y = torch.zeros(dtype=t, *s).⟦to|construct⟧(d)\n",
        "y = torch.zeros(dtype=t, *s, device=d)\n",
    ),
    case(
        "generator expression",
        "y = torch.tensor(i for i in v).⟦to|construct⟧(d)\n",
        "y = torch.tensor((i for i in v), device=d)\n",
    ),
    case(
        "switched off",
        "y = torch.zeros(n, requires_grad=False).⟦to|construct⟧(d)\n",
        "y = torch.zeros(n, requires_grad=False, device=d)\n",
    ),
    case("name bound", "y = torch.zeros(n).⟦to|construct⟧(e := d)\n", "y = torch.zeros(n, device=(e := d))\n"),
    case("imported name", "y = zeros(n).⟦to|construct⟧(d)\n", "y = zeros(n, device=d)\n"),
]

PLACES = [
    case("statement", "torch.zeros(n).⟦to|construct⟧(d)  # c\n", "torch.zeros(n, device=d)  # c\n"),
    case(
        "default",
        "def f(x=torch.zeros(1).⟦cuda|construct d⟧()): pass\n",
        'def f(x=torch.zeros(1, device="cuda")): pass\n',
    ),
    case(
        "default of a lambda",
        "f = lambda x=torch.zeros(1).⟦to|construct⟧(d): x\n",
        "f = lambda x=torch.zeros(1, device=d): x\n",
    ),
    case(
        "class body",
        "class A:\n    x = torch.zeros(1).⟦to|construct⟧(d)\n",
        "class A:\n    x = torch.zeros(1, device=d)\n",
    ),
    case("argument", "f(torch.zeros(n).⟦to|construct⟧(d), a)\n", "f(torch.zeros(n, device=d), a)\n"),
    case(
        "decorator",
        "@f(torch.zeros(n).⟦to|construct⟧(d))\ndef g(): pass\n",
        "@f(torch.zeros(n, device=d))\ndef g(): pass\n",
    ),
    case(
        "comprehension",
        "y = [torch.zeros(n).⟦to|construct⟧(d) for n in s]\n",
        "y = [torch.zeros(n, device=d) for n in s]\n",
    ),
    case("ternary", "y = torch.zeros(n).⟦to|construct⟧(d) if a else b\n", "y = torch.zeros(n, device=d) if a else b\n"),
    case(
        "elif",
        "if a: pass\nelif torch.zeros(n).⟦to|construct⟧(d).f(): pass\n",
        "if a: pass\nelif torch.zeros(n, device=d).f(): pass\n",
    ),
    case("part of a sum", "y = -torch.ones(n).⟦to|construct⟧(d) ** 2 + a\n", "y = -torch.ones(n, device=d) ** 2 + a\n"),
    case("receiver", "y = torch.zeros(n).⟦to|construct⟧(d).sum()\n", "y = torch.zeros(n, device=d).sum()\n"),
    case(
        "inside a factory",
        "y = torch.tensor(torch.ones(n).⟦to|construct⟧(d).tolist()).⟦to|construct⟧(e)\n",
        "y = torch.tensor(torch.ones(n, device=d).tolist(), device=e)\n",
    ),
    case(
        "inside the target",
        "y = torch.ones(n).⟦to|construct⟧(torch.ones(n).⟦to|construct⟧(d).device)\n",
        "y = torch.ones(n, device=torch.ones(n, device=d).device)\n",
    ),
    case(
        "guarded afterwards",
        "x = torch.ones(n).⟦to|construct⟧(d).⟦to|delete⟧(e)\n",
        "x = torch.ones(n, device=d)\n",
    ),
]

ORDER = [
    case("target once", "y = torch.zeros(f()).⟦to|construct d0*⟧(d())\n", "y = torch.zeros(f(), device=d())\n"),
    case(
        "both once",
        "y = torch.zeros(n).⟦to|construct d0* t1* with-dtype⟧(d(), t())\n",
        "y = torch.zeros(n, device=d(), dtype=t())\n",
    ),
    case(
        "both once, dtype first",
        "y = torch.zeros(n).⟦to|construct t0* d1* with-dtype⟧(dtype=t(), device=d())\n",
        "y = torch.zeros(n, dtype=t(), device=d())\n",
    ),
    case(
        "both once, dtype stays",
        "y = torch.zeros(n).⟦to|construct d0* t1*⟧(d(), t())\n",
        "y = torch.zeros(n, device=d()).to(t())\n",
    ),
    case(
        "named device", "y = torch.zeros(n).⟦cuda|construct d⟧(non_blocking=a)\n", 'y = torch.zeros(n, device="cuda")\n'
    ),
    refusal(
        "dtype first, and stays", "y = torch.zeros(n).⟦to|construct t0* d1⟧(dtype=t(), device=d)\n", "before the dtype"
    ),
    refusal("over what it reads", "y = torch.tensor(v).⟦to|construct d0*⟧(d())\n", "factory reads"),
    refusal("twice", "y = torch.zeros(n).⟦to|construct d0*@{}.device t0*@{}.dtype with-dtype⟧(z())\n", "exactly once"),
    refusal("not at all", "y = torch.zeros(n).⟦to|construct⟧(d, non_blocking=a())\n", "exactly once"),
]

LAYOUT = [
    case("spaces", "y = torch.zeros( n ).⟦to|construct⟧( d )\n", "y = torch.zeros( n, device=d )\n"),
    case("trailing comma", "y = torch.zeros(n,).⟦to|construct⟧(d,)\n", "y = torch.zeros(n, device=d,)\n"),
    case(
        "over lines",
        """
        def f(n):
            # above
            return torch.tensor(
                [1, 2],  # data
                # which
                dtype=t,  # dtype
                # last
            ).⟦to|construct⟧(  # moved
                d,  # where
            )  # beside
        """,
        """
        def f(n):
            # above
            # moved
            # where
            return torch.tensor(
                [1, 2],  # data
                # which
                dtype=t,  # dtype
                # last
                device=d,
            )  # beside
        """,
    ),
    case(
        "over lines, no trailing comma",
        """
        y = torch.tensor(
            [1, 2],
            dtype=t  # dtype
        ).⟦to|construct⟧(d)
        """,
        """
        y = torch.tensor(
            [1, 2],
            dtype=t,  # dtype
            device=d
        )
        """,
    ),
    case(
        "brackets on the lines of what they hold",
        """
        y = torch.tensor([
            1,  # one
        ]).⟦to|construct⟧(d)
        """,
        """
        y = torch.tensor([
            1,  # one
        ], device=d)
        """,
    ),
    case(
        "aligned",
        """
        y = torch.full((1, 2),
                       3).⟦to|construct⟧(d)
        """,
        """
        y = torch.full((1, 2),
                       3, device=d)
        """,
    ),
    case(
        "a comment last",
        """
        y = torch.full((1, 2), 3  # three
        ).⟦to|construct⟧(d)
        """,
        """
        y = torch.full((1, 2), 3, device=d  # three
        )
        """,
    ),
    case(
        "chain over lines",
        """
        y = (
            torch.zeros(n)  # made
            # and
            .⟦to|construct d0 t1⟧(d, dtype=t)  # moved
            .sum()
        )
        """,
        """
        y = (
            torch.zeros(n, device=d)  # made
            # and
            .to(dtype=t)  # moved
            .sum()
        )
        """,
    ),
    case(
        "chain over lines, nothing stays",
        """
        y = (
            torch.zeros(n)  # made
            .⟦to|construct⟧(d)  # moved
            .sum()
        )
        """,
        """
        # made
        y = (
            torch.zeros(n, device=d)  # moved
            .sum()
        )
        """,
    ),
    case(
        "parentheses of the factory",
        "y = (torch\n  .zeros(n)).⟦to|construct⟧(d)\n",
        "y = (torch\n  .zeros(n, device=d))\n",
    ),
    case("... of the method", "y = (torch\n  .zeros(n).⟦to|construct⟧)(d)\n", "y = (torch\n  .zeros(n, device=d))\n"),
    case("... of the move", "y = (torch\n  .zeros(n).⟦to|construct⟧(d))\n", "y = (torch\n  .zeros(n, device=d))\n"),
]

REFUSED = [
    refusal("no call", "y = x.⟦to|construct⟧(d)\n", "not the call of a factory"),
    refusal("a device already", "y = torch.zeros(n, device=e).⟦to|construct⟧(d)\n", "`device` already"),
    refusal(
        "a dtype already", "y = torch.zeros(n, dtype=u).⟦to|construct d0 t1 with-dtype⟧(d, t)\n", "`dtype` already"
    ),
    refusal("a mapping, made anew", "y = torch.zeros(n).⟦to|construct unpacked⟧(**f())\n", "by a name"),
    refusal("a mapping beside an argument", "y = torch.zeros(n).⟦to|construct unpacked⟧(d, **m)\n", "one mapping"),
    refusal("a mapping and a dtype", "y = torch.zeros(n, dtype=t).⟦to|construct unpacked⟧(**m)\n", "`dtype` already"),
    refusal("double star", "y = torch.zeros(n, **k).⟦to|construct⟧(d)\n", "`**`"),
    refusal("out", "y = torch.zeros(n, out=o).⟦to|construct⟧(d)\n", "writes into"),
    refusal("generator", "y = torch.rand(n, generator=g).⟦to|construct⟧(d)\n", "generator"),
    refusal("pinned", "y = torch.zeros(n, pin_memory=True).⟦to|construct⟧(d)\n", "pins"),
    refusal("gradient", "y = torch.zeros(n, requires_grad=a).⟦to|construct⟧(d)\n", "gradient"),
    refusal("copy", "y = torch.zeros(n).⟦to|construct⟧(d, copy=True)\n", "`copy`"),
    refusal("stars", "y = torch.zeros(n).⟦to|construct⟧(*d)\n", "`*`"),
    refusal("nothing to do", "y = torch.zeros(n).⟦to|construct t0⟧(t)\n", "nothing"),
    refusal("index that may be None", "y = torch.zeros(n).⟦cuda|construct⟧(i)\n", "may be None"),
    refusal("a cast without torch", "y = zeros(n).⟦half|construct t with-dtype⟧()\n", "module `torch`"),
    refusal("f-string", "y = f'{torch.zeros(n).⟦to|construct⟧(d)}'\n", "f-string"),
    Case(
        "a chain already rewritten",
        "y = torch.zeros(n).to(d).⟦to|merge d0 > t0⟧(t).⟦to|construct⟧(e)\n",
        "y = torch.zeros(n).to(d, dtype=t).to(e)\n",
        ("not the call of a factory",),
    ),
    Case(
        "merged with what is gone",
        "y = torch.zeros(n).⟦to|construct⟧(d).⟦to|merge d0 > t0⟧(t)\n",
        "y = torch.zeros(n, device=d).to(t)\n",
        ("something else",),
    ),
]


@pytest.mark.parametrize("case", [*CASES, *PLACES, *ORDER, *LAYOUT, *REFUSED], ids=lambda case: case.id)
def test_construct(case: Case) -> None:
    case.check()
