"""Worker processes that run units of cases, each with a limit of time: one that hangs or dies costs one case."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from scripts.operator_cases.card_cases import cases
from scripts.operator_cases.observing import Broken, Card, Observation, Simulated

RESTARTS = 6
"""How often a unit is taken up again after a case that killed its process."""


@dataclass(frozen=True)
class Depth:
    """How many samples of each dtype, and how many dtypes of each operator."""

    samples: int
    dtypes: int


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    unit: str = ""
    case: str = ""
    since: float = field(default_factory=time.monotonic)


def _work(pipe: Connection, simulated: bool, depth: Depth) -> None:
    """What a worker process does: runs the units that it is sent, and tells of every case before and after it."""
    import warnings

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with Simulated() if simulated else Card() as device:
        torch.zeros(1, device="cuda")
        while True:
            unit, done = pipe.recv()
            try:
                for name, run in cases(unit, device, samples=depth.samples, dtypes=depth.dtypes):
                    if name in done:
                        continue
                    pipe.send(("begins", name))
                    try:
                        pipe.send(("did", asdict(run())))
                    except Broken as broken:
                        pipe.send(("did", asdict(broken.observation)))
                        return
                    except Exception as error:  # before the call: the samples cannot be moved
                        words = f"{type(error).__name__}: {error}".split("\n")[0][:200]
                        pipe.send(("did", asdict(Observation(f"? {words}", 0))))
                pipe.send(("ends", None))
            except Exception as error:
                pipe.send(("ends", f"{type(error).__name__}: {error}".split("\n")[0][:200]))


def run_units(
    units: Sequence[str],
    *,
    simulated: bool,
    depth: Depth,
    processes: int,
    limit: float,
    deadline: float,
    work: Callable[[Connection, bool, Depth], None] = _work,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run units in worker processes, and yield (unit, its cases by name) as they are done.

    limit: seconds that one case may take. deadline: seconds after which no more units are begun. work: what a worker
    process does. A case that kills its process or takes too long has an outcome that begins with `?`; a unit that
    cannot be run has one case, `unit`.
    """
    context = multiprocessing.get_context("spawn")
    begin = time.monotonic()
    waiting = list(reversed(units))
    found: dict[str, dict[str, Any]] = {}
    restarts: dict[str, int] = {}
    workers: list[_Worker] = []

    def start() -> _Worker:
        here, there = context.Pipe()
        process = context.Process(target=work, args=(there, simulated, depth), daemon=True)
        process.start()
        there.close()
        return _Worker(process, here)

    def hand_out(worker: _Worker) -> bool:
        if not waiting or time.monotonic() - begin > deadline:
            return False
        worker.unit, worker.case, worker.since = waiting.pop(), "", time.monotonic()
        worker.pipe.send((worker.unit, set(found.setdefault(worker.unit, {}))))
        return True

    def stop(worker: _Worker) -> None:
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        workers.remove(worker)

    for _ in range(min(processes, len(units))):
        workers.append(start())
        hand_out(workers[-1])
    while workers:
        wait([worker.pipe for worker in workers], timeout=1.0)
        for worker in list(workers):
            state = _hear(worker, found[worker.unit])
            late = time.monotonic() - worker.since > (limit if worker.case else limit + 60)
            if state is _ENDED:
                yield worker.unit, found[worker.unit]
                if not hand_out(worker):
                    stop(worker)
            elif state is _GONE or late:
                unit = worker.unit
                if worker.case:
                    how = "its process died" if state is _GONE else f"it took more than {limit:.0f} s"
                    found[unit][worker.case] = asdict(Observation(f"? {how}", 0))
                stop(worker)
                restarts[unit] = restarts.get(unit, 0) + 1
                if restarts[unit] <= RESTARTS:
                    waiting.append(unit)
                else:
                    yield unit, found[unit]
                workers.append(start())
                if not hand_out(workers[-1]):
                    stop(workers[-1])
    for unit in found.keys() & set(waiting):  # no time was left to take it up again
        yield unit, found[unit]


_RUNNING, _ENDED, _GONE = "running", "ended", "gone"


def _hear(worker: _Worker, found: dict[str, Any]) -> str:
    """Read what a worker has sent, and say whether its unit is running or has ended, or the process is gone."""
    try:
        while worker.pipe.poll():
            what, said = worker.pipe.recv()
            worker.since = time.monotonic()
            if what == "begins":
                worker.case = said
            elif what == "did":
                found[worker.case] = said
                worker.case = ""
            else:
                if said:
                    found["unit"] = asdict(Observation(f"? {said}", 0))
                return _ENDED
    except (EOFError, ConnectionResetError):
        return _GONE
    return _RUNNING if worker.process.is_alive() else _GONE
