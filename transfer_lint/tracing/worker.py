"""`python -m transfer_lint.tracing.worker JOB`: runs a program for `transfer-lint trace` and writes what moved."""

from __future__ import annotations

import os
import runpy
import sys
from typing import TYPE_CHECKING

from transfer_lint.evidence.job import Job, from_json
from transfer_lint.evidence.launch import end_with_parent
from transfer_lint.evidence.model import Ending, Trace, to_json
from transfer_lint.problems import install_command

if TYPE_CHECKING:
    from transfer_lint.tracing.session import Tracing


def main() -> None:
    """Run the job, write its trace, and exit with the program's exit code; with 2 if torch is not installed."""
    job = from_json(sys.argv[1])
    end_with_parent(sys.argv[2])
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        mend = f"torch is not installed for this Python: {install_command('trace')}"
        _write(job.result, Trace(job.target, {}, "", Ending("refused", 2, mend), 0.0, 0.0, "events", 1.0, []))
        sys.exit(2)
    sys.exit(_run(job))


def _run(job: Job) -> int:
    from transfer_lint.tracing import child
    from transfer_lint.tracing.session import trace

    ending = Ending("returned", 0)
    with trace(
        job.target,
        simulated=job.simulate,
        devices=job.devices,
        follow_uses=job.follow_uses,
        hash_limit=job.hash_limit,
        reach=job.reach,
    ) as tracing:

        def snapshot(end: Ending | None) -> str:
            if output.forks:
                often = "once" if output.forks == 1 else f"{output.forks} times"
                tracing.notes[:] = [f"the program forked {often}: what its children did was not seen"]
            if end is not None:
                tracing.finish(end)
            return to_json(tracing.result())

        output = child.Output(job.result, snapshot)
        try:
            with output.guard():
                _start(job, tracing)
                child.join_threads()
        except BaseException as error:
            ending = child.ending_of(error)
        output.finish(ending)
    return ending.code


def _start(job: Job, tracing: Tracing) -> None:
    if job.what == "scenario":
        from transfer_lint.tracing import scenario

        module = scenario.load(job.target, os.path.splitext(os.path.basename(job.target))[0])
        for name, function in scenario.functions(module, job.target).items():
            tracing.recorder.part = name
            try:
                function()
            except BaseException as error:
                if not scenario.skipped(error):
                    raise
    elif job.what == "workflow":
        from transfer_lint.tracing import comfyui_host

        comfyui_host.run(job.target, job.workflows, job.arguments)
    elif job.what == "module":
        sys.argv = [job.target, *job.arguments]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(job.target, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [job.target, *job.arguments]
        sys.path.insert(0, os.path.dirname(os.path.abspath(job.target)))
        runpy.run_path(job.target, run_name="__main__")


def _write(path: str, trace: Trace) -> None:
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(to_json(trace))


if __name__ == "__main__":
    main()
