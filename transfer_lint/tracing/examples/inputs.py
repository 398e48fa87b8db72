"""Every placement that an example's inputs can have.

A `run:` expression names its inputs. `x`, `y`: tensors on the host and on two accelerators, in four dtypes, 0-dim and
of shape (2, 4). `device`, `other`: the three devices. `dtype`: the four dtypes. Each name that occurs is one dimension
of the matrix.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch

DEVICES = ("cpu", "cuda:0", "cuda:1")
DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.int64)
SHAPES = ((), (2, 4))


@dataclass(frozen=True)
class Choice:
    """One value of one dimension: how it is shown, and how a new one is made for each run."""

    text: str
    make: Callable[[], Any]


def _tensor(device: str, dtype: torch.dtype, shape: tuple[int, ...], first: int) -> Choice:
    def make() -> torch.Tensor:
        count = torch.Size(shape).numel()
        values = (torch.arange(first, first + count, dtype=torch.float32) * 1.37).reshape(shape)
        return values.to(dtype).to(device)

    return Choice(f"{str(dtype).removeprefix('torch.')}{list(shape)} on {device}", make)


def _constant(value: Any) -> Choice:
    return Choice(str(value), lambda: value)


def _tensors(first: int, dtypes: Sequence[torch.dtype]) -> tuple[Choice, ...]:
    return tuple(_tensor(*each, first) for each in product(DEVICES, dtypes, SHAPES))


def dimensions(expression: str) -> dict[str, tuple[Choice, ...]]:
    """The inputs that `expression` names, with all their values.

    The first tensor takes all dtypes. A second one takes only two, which is enough for equal and for different dtypes.
    """
    named = {node.id for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)}
    devices = tuple(_constant(torch.device(device)) for device in DEVICES)
    known = {
        "x": _tensors(-3, DTYPES),
        "y": _tensors(2, DTYPES if "x" not in named else DTYPES[:2]),
        "device": devices,
        "other": devices,
        "dtype": tuple(_constant(dtype) for dtype in DTYPES),
    }
    return {name: choices for name, choices in known.items() if name in named}


def combinations(expression: str) -> Iterator[dict[str, Choice]]:
    """All combinations of the inputs that `expression` names; a single empty one if it names none."""
    named = dimensions(expression)
    for choices in product(*named.values()):
        yield dict(zip(named, choices, strict=True))
