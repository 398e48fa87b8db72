"""`python -m transfer_lint.tracing.verify_worker JOB`: runs one of the two programs for `transfer-lint verify`."""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from transfer_lint.evidence.job import Job, from_json
from transfer_lint.evidence.launch import end_with_parent
from transfer_lint.evidence.model import Ending
from transfer_lint.evidence.runs import Call, Run, to_json
from transfer_lint.problems import install_command


def main() -> None:
    """Write the run to the job's result file, and the first call's tensors to a file beside it (`.tensors`)."""
    job = from_json(sys.argv[1])
    end_with_parent(sys.argv[2])
    run = Run(job.program, Ending("running", 0))
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        run.ending = Ending("refused", 2, f"torch is not installed for this Python: {install_command('trace')}")
        with open(job.result, "w", encoding="utf-8") as stream:
            stream.write(to_json(run))
        return
    _run(job, run)


def _run(job: Job, run: Run) -> None:
    from transfer_lint.tracing import child, scenario
    from transfer_lint.tracing.session import Tracing, trace

    tracing: Tracing | None = None

    def snapshot(ending: Ending | None) -> str:
        if ending is not None:
            run.ending = ending
        if tracing is not None:
            run.trace = tracing.result()
        return to_json(run)

    output = child.Output(job.result, snapshot)
    ending = Ending("returned", 0)
    try:
        with output.guard():
            with trace(
                job.program,
                simulated=job.simulate,
                devices=job.devices,
                follow_uses=job.follow_uses,
                reach=job.reach,
            ) as tracing:
                once = _prepare(job, run)
                for _ in range(job.repeat):
                    _traced_call(job, run, tracing, once)
                scenario.must_not_have_imported(job.instead_of)
            if job.timed:
                _time(job, run, once)
            child.join_threads()
    except BaseException as error:
        ending = child.ending_of(error)
    output.finish(ending)


def _prepare(job: Job, run: Run) -> Callable[[], dict[str, Any]]:
    """Import scenario and program. Returns a function that calls each of the scenario's functions once."""
    from transfer_lint.tracing import scenario

    _seed(job.seed)
    if (device := _device_module()) is not None:
        device.init()  # before, it has no figures of its memory
    stem = os.path.splitext(os.path.basename(job.target))[0]
    if stem == job.name:
        raise scenario.Refused(f"{job.target}: the scenario and the program would both be imported as {stem}: --name")
    sys.path[:0] = job.search
    scenario.offer(job.program, job.name)
    module = scenario.load(job.target, stem)  # before the program: it may prepare what the program imports
    program: Any = None
    if not os.path.isdir(job.program) or os.path.exists(os.path.join(job.program, "__init__.py")):
        program = importlib.import_module(job.name)
        nodes = getattr(program, "NODE_CLASS_MAPPINGS", None)
        run.nodes = sorted(map(str, nodes)) if isinstance(nodes, dict) else None
    functions = scenario.functions(module, job.target, takes=1)

    def once() -> dict[str, Any]:
        results = {}
        for name, function in functions.items():
            try:
                results[name] = scenario.call(function, program)
            except BaseException as error:
                if not scenario.skipped(error):
                    raise
                results[name] = f"skipped: {error}"
        return results

    return once


def _traced_call(job: Job, run: Run, tracing: Any, once: Callable[[], dict[str, Any]]) -> None:

    from transfer_lint.tracing.outputs import Collected

    _seed(job.seed)
    before = _figures(tracing)
    with _collector_at_rest():
        _forget_peak()
        results = once()
        if (device := _device_module()) is not None:
            with _quiet():
                device.synchronize()
        moved = [after - earlier for earlier, after in zip(before, _figures(tracing), strict=True)]
        peak = _memory("max_memory_allocated")
    state = _random_state()
    collected = Collected(previews=job.previews and not run.calls)
    for name, value in results.items():
        collected.add(name, value)
    if not run.calls:
        run.outputs = list(collected.leaves.values())
        run.not_compared = collected.opaque
        _save(collected.tensors, f"{job.result}.tensors")
    digests = {path: leaf.digest for path, leaf in collected.leaves.items()}
    del results, collected
    gc.collect()
    run.calls.append(
        Call(
            transfers=moved[0],
            nbytes=moved[1],
            waits=moved[2],
            idle=moved[3],
            peak_memory=peak,
            left_memory=_memory("memory_allocated"),
            random=state,
            outputs=digests,
        )
    )


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Context in which Python collects no cyclic garbage, so that a peak does not depend on when it would have."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _figures(tracing: Any) -> tuple[int, int, int, int]:
    result = tracing.result()
    return result.transfers, result.nbytes, result.waits, result.total("count", "idle")


def _time(job: Job, run: Run, once: Callable[[], dict[str, Any]]) -> None:
    import torch

    for _ in range(job.repeat):
        _seed(job.seed)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        begin = time.perf_counter()
        results = once()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        run.seconds.append(time.perf_counter() - begin)
        del results
        gc.collect()


def _seed(seed: int) -> None:
    import torch

    random.seed(seed)
    torch.manual_seed(seed)
    if (device := _device_module()) is not None:
        device.manual_seed_all(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)


def _random_state() -> dict[str, str]:
    import torch

    from transfer_lint.tracing.machine import name_of
    from transfer_lint.tracing.outputs import host_values

    states: dict[str, bytes] = {"python": repr(random.getstate()).encode()}
    states["torch cpu"] = bytes(host_values(torch.get_rng_state()).tolist())
    if (device := _device_module()) is not None:
        for index in range(device.device_count()):
            states[f"torch {name_of(index)}"] = bytes(host_values(device.get_rng_state(index)).tolist())
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        states["numpy"] = repr([str(part) if isinstance(part, (str, int, float)) else part.tobytes()
                                for part in numpy.random.get_state()]).encode()  # fmt: skip
    return {name: hashlib.blake2b(state, digest_size=8).hexdigest() for name, state in states.items()}


def _memory(name: str) -> int | None:
    device = _device_module()
    if device is None:
        return None
    return sum(int(getattr(device, name)(index)) for index in range(device.device_count()))


def _forget_peak() -> None:
    if (device := _device_module()) is not None:
        for index in range(device.device_count()):
            device.reset_peak_memory_stats(index)


def _device_module() -> Any:
    """`torch.cuda`, or the module of the accelerators that are simulated; None where there is no device."""
    import torch

    from transfer_lint.tracing.machine import device_type

    module = getattr(torch, device_type())
    return module if module.is_available() else None


def _quiet() -> Any:
    from transfer_lint.tracing.sync_debug import unheard

    return unheard()


def _save(tensors: dict[str, Any], path: str) -> None:
    import torch

    with torch._C.DisableTorchFunction():
        torch.save(tensors, path)


if __name__ == "__main__":
    main()
