"""The exact module guard lets the move run exactly when it would do something: with real modules."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from tests.codemods.marks import fix

torch = pytest.importorskip("torch")

KINDS = list(product(["cpu", "meta"], ["float32", "float16", "int64", "complex64"]))
MOVES = {"device": "m.⟦to|module⟧(d)", "dtype": "m.⟦to|module t0⟧(t)", "both": "m.⟦to|module d0 t1⟧(d, t)"}


class Watched(torch.nn.Module):  # type: ignore[misc]
    """A module that counts its moves."""

    moves = 0

    def to(self, *args: Any, **kwargs: Any) -> Watched:
        self.moves += 1
        return super().to(*args, **kwargs)  # type: ignore[no-any-return]


def module(kinds: tuple[tuple[str, str], ...], *, parameters: bool) -> Watched:
    """A module that holds, one level down, a tensor of each (device, dtype)."""
    outer, inner = Watched(), torch.nn.Module()
    for index, (device, dtype) in enumerate(kinds):
        tensor = torch.ones(2, device=device, dtype=getattr(torch, dtype))
        if parameters:
            inner.register_parameter(f"p{index}", torch.nn.Parameter(tensor, requires_grad=False))
        else:
            inner.register_buffer(f"b{index}", tensor, persistent=False)
    outer.inner = inner
    return outer


def function(body: str) -> Callable[..., None]:
    space: dict[str, Any] = {}
    exec(fix(f"class A:\n    def f(self, m, d, t):\n        {body}\n").module.code, space)
    return space["A"]().f  # type: ignore[no-any-return]


def would_change(m: Watched, half: str, device: torch.device, dtype: torch.dtype) -> bool:
    """What the unguarded move does, seen from outside."""
    before = [(t.device, t.dtype) for t in [*m.parameters(), *m.buffers()]]
    try:
        m.to(*{"device": [device], "dtype": [dtype], "both": [device, dtype]}[half])
    except NotImplementedError:  # from meta to a real device: no data
        return True
    return before != [(t.device, t.dtype) for t in [*m.parameters(), *m.buffers()]]


@pytest.mark.filterwarnings("ignore:Casting complex values to real", "ignore:Complex modules are a new feature")
@pytest.mark.parametrize("parameters", [True, False], ids=["parameters", "buffers"])
@pytest.mark.parametrize("half", MOVES)
def test_exact(half: str, parameters: bool) -> None:
    run = function(MOVES[half])
    seen = set()
    held: list[tuple[tuple[str, str], ...]] = [(), *((kind,) for kind in KINDS), *product(KINDS, KINDS)]
    for kinds, device, dtype in product(held, ["cpu", "meta"], ["float32", "float16", "complex64"]):
        where, what = torch.device(device), getattr(torch, dtype)
        expected = would_change(module(kinds, parameters=parameters), half, where, what)
        m = module(kinds, parameters=parameters)
        try:
            run(m, where, what)
        except NotImplementedError:
            assert expected
        assert m.moves == expected, (kinds, device, dtype)
        seen.add(expected)
    assert seen == {True, False}


@pytest.mark.parametrize("half", MOVES)
def test_first_tensor_of_an_even_module(half: str) -> None:
    """Where all tensors are alike, the first one speaks for all; where there is none, nothing moves."""
    run = function(MOVES[half].replace("module", "module first-tensor"))
    on_host = [kind for kind in KINDS if kind[0] == "cpu" and kind[1] != "complex64"]
    for kind, device, dtype in product([None, *on_host], ["cpu", "meta"], ["float32", "float16"]):
        kinds = (kind, kind) if kind else ()
        where, what = torch.device(device), getattr(torch, dtype)
        m = module(kinds, parameters=False)
        run(m, where, what)
        assert m.moves == would_change(module(kinds, parameters=False), half, where, what)


def test_cached() -> None:
    """Moves once per module and target; another module or target in between is moved again."""
    run = function(MOVES["both"].replace("module", "module cached"))
    first, second = (module((("cpu", "float32"),), parameters=True) for _ in range(2))
    cpu, meta = torch.device("cpu"), torch.device("meta")
    for m, where, moves in [(first, cpu, 1), (first, cpu, 1), (second, cpu, 1), (first, cpu, 2), (first, meta, 3)]:
        run(m, where, torch.float32)
        assert m.moves == moves
