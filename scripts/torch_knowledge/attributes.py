"""Attributes of tensors that are not methods, and methods that only cast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from torch_knowledge.behaviour import DTYPES, Behaviour, observe
from torch_knowledge.samples import methods


def observe_attributes() -> dict[str, Behaviour]:
    """What reading each public attribute of a tensor gives."""
    found: dict[str, Behaviour] = {}
    for name in sorted(dir(torch.Tensor)):
        if not name.startswith("_") and not callable(getattr(torch.Tensor, name)):
            found[name] = observe(_gradient if name == "grad" else _reader(name), "", receiver=True)
    return found


def _reader(name: str) -> Callable[[torch.Tensor], Any]:
    return lambda tensor: getattr(tensor, name)


def _gradient(tensor: torch.Tensor) -> torch.Tensor | None:
    """The `grad` of a tensor that has one. (torch refuses a gradient with another device or dtype.)"""
    weight = tensor.detach().clone().requires_grad_()
    weight.grad = torch.ones_like(weight)
    return weight.grad


def observe_casts() -> dict[str, torch.dtype]:
    """Method -> dtype, for methods that, called without arguments, only change the dtype to this one."""
    values = torch.tensor([0.0, 1.5, 2.5, 100.0])
    found: dict[str, torch.dtype] = {}
    for name, method in methods().items():
        cast: set[torch.dtype] = set()
        same = True
        for dtype in DTYPES:
            try:
                result = method(values.to(dtype))
                cast.add(result.dtype)
                same &= torch.equal(result, values.to(dtype).to(result.dtype))
            except Exception:  # torch refuses calls with many kinds of exceptions
                same = False
            if not same or len(cast) > 1:
                break
        else:
            found[name] = cast.pop()
    return found
