"""`torch.save` and `torch.load` on the simulated machine.

The storages that device tensors hold are host storages. In files they have the accelerator's name, as a real device's
have, and what is loaded onto the accelerator is put there when torch makes the tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from transfer_lint.tracing.device_tensor import place
from transfer_lint.tracing.machine import HOST, active, name_of

_rebuild_tensor = torch._utils._rebuild_tensor
_PRIORITY = 5
"""torch asks packages with smaller numbers first; its own begin at 10."""


@cache
def register() -> None:
    """Tell torch the names of the accelerators, once. It is asked for them only while a machine is simulated."""
    torch.serialization.register_package(_PRIORITY, _tag, _restore)


def _tag(storage: Any) -> str | None:
    machine = active()
    if machine is None:
        return None
    where = machine.place_of_storage(getattr(storage, "_untyped_storage", storage))
    return None if where == HOST else name_of(where)


def _restore(storage: Any, location: str) -> Any:
    machine = active()
    if machine is None or not location.startswith(machine.kind):
        return None
    machine.memory_of(machine.device_index(location)).hold(getattr(storage, "_untyped_storage", storage))
    return storage


def rebuild_tensor(storage: Any, offset: int, size: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Replaces `torch._utils._rebuild_tensor`, with which torch makes the tensors that it loads."""
    values: Tensor = _rebuild_tensor(storage, offset, size, stride)  # type: ignore[no-untyped-call]
    machine = active()
    where = machine.place_of_storage(storage._untyped_storage) if machine is not None else HOST
    if machine is not None and where != HOST:
        machine.moved(HOST, where, values, values.dtype, non_blocking=False, at_host=values)
    return place(values, where)
