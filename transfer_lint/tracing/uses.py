"""Which arrivals on a device were ever taken by an operator: needs to see every operator, so it costs time."""

from __future__ import annotations

import contextlib
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor, UntypedStorage
from torch.utils._python_dispatch import TorchDispatchMode

from transfer_lint.evidence.model import Entry
from transfer_lint.tracing.operators import tensors_in, traits_of

MAX_PENDING = 100_000


class _Arrival(NamedTuple):
    entry: Entry
    nbytes: int
    freed: weakref.ref[UntypedStorage]


class Uses:
    """Arrivals that wait for their first use, by the memory that they lie in."""

    def __init__(self) -> None:
        self._pending: OrderedDict[int, _Arrival] = OrderedDict()
        self.given_up = 0

    def arrived(self, tensor: Tensor, entry: Entry, nbytes: int) -> None:
        """`tensor` came to its device; what lay there unused before is overwritten."""
        storage = _storage(tensor)
        if storage is None or not nbytes:
            return
        memory = id(storage)  # torch keeps the object as long as the memory
        self._drop(memory)
        freed = weakref.ref(storage, lambda _: self._drop(memory))
        self._pending[memory] = _Arrival(entry, nbytes, freed)
        if len(self._pending) > MAX_PENDING:
            self._pending.popitem(last=False)
            self.given_up += 1

    def used(self, tensor: Tensor) -> None:
        """Something reads `tensor`."""
        storage = _storage(tensor)
        if storage is not None:
            self._pending.pop(id(storage), None)

    def finish(self) -> None:
        """The run is over: what waits was not used in it."""
        for memory in list(self._pending):
            self._drop(memory)

    def _drop(self, memory: int) -> None:
        found = self._pending.pop(memory, None)
        if found is not None:
            found.entry.unused = (found.entry.unused or 0) + 1
            found.entry.unused_bytes += found.nbytes

    @property
    def any_pending(self) -> bool:
        """Whether there is anything to look out for."""
        return bool(self._pending)


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tells `uses` what every operator takes. A view takes nothing: its memory is looked out for instead."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler at the first operator, which takes seconds

    def __init__(self, uses: Uses) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.uses = uses

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        before = list(self._taken(func, args, kwargs)) if self.uses.any_pending else []
        result = func(*args, **kwargs)
        if before:
            kept = {_memory(tensor) for tensor in tensors_in([result])} if traits_of(func).view else set()
            for tensor in before:
                if _memory(tensor) not in kept:
                    self.uses.used(tensor)
        return result

    def _taken(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[Tensor]:
        traits = traits_of(func)
        written = traits.argument("self", args, kwargs) if traits.name == "aten::copy_" else None
        for tensor in tensors_in((*args, *kwargs.values())):
            if tensor is not written:  # copy_ overwrites it without a look at it
                yield tensor


def _storage(tensor: Tensor) -> UntypedStorage | None:
    with contextlib.suppress(RuntimeError, NotImplementedError):  # sparse and fake tensors have none
        return tensor.untyped_storage()
    return None


def _memory(tensor: Tensor) -> int | None:
    storage = _storage(tensor)
    return None if storage is None else id(storage)
