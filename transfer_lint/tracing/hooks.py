"""Records the operators that move data or make the host wait, on real devices, without slowing down other operators.

The kernels are registered on a dispatch key that torch reserves for modes and that comes before all others. They are
called only in threads that have included this key. Every other operator falls through in C++ at no cost. Operators
that run inside another operator are recorded too: the copy of a host index in `x[index]`, or the `.item()` in the
error check of a factorisation.

Not recorded: what a CUDA graph replays, copies that compiled code makes without the dispatcher, extensions that call
the driver themselves, the storages that pickling copies, and threads of C++.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from transfer_lint.tracing.contents import LIMIT, digest
from transfer_lint.tracing.device_time import DeviceTime
from transfer_lint.tracing.machine import active, plain, travelling
from transfer_lint.tracing.recorder import Recorder
from transfer_lint.tracing.sizes import nbytes_of, shape_of
from transfer_lint.tracing.sync_debug import SyncDebug
from transfer_lint.tracing.traits import traced_numbers

_KEY_NAME = "TESTING_ONLY_GenericMode"  # in every build of torch; made for modes, but no mode uses it
_KEY = torch._C._dispatch_key_parse(_KEY_NAME)
_KEYS = torch._C.DispatchKeySet(_KEY)
_HOST_TYPES = ("cpu", "meta")

aten = torch.ops.aten
MOVES = (aten._to_copy.default, aten.copy_.default)
CALLS = (aten.to.device, aten.to.dtype_layout, aten.to.other)
READS = {
    aten._local_scalar_dense.default: "item",
    aten.equal.default: "equal",
    aten.nonzero.default: "nonzero",
    aten.masked_select.default: "masked_select",
    aten._unique2.default: "unique",
    aten.unique_dim.default: "unique",
    aten.unique_consecutive.default: "unique",
    aten.repeat_interleave.Tensor: "repeat_interleave",
}
"""Operator -> its name in reports, for operators that make the host wait: for a value, or for the result's shape."""


class Hooks:
    """What the kernels do for one trace.

    whole: record transfers, waits and no-op moves too, not only reads of host values. limit: bytes above which content
    is not hashed.
    """

    def __init__(self, recorder: Recorder, *, whole: bool, limit: int = LIMIT) -> None:
        self.recorder = recorder
        self.whole = whole
        self.limit = limit
        self.device_time = DeviceTime(recorder)
        self.sync_debug = SyncDebug(recorder, real=whole and active() is None)

    def moved(self, op: Any, args: Any, kwargs: Any) -> Any:
        """Run a copy between devices and record it."""
        source, how = args[0] if op is MOVES[0] else args[1], op.__name__.partition(".")[0].removeprefix("_")
        with self.sync_debug.silent(), self.device_time.span(source, args, kwargs) as span:
            begin = time.perf_counter()
            result = op(*args, **kwargs)
            seconds = time.perf_counter() - begin
        if source.device == result.device or "meta" in (source.device.type, result.device.type):
            return result
        with self.recorder.own_time():
            to_host = result.device.type == "cpu"
            blocking = not _non_blocking(op, args, kwargs)
            dtype = travelling(source, result, (source.device.type, result.device.type), not blocking)
            at_host = source if source.device.type == "cpu" else result if to_host and blocking else None
            entry = self.recorder.transfer(
                str(source.device),
                str(result.device),
                how="to" if how == "to_copy" else how,
                dtype=plain(dtype),
                nbytes=nbytes_of(result, dtype),
                shape=shape_of(result),
                blocking=blocking,
                content=None if at_host is None else digest(at_host, self.limit),
                seconds=seconds,
            )
            span.belongs_to(entry)
            if self.recorder.uses is not None and not to_host:
                self.recorder.uses.arrived(result, entry, entry.nbytes)
        return result

    def read(self, op: Any, args: Any, kwargs: Any) -> Any:
        """Run an operator that makes the host wait, and record the wait."""
        with self.sync_debug.silent():
            begin = time.perf_counter()
            result = op(*args, **kwargs)
            seconds = time.perf_counter() - begin
        with self.recorder.own_time():
            tensor = args[0]
            value = result if not isinstance(result, (Tensor, tuple)) else None
            self.recorder.read(
                str(tensor.device),
                how=READS[op],
                dtype=plain(tensor.dtype),
                nbytes=tensor.element_size() if READS[op] == "item" else 1 if READS[op] == "equal" else 8,
                shape=shape_of(tensor),
                content=None
                if value is None
                else (repr(value), self.recorder.memories.number(tensor), tensor.storage_offset()),
                seconds=seconds,
            )
        return result

    def idle(self, tensor: Tensor, how: str) -> None:
        """Record a no-op call on `tensor`."""
        with self.recorder.own_time():
            self.recorder.idle(str(tensor.device), how, plain(tensor.dtype))


_listening: list[Hooks] = []
_here = threading.local()  # deaf: this thread is in a context of `deaf`


@contextmanager
def listen(hooks: Hooks) -> Iterator[None]:
    """Context in which `hooks` record this thread and those that it starts, in place of others that do."""
    run_thread = threading.Thread.run

    def run_heard(thread: threading.Thread) -> None:
        with torch._C._IncludeDispatchKeyGuard(_KEY) if hooks in _listening else ExitStack():
            run_thread(thread)

    _kernels()
    _listening.append(hooks)
    threading.Thread.run = run_heard  # type: ignore[method-assign, assignment]
    try:
        with hooks.sync_debug, torch._C._IncludeDispatchKeyGuard(_KEY):
            yield
    finally:
        threading.Thread.run = run_thread  # type: ignore[method-assign]
        _listening.remove(hooks)
        hooks.device_time.finish()


def running() -> Recorder | None:
    """The recorder of the trace that is running; None if there is none."""
    return _listening[-1].recorder if _listening else None


@contextmanager
def deaf() -> Iterator[None]:
    """Context in which nothing of this thread is recorded."""
    before = getattr(_here, "deaf", False)
    _here.deaf = True
    try:
        with torch._C._ExcludeDispatchKeyGuard(_KEYS):
            yield
    finally:
        _here.deaf = before


def heard(op: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call an operator from a dispatch mode, so that what it calls inside is recorded.

    In a mode torch has switched the kernels off. The operators that are recorded themselves have been so on their way
    to the mode; in inference mode, others get there before torch has taken them apart.
    """
    if op in MOVES or op in READS or getattr(_here, "deaf", False):
        return op(*args, **kwargs)
    with torch._C._SetExcludeDispatchKeyGuard(_KEY, False):
        return op.decompose(*args, **kwargs) if op in CALLS else op(*args, **kwargs)


@cache
def _kernels() -> tuple[torch.library.Library, ...]:
    """Register the kernels, once. The registrations last as long as the returned objects exist."""
    rest = torch.library.Library("_", "IMPL", _KEY_NAME)  # type: ignore[no-untyped-call]
    assert rest.m is not None
    rest.m.fallback_fallthrough()
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    for op in MOVES:
        library.impl(op, _deaf_inside(op, Hooks.moved, _crosses), _KEY_NAME)  # type: ignore[no-untyped-call]
    for op in READS:
        library.impl(op, _deaf_inside(op, Hooks.read, _on_device), _KEY_NAME)  # type: ignore[no-untyped-call]
    for op in CALLS:
        library.impl(op, _call(op), _KEY_NAME, with_keyset=True)  # type: ignore[no-untyped-call]
    return rest, library


def _deaf_inside(
    op: Any, handle: Callable[[Hooks, Any, Any, Any], Any], concerns: Callable[[Any, Any], bool]
) -> Callable[..., Any]:
    """A kernel that passes its call to the hooks. What the operator calls inside is not recorded.

    handle: runs and records the call. concerns: whether a call with these arguments has to be recorded.
    """

    def kernel(*args: Any, **kwargs: Any) -> Any:
        with deaf():
            args = traced_numbers(op, args)
            if not _listening or not _concrete(args):
                return op(*args, **kwargs)
            hooks = _listening[-1]
            if op is aten._local_scalar_dense.default and args[0].device.type == "cpu":
                hooks.idle(args[0], "item")
                return op(*args, **kwargs)
            if not hooks.whole or not concerns(args, kwargs):
                return op(*args, **kwargs)
            hooks.sync_debug.arm()
            return handle(hooks, op, args, kwargs)

    return kernel


def _call(op: Any) -> Callable[..., Any]:
    """A kernel for `.to(...)` with a device: records a no-op call; a copy inside is recorded by its own kernel.

    The simulated machine sees such calls itself, without those that torch makes inside of other operators.
    """

    def kernel(keyset: Any, *args: Any, **kwargs: Any) -> Any:
        result = op.redispatch(keyset.remove(_KEY), *args, **kwargs)
        if _listening and _listening[-1].whole and result is args[0] and _concrete(args):
            _listening[-1].idle(result, "to")
        return result

    return kernel


def _concrete(args: Any) -> bool:
    return all(not isinstance(arg, FakeTensor) for arg in args[:2]) and isinstance(args[0], Tensor)


def _on_device(args: Any, kwargs: Any) -> bool:
    return args[0].device.type not in _HOST_TYPES


def _crosses(args: Any, kwargs: Any) -> bool:
    """Whether a copy may go from one device to another."""
    if len(args) > 1 and isinstance(args[1], Tensor):
        return bool(args[0].device != args[1].device)
    device = kwargs.get("device")
    return device is not None and torch.device(device) != args[0].device


def _non_blocking(op: Any, args: Any, kwargs: Any) -> bool:
    if op is aten.copy_.default and len(args) > 2:
        return bool(args[2])
    return bool(kwargs.get("non_blocking", False))
