"""The device half goes, the dtype half stays."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal

CASES = [
    case("dtype by keyword", "y = x.⟦to|keep d0 t1⟧(cpu, dtype=t)\n", "y = x.to(dtype=t)\n"),
    case("dtype by position", "y = x.⟦to|keep d0 t1⟧(cpu, t)\n", "y = x.to(t)\n"),
    case("dtype first", "y = x.⟦to|keep t0 d1⟧(t, device=cpu)\n", "y = x.to(t)\n"),
    case("no dtype", "y = x.⟦to|keep⟧(cpu)\n", "y = x\n"),
    case("the name says the device", "y = x.⟦cpu|keep d@torch.device('cpu')⟧()\n", "y = x\n"),
    case("another tensor", "y = x.⟦to|keep d0@{}.device t0@{}.dtype⟧(z)\n", "y = x.to(dtype=z.dtype)\n"),
    case(
        "another tensor, an expression",
        "y = x.⟦to|keep d0@{}.device t0@{}.dtype⟧(a + b)\n",
        "y = x.to(dtype=(a + b).dtype)\n",
    ),
    case(
        "a tensor type", "y = x.⟦type|keep d0@cpu t0@torch.half⟧('torch.HalfTensor')\n", "y = x.to(dtype=torch.half)\n"
    ),
    case("non_blocking goes", "y = x.⟦to|keep d0 t1⟧(cpu, t, non_blocking=True)\n", "y = x.to(t)\n"),
    case("non_blocking by position goes", "y = x.⟦to|keep⟧(cpu, True)\n", "y = x\n"),
    case(
        "both arms",
        "d[k] = x.⟦to|keep⟧(cpu) if c else y.⟦cpu|keep d@torch.device('cpu')⟧()\n",
        "d[k] = x if c else y\n",
    ),
    case("statement goes", "a()\nx = x.⟦to|keep⟧(cpu)\n", "a()\n"),
    case("statement with dtype stays", "x = x.⟦to|keep d0 t1⟧(cpu, dtype=t)\n", "x = x.to(dtype=t)\n"),
    case(
        "over lines",
        """
        y = x.⟦to|keep d0 t1⟧(
            cpu,  # where
            dtype=t,  # what
        )
        """,
        """
        # where
        y = x.to(
            dtype=t,  # what
        )
        """,
    ),
    case(
        "over lines, dtype first",
        """
        y = x.⟦to|keep t0 d1⟧(
            t,  # what
            device=cpu,  # where
        )
        """,
        """
        # where
        y = x.to(
            t,  # what
        )
        """,
    ),
    refusal("copy", "y = x.⟦to|keep⟧(cpu, copy=True)\n", "`copy`"),
    refusal("copy by position", "y = x.⟦to|keep d0 t1⟧(cpu, t, False, True)\n", "positional"),
    refusal("memory format", "y = x.⟦to|keep⟧(cpu, memory_format=f)\n", "`memory_format`"),
    refusal("device evaluated once", "y = x.⟦to|keep d0*⟧(cpu())\n", "does more"),
    refusal("argument with effects", "y = x.⟦to|keep⟧(cpu, non_blocking=f())\n", "does more"),
    refusal("no such argument", "y = x.⟦to|keep d1⟧(cpu)\n", "does not have the arguments"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_keep(case: Case) -> None:
    case.check()
