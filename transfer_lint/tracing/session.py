"""`with transfer_lint.trace() as t: ...` traces the code inside; `t` says what moved."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MappingProxyType

from transfer_lint.problems import install_command

try:
    import torch
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"transfer_lint.trace needs torch, which is not installed: {install_command('trace')}", name="torch"
    ) from error

from transfer_lint.evidence.model import Ending, Trace
from transfer_lint.tracing import contents
from transfer_lint.tracing.hooks import Hooks, heard, listen, running
from transfer_lint.tracing.machine import Machine, active, name_of, plain
from transfer_lint.tracing.reach import Reach, reached
from transfer_lint.tracing.recorder import CROWDED, Recorder
from transfer_lint.tracing.simulate import simulate
from transfer_lint.tracing.sizes import nbytes_of, shape_of
from transfer_lint.tracing.uses import Uses, Watch, watched_threads

STILL_RUNNING = Ending("running", 0)


class Tracing:
    """A trace, running or finished.

    Attributes:
        machine: The simulated machine; None for the real one.
        seconds: Wall time of the run; None until it has finished.
        notes: What the reader of the figures has to know; may be added to.
    """

    def __init__(self, program: str, simulated: str, recorder: Recorder, reach: Reach, machine: Machine | None) -> None:
        self.program = program
        self.simulated = simulated
        self.recorder = recorder
        self.reach = reach
        self.machine = machine
        self.ending = STILL_RUNNING
        self.seconds: float | None = None
        self.notes: list[str] = []
        self._begin = time.perf_counter()

    def result(self) -> Trace:
        """The trace of what has happened so far."""
        recorder = self.recorder
        return Trace(
            program=self.program,
            machine=describe_machine(self.machine),
            simulated=self.simulated,
            ending=self.ending,
            seconds=time.perf_counter() - self._begin if self.seconds is None else self.seconds,
            own_seconds=recorder.own_seconds,
            axis="events" if recorder.by_order else "seconds",
            bin_width=recorder.bin_width,
            entries=recorder.result(),
            lines_run=self.reach.as_lists(),
            notes=[*self.notes, *self._limits()],
        )

    @property
    def transfers(self) -> int:
        """Transfers between devices so far."""
        return self.result().transfers

    @property
    def nbytes(self) -> int:
        """Bytes of transfers and host reads so far."""
        return self.result().nbytes

    @property
    def waits(self) -> int:
        """How often the host has waited for a device so far."""
        return self.result().waits

    def report(self, *, top: int = 10) -> str:
        """The report as text: the table, with at most `top` source lines, and the timeline."""
        from transfer_lint.report import View
        from transfer_lint.report.trace_text import report

        return "\n".join(report(self.result(), View(), top))

    def start_over(self) -> None:
        """Drop what was recorded so far, and count the time from now on."""
        self._begin = time.perf_counter()
        self.recorder.start_over()

    def finish(self, ending: Ending) -> None:
        """Record that the program has ended, and how."""
        self.seconds = time.perf_counter() - self._begin
        self.ending = ending
        if self.recorder.uses is not None:
            self.recorder.uses.finish()

    def _limits(self) -> Iterator[str]:
        count, nbytes = self.recorder.too_large
        if count:
            yield (
                f"{count} transfers of {nbytes} bytes together were not compared with others: too large to hash, "
                "without a host end, or not finished when their call returned"
            )
        if any(entry.where is CROWDED for entry in self.recorder.entries.values()):
            yield "the program moved data at more places than are kept apart: the rest is summed in one line"
        if self.recorder.uses is None:
            yield "unused transfers were not looked for: that takes --follow-uses, which sees every operator"
        elif self.recorder.uses.given_up:
            yield f"{self.recorder.uses.given_up} arrivals were not followed to their first use: there were too many"
        if self.simulated:
            yield "simulated: counts, bytes and placements are a real device's; time and full memory are not"
        elif describe_machine(None)["devices"] == "none":
            yield "there is no accelerator here, so nothing can move: --simulate cuda stands in for one"


@contextmanager
def trace(
    program: str = "",
    *,
    simulated: str = "",
    devices: int = 1,
    follow_uses: bool | None = None,
    hash_limit: int = contents.LIMIT,
    reach: Mapping[str, Collection[int]] | None = MappingProxyType({}),
) -> Iterator[Tracing]:
    """Context that records every transfer and host wait of this thread and of the threads that it starts.

    Inside another trace, such as that of a run of pytest, it records its own part of that, without uses. With a machine
    of its own, `simulated`, it stands alone: the other trace does not see what is inside.

    Args:
        program: A name for the reports.
        simulated: "cuda" or "xpu" to simulate accelerators, "" for the real machine.
        devices: How many are simulated.
        follow_uses: Look for transfers whose data nothing uses. It is slow, because it has to see every operator.
            None means: in a simulation only.
        hash_limit: Size in bytes above which contents are not compared.
        reach: Real path of a file -> the lines of it of which it is of interest whether they ran; before Python 3.12
            only these are recorded. None: no lines are.

    Yields:
        The trace, which is also good after the context has ended.

    Raises:
        ValueError: another kind, or no device.
    """
    outer, machine = running(), active()
    if outer is not None and not simulated:
        own = Recorder(by_order=outer.by_order)
        inner = Tracing(program, machine.kind if machine is not None else "", own, Reach(), machine)
        with outer.followed_by(own), _ended(inner):
            yield inner
        return
    uses = Uses() if (bool(simulated) if follow_uses is None else follow_uses) else None
    recorder = Recorder(by_order=bool(simulated), uses=uses)
    with ExitStack() as context:
        if uses is not None:
            context.enter_context(watched_threads(uses, heard))
        machine = context.enter_context(simulate(simulated, devices)) if simulated else None
        if machine is not None:
            machine.observer = _Observer(recorder, hash_limit)
        context.enter_context(listen(Hooks(recorder, whole=machine is None, limit=hash_limit)))
        lines = context.enter_context(reached(reach)) if reach is not None else Reach()
        tracing = Tracing(program, simulated, recorder, lines, machine)
        if uses is not None:
            context.enter_context(Watch(uses, heard))
        with _ended(tracing):
            yield tracing


@contextmanager
def _ended(tracing: Tracing) -> Iterator[None]:
    """Context at whose end the trace has finished."""
    try:
        yield
    except BaseException as error:
        tracing.finish(Ending("raised", 1, f"{type(error).__name__}: {error}"))
        raise
    if tracing.ending is STILL_RUNNING:
        tracing.finish(Ending("returned", 0))


class _Observer:
    """Records the events of the simulated machine."""

    def __init__(self, recorder: Recorder, limit: int) -> None:
        self._recorder = recorder
        self._limit = limit

    def moved(
        self,
        source: int,
        target: int,
        arrived: torch.Tensor,
        dtype: torch.dtype,
        non_blocking: bool,
        at_host: torch.Tensor | None,
        taken: bool,
    ) -> None:
        recorder = self._recorder
        with recorder.own_time():
            nbytes = nbytes_of(arrived, dtype)
            entry = recorder.transfer(
                name_of(source),
                name_of(target),
                how="index" if taken else "to",
                dtype=plain(dtype),
                nbytes=nbytes,
                shape=shape_of(arrived),
                blocking=not non_blocking,
                content=None if at_host is None else contents.digest(at_host, self._limit),
            )
            if recorder.uses is not None and name_of(target) != "cpu" and not taken:
                recorder.uses.arrived(arrived, entry, nbytes)

    def waited(self, device: int, how: str, value: torch.Tensor, nbytes: int) -> None:
        recorder = self._recorder
        with recorder.own_time():
            place = (recorder.memories.number(value), value.storage_offset())
            content = (_value(value), *place) if how == "item" else None
            recorder.read(
                name_of(device),
                how=how,
                dtype=plain(value.dtype),
                nbytes=nbytes,
                shape=shape_of(value),
                content=content,
            )

    def idled(self, device: int, value: torch.Tensor) -> None:
        with self._recorder.own_time():
            self._recorder.idle(name_of(device), "to", plain(value.dtype))


def _value(tensor: torch.Tensor) -> bytes | None:
    from transfer_lint.tracing.device_tensor import values_of

    return contents.digest(values_of(tensor))


def describe_machine(machine: Machine | None) -> dict[str, str]:
    """Versions of torch and Python, the system, and the devices (`none` without an accelerator), as text."""
    if machine is not None:
        devices = f"{machine.devices} simulated"
    elif torch.cuda.is_available():
        indices = range(torch.cuda.device_count())
        # asking for a name would initialise CUDA
        started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        devices = ", ".join(f"cuda:{n} {torch.cuda.get_device_name(n)}" if started else f"cuda:{n}" for n in indices)
    else:
        devices = "none"
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "devices": devices,
    }
