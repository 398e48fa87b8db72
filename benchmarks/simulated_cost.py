"""Measures what the simulated accelerator costs: test files on it, and on the host, in processes of their own.

    python benchmarks/simulated_cost.py [--cwd DIR] [--trace] [--json FILE] TEST_FILE ...

Each file is run by pytest twice: on the host, and on a simulated accelerator with `torch.set_default_device("cuda")`,
so that what names no device lives there. With --trace it is traced too, as `transfer-lint trace` does. Compared are the
processor seconds (so that a busy machine matters little) of the tests that pass everywhere, without imports and
collection, and the peak memory of the processes. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

RUN = """
import contextlib, json, os, sys, time
import torch
sys.path.insert(0, os.getcwd())
import pytest
from transfer_lint.tracing.simulate import simulate
from transfer_lint.tracing.session import trace

class Timer:
    def __init__(self):
        self.seconds, self.failed = {}, []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        begin = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - begin

    def pytest_runtest_logreport(self, report):
        if report.outcome != "passed":
            self.failed.append(report.nodeid)

how, result, *arguments = sys.argv[1:]
timer = Timer()
with contextlib.ExitStack() as stack:
    if how == "simulated":
        stack.enter_context(simulate())
    elif how == "traced":
        stack.enter_context(trace(simulated="cuda"))
    if how != "host":
        torch.set_default_device("cuda")
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=", *arguments], plugins=[timer])
with open(result, "w") as stream:
    json.dump({name: second for name, second in timer.seconds.items() if name not in timer.failed}, stream)
"""


@dataclass(frozen=True)
class Run:
    """passed: test -> seconds of the processor. mebibytes: peak memory of the process."""

    passed: dict[str, float]
    mebibytes: float


def run(how: str, test: str, folder: Path) -> Run:
    """Run a test file. how: `host`, `simulated` or `traced`. Raises RuntimeError if the process does not end well."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as scratch, open(os.path.join(scratch, "output"), "w+") as output:
        result = os.path.join(scratch, "result")
        child = subprocess.Popen(
            [sys.executable, "-c", RUN, how, result, *test.split()],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if not os.path.exists(result):
            output.seek(0)
            raise RuntimeError(f"{test} ({how}) did not end:\n{output.read()[-1000:]}")
        with open(result, encoding="utf-8") as stream:
            return Run(json.load(stream), used.ru_maxrss / 1024)


def compared(runs: dict[str, Run]) -> dict[str, dict[str, float]]:
    """Seconds of the tests that pass everywhere, their number and the memory, of each way to run."""
    everywhere = set.intersection(*(set(each.passed) for each in runs.values()))
    return {
        how: {
            "seconds": round(sum(each.passed[name] for name in everywhere), 4),
            "mebibytes": round(each.mebibytes, 1),
            "passed": len(each.passed),
            "compared": len(everywhere),
        }
        for how, each in runs.items()
    }


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="+", help="files; a file and its options in one argument")
    parser.add_argument("--cwd", type=Path, default=Path(), help="where pytest starts")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--json", type=Path, help="the file that the figures are added to")
    options = parser.parse_args()
    hows = ("host", "simulated", "traced") if options.trace else ("host", "simulated")
    results = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    for test in options.tests:
        try:
            result = compared({how: run(how, test, options.cwd) for how in hows})
        except RuntimeError as error:
            print(error, flush=True)
            continue
        if not result["host"]["compared"]:
            print(f"{test}: no test passes everywhere", flush=True)
            continue
        results[test] = result
        _print(test, result)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n")
    for how in hows[1:]:
        ratios = [each[how]["seconds"] / each["host"]["seconds"] for each in results.values() if how in each]
        memory = [each[how]["mebibytes"] / each["host"]["mebibytes"] for each in results.values() if how in each]
        print(
            f"{how}: {len(ratios)} files, "
            f"time {statistics.median(ratios):.2f} x in the median, {max(ratios):.2f} x at most; "
            f"memory {statistics.median(memory):.2f} x in the median, {max(memory):.2f} x at most"
        )


def _print(test: str, result: dict[str, dict[str, float]]) -> None:
    host = result["host"]
    parts = [f"{test[-60:]:60} {host['compared']:4} of {host['passed']:4} tests, host {host['seconds']:7.2f} s"]
    for how, each in result.items():
        if how != "host":
            ratio, memory = each["seconds"] / host["seconds"], each["mebibytes"] / host["mebibytes"]
            parts.append(f"{how} {ratio:5.2f} x, memory {memory:4.2f} x")
    print("; ".join(parts), flush=True)


if __name__ == "__main__":
    main()
