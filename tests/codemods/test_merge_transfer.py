"""A chain of two transfers becomes one call: which one, with what, in which order, or not at all."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal

CASES = [
    case("device, dtype", "y = x.to(d).⟦to|merge d0 > t0⟧(t)\n", "y = x.to(d, dtype=t)\n"),
    case("dtype, device", "y = x.to(t).⟦to|merge t0 > d0⟧(d)\n", "y = x.to(d, dtype=t)\n"),
    case("device by keyword", "y = x.to(dtype=t).⟦to|merge t0 > d0⟧(device=d)\n", "y = x.to(device=d, dtype=t)\n"),
    case("dtype by keyword", "y = x.to(d).⟦to|merge d0 > t0⟧(dtype=t)\n", "y = x.to(d, dtype=t)\n"),
    case("same device again", "y = x.to(d, dtype=t).⟦to|merge d0 t1 > d0⟧(d)\n", "y = x.to(d, dtype=t)\n"),
    case("same dtype again", "y = x.to(d, t).⟦to|merge d0 t1 > t0⟧(dtype=t)\n", "y = x.to(d, t)\n"),
    case("same device and more", "y = x.to(d).⟦to|merge d0 > d0 t1⟧(d, t)\n", "y = x.to(d, t)\n"),
    case("another device", "y = x.to(d, t).⟦to|merge d0 t1 > d0⟧(e)\n", "y = x.to(e, dtype=t)\n"),
    case("another dtype", "y = x.to(d, t).⟦to|merge d0 t1 > t0⟧(u)\n", "y = x.to(d, u)\n"),
    case(
        "another dtype by keyword",
        "y = x.to(dtype=t, device=d).⟦to|merge t0 d1 > t0⟧(u)\n",
        "y = x.to(dtype=u, device=d)\n",
    ),
    case("both again", "y = x.to(d, t).⟦to|merge d0 t1 > d0 t1⟧(e, u)\n", "y = x.to(e, u)\n"),
    case("through the host", "y = x.cpu().⟦to|merge d > d0⟧(d)\n", "y = x.to(d)\n"),
    case("outer method stays", "y = x.to(d).⟦cuda|merge d0 > d⟧()\n", "y = x.cuda()\n"),
    case("outer cast stays", "y = x.to(t).⟦half|merge t0 > cast=torch.float16⟧()\n", "y = x.half()\n"),
    case("a tensor's placement last", "y = x.to(t).⟦to|merge t0 > d0@{}.device t0@{}.dtype⟧(z)\n", "y = x.to(z)\n"),
    case(
        "a tensor's placement, another dtype",
        "y = x.to(z).⟦to|merge d0@{}.device t0@{}.dtype > t0⟧(t)\n",
        "y = x.to(z.device, dtype=t)\n",
    ),
    case(
        "a tensor's placement, another device",
        "y = x.to(a + b).⟦to|merge d0@{}.device t0@{}.dtype > d0⟧(d)\n",
        "y = x.to(d, dtype=(a + b).dtype)\n",
    ),
    case(
        "a tensor's placement by keyword",
        "y = x.to(tensor=z).⟦to|merge d0@{}.device t0@{}.dtype > t0⟧(t)\n",
        "y = x.to(device=z.device, dtype=t)\n",
    ),
    case(
        "what only compares", "y = x.to('cpu').⟦to|merge d0@torch.device({}) > t0⟧(t)\n", "y = x.to('cpu', dtype=t)\n"
    ),
    case("named device first", "y = x.cuda().⟦to|merge d > t0⟧(t)\n", 'y = x.to("cuda", dtype=t)\n'),
    case("named device last", "y = x.to(t).⟦cuda|merge t0 > d⟧()\n", 'y = x.to("cuda", dtype=t)\n'),
    case("named, compared", 'y = x.cpu().⟦to|merge d@torch.device("cpu") > t0⟧(t)\n', 'y = x.to("cpu", dtype=t)\n'),
    case("an index", "y = x.cuda(1).⟦to|merge d0@torch.device({}) > t0⟧(t)\n", 'y = x.to("cuda:1", dtype=t)\n'),
    case("an index by keyword", "y = x.xpu(device=0).⟦to|merge d0 > t0⟧(t)\n", 'y = x.to(device="xpu:0", dtype=t)\n'),
    case("a spelled device", "y = x.cuda('cuda:1').⟦to|merge d0 > t0⟧(t)\n", "y = x.to('cuda:1', dtype=t)\n"),
    case("weak receiver", "y = -(a + b).to(d).⟦to|merge d0 > t0⟧(t) ** 2\n", "y = -(a + b).to(d, dtype=t) ** 2\n"),
    case(
        "weak argument",
        "y = x.to(a or b).⟦to|merge d0 > t0⟧(t if c else u)\n",
        "y = x.to(a or b, dtype=t if c else u)\n",
    ),
    case("assigned to itself", "x = x.to(d).⟦to|merge d0 > t0⟧(t)\n", "x = x.to(d, dtype=t)\n"),
    case("statement", "m.to(d).⟦to|merge d0 > t0⟧(t)  # c\n", "m.to(d, dtype=t)  # c\n"),
    case("lambda", "f = lambda x: x.to(d).⟦to|merge d0 > t0⟧(t)\n", "f = lambda x: x.to(d, dtype=t)\n"),
    case("calls around", "y = f(x).to(d).⟦to|merge d0 > t0⟧(t).sum()\n", "y = f(x).to(d, dtype=t).sum()\n"),
]

NON_BLOCKING = [
    case(
        "inner", "y = x.to(d, non_blocking=True).⟦to|merge d0 > t0⟧(t)\n", "y = x.to(d, dtype=t, non_blocking=True)\n"
    ),
    case("outer", "y = x.to(t).⟦to|merge t0 > d0⟧(d, non_blocking=a)\n", "y = x.to(d, dtype=t, non_blocking=a)\n"),
    case(
        "not of the move",
        "y = x.to(t, non_blocking=True).⟦to|merge t0 > d0⟧(d)\n",
        "y = x.to(d, dtype=t)\n",
    ),
    case("by position", "y = x.to(d, t, True).⟦to|merge d0 t1 > t0⟧(u)\n", "y = x.to(d, u, True)\n"),
    case(
        "by position, of a named device",
        "y = x.cuda(0, True).⟦to|merge d0 > t0⟧(t)\n",
        'y = x.to("cuda:0", dtype=t, non_blocking=True)\n',
    ),
    case(
        "named device",
        "y = x.cuda(non_blocking=a).⟦to|merge d > t0⟧(t)\n",
        'y = x.to("cuda", dtype=t, non_blocking=a)\n',
    ),
    case("no copy", "y = x.to(d, copy=False).⟦to|merge d0 > t0⟧(t)\n", "y = x.to(d, dtype=t, copy=False)\n"),
]

HALF = "y = x.cuda().⟦half|merge d > cast=torch.float16⟧()\n"
HALVED = 'y = x.to("cuda", dtype=torch.float16)\n'
TORCH = "module `torch`"

CASTS = [
    case("cast", "import torch\n" + HALF, "import torch\n" + HALVED),
    case(
        "cast after .to",
        "import torch\ny = x.to(d).⟦half|merge d0 > t cast=torch.half⟧()\n",
        "import torch\ny = x.to(d, dtype=torch.half)\n",
    ),
    case(
        "cast before the move",
        "import torch\ny = x.float().⟦to|merge t > d0⟧(d)\n",
        "import torch\ny = x.to(d, dtype=torch.float32)\n",
    ),
    case(
        "cast before the move, spelled by the plan",
        "import torch\ny = x.float().⟦to|merge t@torch.float > d0⟧(d)\n",
        "import torch\ny = x.to(d, dtype=torch.float)\n",
    ),
    case(
        "tensor type",
        "import torch\ny = x.type('torch.cuda.HalfTensor').⟦to|merge d0@'cuda' t0@torch.half > t0⟧(t)\n",
        "import torch\ny = x.to('cuda', dtype=t)\n",
    ),
    case(
        "several imports",
        f"import a, torch.nn\nimport torch\nfrom torch import nn\ndef f(x):\n    import torch\n    {HALF}",
        f"import a, torch.nn\nimport torch\nfrom torch import nn\ndef f(x):\n    import torch\n    {HALVED}",
    ),
    case(
        "import in the function",
        f"def f(x):\n    import torch\n    if x:\n        {HALF}",
        f"def f(x):\n    import torch\n    if x:\n        {HALVED}",
    ),
    refusal("no import", HALF, TORCH),
    refusal("imported by another name", "import torch as th\n" + HALF, TORCH),
    refusal("a part imported by another name", "import torch.nn as nn\n" + HALF, TORCH),
    refusal("assigned too", "import torch\ntorch = a\n" + HALF, TORCH),
    refusal("a parameter elsewhere", f"import torch\ndef f(torch):\n    {HALF}", TORCH),
    refusal("imported from elsewhere too", "import torch\nfrom a import torch\n" + HALF, TORCH),
    refusal("something else by its name too", "import torch\nimport a as torch\n" + HALF, TORCH),
    refusal("a star import", "import torch\nfrom a import *\n" + HALF, TORCH),
    refusal("imported perhaps", "try:\n    import torch\nexcept ImportError:\n    pass\n" + HALF, TORCH),
    refusal("imported below", HALF + "import torch\n", TORCH),
    refusal("imported in another function", f"def g():\n    import torch\ndef f(x):\n    {HALF}", TORCH),
    refusal("imported in a class", f"class A:\n    import torch\n    def f(x):\n        {HALF}", TORCH),
]

ORDER = [
    case("inner once", "y = x.to(d()).⟦to|merge d0* > t0⟧(t)\n", "y = x.to(d(), dtype=t)\n"),
    case("outer once", "y = x.to(d).⟦to|merge d0 > t0*⟧(t())\n", "y = x.to(d, dtype=t())\n"),
    case("both once, in order", "y = x.to(d()).⟦to|merge d0* > t0*⟧(t())\n", "y = x.to(d(), dtype=t())\n"),
    case(
        "in order behind the others",
        "y = x.to(d, non_blocking=a()).⟦to|merge d0 > t0⟧(t)\n",
        "y = x.to(d, non_blocking=a(), dtype=t)\n",
    ),
    case("name bound first", "y = x.to(e := d).⟦to|merge d0 > t0*⟧(e.t)\n", "y = x.to((e := d), dtype=e.t)\n"),
    case(
        "name bound last",
        "y = x.to(d).⟦to|merge d0 > t0⟧(u := t)\n",
        "y = x.to(d, dtype=(u := t))\n",
    ),
    case(
        "await",
        "async def f(): y = x.to(await d).⟦to|merge d0* > t0⟧(t)\n",
        "async def f(): y = x.to(await d, dtype=t)\n",
    ),
    refusal("dtype once, device", "y = x.to(t()).⟦to|merge t0* > d0⟧(d)\n", "another order"),
    refusal("dtype, device once", "y = x.to(t).⟦to|merge t0 > d0*⟧(d())\n", "another order"),
    refusal("over the other argument", "y = x.to(d, t, a()).⟦to|merge d0 t1 > t0⟧(u)\n", "another order"),
    refusal("inner device would go", "y = x.to(d()).⟦to|merge d0* > d0⟧(e)\n", "would go"),
    refusal("inner device would go, dtype stays", "y = x.to(d(), t).⟦to|merge d0* t1 > d0⟧(e)\n", "would go"),
    refusal("inner dtype would go", "y = x.to(d, t()).⟦to|merge d0 t1* > t0⟧(u)\n", "would go"),
    refusal("outer device would go", "y = x.to(d, t).⟦to|merge d0 t1 > t0⟧(u, non_blocking=a())\n", "would go"),
    refusal("non_blocking would go", "y = x.to(t, non_blocking=a()).⟦to|merge t0 > d0⟧(d)\n", "would go"),
]

LAYOUT = [
    case(
        "inner call over lines",
        """
        y = x.to(
            d,  # where
        ).⟦to|merge d0 > t0⟧(t)
        """,
        """
        y = x.to(
            d,  # where
            dtype=t,
        )
        """,
    ),
    case(
        "no trailing comma",
        """
        def f(x):
            return x.to(
                d  # where
            ).⟦to|merge d0 > t0⟧(t)  # end
        """,
        """
        def f(x):
            return x.to(
                d,  # where
                dtype=t
            )  # end
        """,
    ),
    case(
        "beside the device",
        """
        y = x.to(
            d,  # where
            # how
            non_blocking=True,  # fast
        ).⟦to|merge d0 > t0⟧(t)
        """,
        """
        y = x.to(
            d,  # where
            # how
            dtype=t,
            non_blocking=True,  # fast
        )
        """,
    ),
    case("closing on a line of its own", "y = x.to(d\n).⟦to|merge d0 > t0⟧(t)\n", "y = x.to(d, dtype=t\n)\n"),
    case(
        "opening on a line of its own",
        "y = x.to(\n    d).⟦to|merge d0 > t0⟧(t)\n",
        "y = x.to(\n    d, dtype=t)\n",
    ),
    case("trailing comma", "y = x.to(d,).⟦to|merge d0 > t0⟧(t,)\n", "y = x.to(d, dtype=t,)\n"),
    case(
        "named device over lines",
        """
        y = x.cuda(  # where
            non_blocking=True,
        ).⟦to|merge d > t0⟧(  # what
            t
        )
        """,
        """
        # what
        y = x.to(  # where
            "cuda",
            dtype=t,
            non_blocking=True,
        )
        """,
    ),
    case(
        "chain over lines, device first",
        """
        def f(x):
            # before
            return (  # open
                x  # receiver
                .to(d)  # move
                # between
                .⟦to|merge d0 > t0⟧(
                    t,  # what
                )  # closed
                .sum()
            )
        """,
        """
        def f(x):
            # before
            # move
            # between
            # what
            return (  # open
                x  # receiver
                .to(d, dtype=t)  # closed
                .sum()
            )
        """,
    ),
    case(
        "chain over lines, device last",
        """
        y = (
            x  # receiver
            .to(t)  # cast
            .⟦to|merge t0 > d0⟧(d)  # move
        )
        """,
        """
        # receiver
        y = (
            x  # cast
            .to(d, dtype=t)  # move
        )
        """,
    ),
    case("parentheses of the inner call", "y = (x\n  .to(d)).⟦to|merge d0 > t0⟧(t)\n", "y = (x\n  .to(d, dtype=t))\n"),
    case("... of the receiver", "y = (x\n  .z.to(t)).⟦to|merge t0 > d0⟧(d)\n", "y = (x\n  .z).to(d, dtype=t)\n"),
    case("... of the outer method", "y = (x\n  .to(d).⟦to|merge d0 > t0⟧)(t)\n", "y = (x\n  .to(d, dtype=t))\n"),
    case("... of the inner method", "y = (x\n  .z.to)(t).⟦to|merge t0 > d0⟧(d)\n", "y = (x\n  .z).to(d, dtype=t)\n"),
    case("backslash", "y = x \\\n    .to(d) \\\n    .⟦to|merge d0 > t0⟧(t)\n", "y = x \\\n    .to(d, dtype=t)\n"),
    case(
        "argument over lines",
        "y = x.to(d).⟦to|merge d0 > t0⟧(a\n    # what\n    .dtype)\n",
        "y = x.to(d, dtype=a\n    # what\n    .dtype)\n",
    ),
]

LONGER = [
    case(
        "three links",
        "y = x.to(d).⟦to|merge d0 > t0⟧(t).⟦to|merge t0 > d0⟧(e)\n",
        "y = x.to(e, dtype=t)\n",
    ),
    case(
        "three links, the device last",
        "y = x.to(t).⟦to|merge t0 > t0⟧(u).⟦to|merge t0 > d0⟧(d)\n",
        "y = x.to(d, dtype=u)\n",
    ),
    case(
        "three links, the device first",
        "y = x.cuda().⟦to|merge d > t0⟧(t).⟦to|merge t0 > t0⟧(u)\n",
        'y = x.to("cuda", dtype=u)\n',
    ),
    case(
        "three links, the outer method stays",
        "y = x.to(e).⟦cuda|merge d0 > d⟧().⟦to|merge d > t0⟧(t)\n",
        'y = x.to("cuda", dtype=t)\n',
    ),
    case(
        "three links, the inner call stays",
        "y = x.to(d).⟦to|merge d0 > d0⟧(d).⟦to|merge d0 > t0⟧(t)\n",
        "y = x.to(d, dtype=t)\n",
    ),
    case(
        "four links and a cast",
        "import torch\ny = x.cuda().⟦half|merge d > cast=torch.half⟧().⟦to|merge t > d0⟧(d).⟦to|merge d0 > t0⟧(t)\n",
        "import torch\ny = x.to(d, dtype=t)\n",
    ),
    case(
        "chains in the arguments of chains",
        "y = x.to(d).⟦to|merge d0 > t0⟧(z.to(e).⟦to|merge d0 > t0⟧(u).dtype)\n",
        "y = x.to(d, dtype=z.to(e, dtype=u).dtype)\n",
    ),
    case(
        "guarded",
        "x = x.to(d).⟦to|merge d0 > t0⟧(t).⟦to|tensor⟧(e)\n",
        "moved = x.to(d, dtype=t)\nif moved.device != e:\n    moved = moved.to(e)\nx = moved\n",
    ),
    case("deleted", "x = x.to(d).⟦to|merge d0 > t0⟧(t).⟦to|delete⟧(e)\n", "x = x.to(d, dtype=t)\n"),
]

PARTLY = [
    Case(
        "inner links refused",
        "y = x.to(t()).⟦to|merge t0* > d0⟧(d).⟦to|merge d0 > t0⟧(u)\n",
        "y = x.to(t()).to(d, dtype=u)\n",
        ("another order",),
    ),
    Case(
        "outer links refused",
        "y = x.to(d).⟦to|merge d0 > t0⟧(t).⟦to|merge t0 > d0*⟧(e())\n",
        "y = x.to(d, dtype=t).to(e())\n",
        ("another order",),
    ),
    Case("inner call deleted", "y = x.⟦to|delete⟧(d).⟦to|merge d0 > t0⟧(t)\n", "y = x.to(t)\n", ("something else",)),
    Case(
        "inner call kept",
        "y = x.⟦to|keep d0 t1⟧(d, t).⟦to|merge d0 t1 > d0⟧(e)\n",
        "y = x.to(t).to(e)\n",
        ("something else",),
    ),
]

REFUSED = [
    refusal("no call", "y = x.⟦to|merge d0 > t0⟧(t)\n", "not a call"),
    refusal("no method", "y = f(d).⟦to|merge d0 > t0⟧(t)\n", "not a call"),
    refusal("copy", "y = x.to(d, copy=True).⟦to|merge d0 > t0⟧(t)\n", "`copy`"),
    refusal("copy at the end", "y = x.to(d).⟦to|merge d0 > t0⟧(t, copy=c)\n", "`copy`"),
    refusal("memory format", "y = x.to(d).⟦to|merge d0 > t0⟧(t, memory_format=f)\n", "`memory_format`"),
    refusal(
        "memory format of a cast", "y = x.to(d).⟦half|merge d0 > cast=torch.half⟧(memory_format=f)\n", "`memory_format`"
    ),
    refusal("stars", "y = x.to(*d).⟦to|merge d0 > t0⟧(t)\n", "`*`"),
    refusal("keyword of something else", "y = x.to(d, fast=True).⟦to|merge d0 > t0⟧(t)\n", "transfers do not have"),
    refusal("too many arguments", "y = x.to(d, t, a, b).⟦to|merge d0 t1 > t0⟧(u)\n", "positional"),
    refusal("no such argument", "y = x.to(d).⟦to|merge d0 > t1⟧(t)\n", "does not have the arguments"),
    refusal("no target", "y = x.to(d).⟦to|merge d0 >⟧(t)\n", "neither"),
    refusal("super", "class A:\n    def f(self): y = super().to(d).⟦to|merge d0 > t0⟧(t)\n", "super()"),
    refusal("index that may be None", "y = x.cuda(i).⟦to|merge d0 > t0⟧(t)\n", "may be None"),
    refusal("an argument for both", "y = x.to(z).⟦to|merge d0 t0 > t0⟧(t)\n", "cannot be both"),
    refusal("unknown cast", "y = x.squeeze().⟦to|merge t > d0⟧(d)\n", "cannot be spelled"),
    refusal("f-string", "y = f'{x.to(d).⟦to|merge d0 > t0⟧(t)}'\n", "f-string"),
]


@pytest.mark.parametrize(
    "case", [*CASES, *NON_BLOCKING, *CASTS, *ORDER, *LAYOUT, *LONGER, *PARTLY, *REFUSED], ids=lambda case: case.id
)
def test_merge(case: Case) -> None:
    case.check()
