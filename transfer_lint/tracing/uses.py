"""Finds arrivals (data copied to a device) that no operator uses. It has to see every operator, so it is slow."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import Tensor, UntypedStorage
from torch.utils._python_dispatch import TorchDispatchMode

from transfer_lint.evidence.model import Entry
from transfer_lint.tracing.traits import tensors_in, traced_numbers, traits_of

MAX_PENDING = 100_000

Call = Callable[[Any, Sequence[Any], Mapping[str, Any]], Any]


class _Arrival(NamedTuple):
    entry: Entry
    nbytes: int
    freed: weakref.ref[UntypedStorage]


class Uses:
    """The arrivals that have not been used yet, by their storage.

    given_up: how many are no longer followed because there were more than MAX_PENDING.
    """

    def __init__(self) -> None:
        self._pending: OrderedDict[int, _Arrival] = OrderedDict()
        self.given_up = 0

    def arrived(self, tensor: Tensor, entry: Entry, nbytes: int) -> None:
        """Follow `tensor`, which was copied to its device. An unused arrival in the same storage is overwritten."""
        storage = _storage(tensor)
        if storage is None or not nbytes:
            return
        memory = id(storage)  # torch keeps the Python object as long as the storage exists
        self._drop(memory)
        freed = weakref.ref(storage, lambda _: self._drop(memory))
        self._pending[memory] = _Arrival(entry, nbytes, freed)
        if len(self._pending) > MAX_PENDING:
            self._pending.popitem(last=False)
            self.given_up += 1

    def used(self, tensor: Tensor) -> None:
        """Record that an operator reads `tensor`."""
        storage = _storage(tensor)
        if storage is not None:
            self._pending.pop(id(storage), None)

    def finish(self) -> None:
        """End of the run: the remaining arrivals count as unused."""
        for memory in list(self._pending):
            self._drop(memory)

    def _drop(self, memory: int) -> None:
        found = self._pending.pop(memory, None)
        if found is not None:
            found.entry.unused = (found.entry.unused or 0) + 1
            found.entry.unused_bytes += found.nbytes

    @property
    def any_pending(self) -> bool:
        """Whether any arrival has not been used yet."""
        return bool(self._pending)


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A dispatch mode that tells `uses` what every operator reads. Making a view of a tensor is not a use of it.

    call: calls an operator with arguments and keyword arguments.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler at the first operator, which takes seconds

    def __init__(self, uses: Uses, call: Call) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.uses = uses
        self.call = call

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        args, kwargs = traced_numbers(func, args), kwargs or {}
        before = list(self._taken(func, args, kwargs)) if self.uses.any_pending else []
        result = self.call(func, args, kwargs)
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
            if tensor is not written:  # copy_ overwrites it without reading it
                yield tensor


@contextmanager
def watched_threads(uses: Uses, call: Call) -> Iterator[None]:
    """Context in which threads that start are watched, too: a mode of torch applies to one thread only.

    Enter it before a simulation: in each thread the modes of that have to come first.
    """
    run_thread = threading.Thread.run

    def run_watched(thread: threading.Thread) -> None:
        with Watch(uses, call):
            run_thread(thread)

    threading.Thread.run = run_watched  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        threading.Thread.run = run_thread  # type: ignore[method-assign]


def _storage(tensor: Tensor) -> UntypedStorage | None:
    with contextlib.suppress(RuntimeError, NotImplementedError):  # sparse and fake tensors have none
        return tensor.untyped_storage()
    return None


def _memory(tensor: Tensor) -> int | None:
    storage = _storage(tensor)
    return None if storage is None else id(storage)
