"""Runs operators on the simulated machine, on the host values.

Checks the operands' devices, puts results on the right device, and records transfers and waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch

from transfer_lint.tracing.device_checks import agreed, declaration_of, named_tensors
from transfer_lint.tracing.device_tensor import DeviceTensor, Operators, place_named, place_of, register, values_of
from transfer_lint.tracing.hooks import heard
from transfer_lint.tracing.kernels import refusal
from transfer_lint.tracing.machine import HOST, device_type
from transfer_lint.tracing.on_values import conjugates, run_at, run_plainly
from transfer_lint.tracing.special import INDEXES, SPECIAL, bring_indices, run_foreach, take_apart
from transfer_lint.tracing.traits import Traits, tensors_in, traced_numbers, traits_of
from transfer_lint.tracing.waits import WAITS

aten = torch.ops.aten

# Arguments that have to be on the host, whatever the device of the others.
_ON_HOST = {
    "aten::_pack_padded_sequence": ("lengths",),
    "aten::_pack_padded_sequence_backward": ("batch_sizes",),
}
_BY_TENSORS = tuple(
    f"{way}{out}" for way in ("Tensor_Tensor", "Tensor_Scalar", "Scalar_Tensor") for out in ("", "_out")
)
# Operators that are made of others on a card, but not on the host, or whose result is not where their operands are.
_ALWAYS_APART = frozenset(
    getattr(getattr(aten, name), overload)
    for name, overloads in {
        "linspace": _BY_TENSORS,
        "logspace": _BY_TENSORS,
        "linalg_pinv": ("atol_rtol_tensor", "atol_rtol_tensor_out"),
        "narrow_copy": ("default",),
        "masked_fill": ("Tensor",),
        "index_fill": ("int_Tensor",),
    }.items()
    for overload in overloads
)


@cache
def _plan_of(func: Any) -> tuple[Traits, bool, Any]:
    """An operator's traits, whether nothing but the values and the places of its operands matters to it, and what
    refuses operands that a card has no kernel for.
    """
    traits = traits_of(func)
    plain = not (
        traits.composite
        or traits.random
        or (traits.mutated and not traits.elementwise)
        or "device" in traits.arguments
        or func in SPECIAL
        or func in _ALWAYS_APART
        or traits.name in INDEXES
        or traits.name in WAITS
        or traits.name in _ON_HOST
        or traits.name.startswith(("aten::_foreach_", "prim::"))
        or conjugates(func)
    )
    return traits, plain, refusal(func)


def run(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], mode: AbstractContextManager[Any] | None) -> Any:
    """Run one operator.

    mode: the dispatch mode to enter while a composite operator is decomposed; None to enter none.
    Raises RuntimeError, as torch does, if operands are on different devices.
    """
    traits, plain, refuse = _plan_of(func)
    if refuse is not None and device_type() == "cuda":
        refuse(args, kwargs)
    if plain:
        result = run_plainly(func, args, kwargs)
        if result is not NotImplemented:
            return result
    if func is torch.ops.prim.layout.default:  # how C++ asks a sparse device tensor
        return values_of(args[0]).layout
    args = traced_numbers(func, args)
    device = traits.argument("device", args, kwargs)
    target = place_named(device) if device is not None else None
    on_device = any(isinstance(tensor, DeviceTensor) for tensor in tensors_in((*args, *kwargs.values())))
    if kwargs.get("pin_memory"):  # pinning needs a driver
        kwargs = {**kwargs, "pin_memory": False}
    if not on_device and (target is None or target == HOST):
        return heard(func, args, kwargs) if traits.composite else func(*args, **kwargs)
    if traits.composite:
        with mode if mode is not None else nullcontext():
            result = func.decompose(*args, **kwargs)
        if result is not NotImplemented:
            return result
    special = SPECIAL.get(func)
    if special is not None:
        return special(func, args, kwargs)
    if traits.name.startswith("aten::_foreach_"):
        return run_foreach(func, traits, args, kwargs, mode)
    if traits.name in INDEXES:
        args = bring_indices(func, args)
    aside = _ON_HOST.get(traits.name, ())
    given = [pair for pair in named_tensors(func, args, kwargs) if pair[0] not in aside]
    places = {place_of(tensor) for _, tensor in given}
    if (len(places) > 1 or func in _ALWAYS_APART) and declaration_of(func).made is not None:
        return take_apart(func, args, kwargs, mode)
    here = agreed(func, given, args, kwargs) if len(places) > 1 else places.pop() if places else HOST
    return run_at(here if target is None else target, func, traits, args, kwargs)


register(Operators(run))
