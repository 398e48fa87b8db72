"""Simulates a machine with accelerators: values are real, placements are right, every transfer is counted.

    with simulate("cuda", devices=2) as machine:
        model.to("cuda")
    print(machine.transfers)

Placements, errors and counts are those of a real machine. Differences:

- values are computed by the host's kernels: their last bits may differ from a real device's, and an operator that has
  no host kernel for a dtype fails;
- memory is counted as the bytes of live tensors, and is never full;
- time is not simulated: all work is done when its call returns, so the result of a `non_blocking` copy can be read at
  once;
- a device tensor's class is a subclass of `torch.Tensor`: `type(x) is torch.Tensor` is false;
- `torch.compile` compiles nothing, and `torch.export` is refused;
- nested tensors, CUDA graphs, DLPack and `torch.cuda.FloatTensor(...)` are refused;
- a thread takes part only if it is started inside the simulation and its class does not override `Thread.run`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from transfer_lint.problems import install_command

try:
    import torch
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"transfer_lint.trace needs torch, which is not installed: {install_command('trace')}", name="torch"
    ) from error
from torch.utils._python_dispatch import TorchDispatchMode

from transfer_lint.tracing import attention, autocast, real_cards, saving
from transfer_lint.tracing.compilers import uncompiled
from transfer_lint.tracing.device_tensor import foreign
from transfer_lint.tracing.functions import Functions, reentered
from transfer_lint.tracing.hooks import heard
from transfer_lint.tracing.machine import KINDS, Machine, active, being
from transfer_lint.tracing.namespace import replacements
from transfer_lint.tracing.operators import run
from transfer_lint.tracing.random import start_streams
from transfer_lint.tracing.subclasses import handled

__all__ = ["Machine", "simulate"]


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A dispatch mode that sees every operator, also those without a tensor argument."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.machine = machine

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler at the first operator, which takes seconds

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if active() is not self.machine:  # another simulation has begun inside this one
            return heard(func, args, kwargs or {})
        if not foreign(types):
            return run(func, args, kwargs or {}, self)
        with self, reentered(self.machine):
            return next(handled(func, types, args, kwargs or {}), NotImplemented)


@contextmanager
def simulate(kind: str = "cuda", devices: int = 1) -> Iterator[Machine]:
    """Context in which torch has `devices` accelerators of the kind `kind`, one of KINDS.

    It applies to this thread and to those that it starts. Tensors made inside can be used afterwards, but new
    transfers to the accelerator fail then. Inside another simulation it stands alone: the other machine sees nothing.
    Raises ValueError for another kind or no device.
    """
    if kind not in KINDS:
        raise ValueError(f"cannot simulate {kind!r}: the kinds that can be simulated are {' and '.join(KINDS)}")
    if devices < 1:
        raise ValueError(f"cannot simulate {devices} devices: give 1 or more")
    machine = Machine(devices, kind)
    run_thread = threading.Thread.run

    def run_simulated(thread: threading.Thread) -> None:
        with _modes(machine) if active() is machine else ExitStack():
            run_thread(thread)

    attention.register()
    autocast.register()
    saving.register()
    with ExitStack() as stack:
        stack.enter_context(uncompiled())
        stack.enter_context(real_cards.hidden_from_processes())
        streams = start_streams(devices)
        for owner, name, value in (
            *real_cards.replacements(machine),
            *replacements(machine, streams),
            (torch, "set_autocast_enabled", autocast.follow),
            (threading.Thread, "run", run_simulated),
        ):
            stack.enter_context(_replaced(owner, name, value))
        stack.enter_context(being(machine))
        stack.enter_context(_modes(machine))
        yield machine


@contextmanager
def _modes(machine: Machine) -> Iterator[None]:
    """Context with all modes that the simulation needs. A mode of torch applies to one thread only."""
    lift_only_host = torch._C._only_lift_cpu_tensors()
    heard = torch.is_autocast_enabled("privateuseone")
    # then `torch.tensor(data, device=d)` makes a host tensor and moves it, and the modes see the move
    torch._C._set_only_lift_cpu_tensors(True)
    autocast.follow()
    try:
        with Operators(machine), Functions(machine):
            yield
    finally:
        torch._C._set_only_lift_cpu_tensors(lift_only_host)
        torch.set_autocast_enabled("privateuseone", heard)


_MISSING = object()


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = vars(owner).get(name, _MISSING)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, before)
