"""Measures what the simulated accelerator costs: test files on it, and on the host, in processes of their own.

    python benchmarks/simulated_cost.py [--cwd DIR] [--trace] [--json FILE] TEST_FILE ...

Each file is run by pytest twice: on the host, and on a simulated accelerator with `torch.set_default_device("cuda")`,
so that what names no device lives there. With --trace it is traced too, as `transfer-lint trace` does. Compared are
processor seconds (user and system, so that a busy machine matters little) of pytest, and peak memory. Nothing is
downloaded.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

RUN = """
import contextlib, os, sys
import torch
sys.path.insert(0, os.getcwd())
from transfer_lint.tracing.simulate import simulate
from transfer_lint.tracing.session import trace
how = sys.argv.pop(1)
import pytest
with contextlib.ExitStack() as stack:
    if how == "simulated":
        stack.enter_context(simulate())
    elif how == "traced":
        stack.enter_context(trace(simulated="cuda"))
    if how != "host":
        torch.set_default_device("cuda")
    torch.set_num_threads(1)
    before = os.times()
    code = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=", *sys.argv[1:]])
    after = os.times()
print(f"\\nSECONDS {after.user + after.system - before.user - before.system:.3f}")
"""


@dataclass(frozen=True)
class Run:
    """seconds: of the processor, for the tests. mebibytes: peak memory of the process. passed, failed: tests."""

    seconds: float
    mebibytes: float
    passed: int
    failed: int


def run(how: str, test: str, folder: Path) -> Run:
    """Run a test file. how: `host`, `simulated` or `traced`."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as output:
        argv = [sys.executable, "-c", RUN, how, *test.split()]
        child = os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(folder), *argv],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, output.fileno(), 2),
            ],
        )
        _, _, used = os.wait4(child, 0)
        output.seek(0)
        text = output.read()
    seconds = re.search(r"^SECONDS ([\d.]+)", text, re.MULTILINE)
    if seconds is None:
        raise RuntimeError(f"{test} ({how}) did not end:\n{text[-1000:]}")

    def count(word: str) -> int:
        return sum(map(int, re.findall(rf"(\d+) {word}", text.rpartition("SECONDS")[0][-400:])))

    return Run(float(seconds[1]), used.ru_maxrss / 1024, count("passed"), count("failed") + count("error"))


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
            results[test] = {how: asdict(run(how, test, options.cwd)) for how in hows}
        except RuntimeError as error:
            print(error, flush=True)
            continue
        _print(test, results[test])
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
    parts = [f"{test[-60:]:60} host {host['seconds']:7.2f} s {host['passed']:4} passed {host['failed']:3} failed"]
    for how, each in result.items():
        if how != "host":
            ratio, memory = each["seconds"] / host["seconds"], each["mebibytes"] / host["mebibytes"]
            tests = f"{each['passed']} passed {each['failed']} failed"
            parts.append(f"{how} {ratio:5.2f} x, memory {memory:4.2f} x, {tests}")
    print("; ".join(parts), flush=True)


if __name__ == "__main__":
    main()
