"""Whether two versions of the tool say the same about trees of source, and write the same fixes.

    python scripts/compare_versions.py OLD NEW TREE ...

OLD and NEW are checkouts; TREEs are folders. For each tree both versions run `check` (JSON with the edits of each fix,
and the full report) and `fix --output` (safe fixes, and unsafe ones too). Exit codes, both outputs and the bytes of all
fixed files are compared; only the times that a run took may differ. Exits with 1 where something differs.

In `check` each version has one processor, so that both go through the files in one process and in the same order. In
several processes the order differs from run to run, and with it how many transfers are counted. `fix` has all
processors: one process keeps the memory of all its rounds, which is too much for two versions on a large tree.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

RUNS: Mapping[str, tuple[str, ...]] = {
    "check": ("check", "--select", "ALL", "--output-format", "json", "--fixes"),
    "report": ("check", "--select", "ALL", "--output-format", "full"),
    "fix": ("fix", "--select", "ALL"),
    "fix --unsafe-fixes": ("fix", "--select", "ALL", "--unsafe-fixes"),
}
"""What is run, without the paths."""

_START = """
import os, runpy, sys
number = int(sys.argv.pop(1))
if sys.argv[1] == "check" and hasattr(os, "sched_setaffinity"):
    usable = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {usable[number % len(usable)]})
runpy.run_module("transfer_lint", run_name="__main__", alter_sys=True)
"""
_SECONDS = re.compile(r'(?<="seconds": )[0-9.]+|[0-9.]+(?= s\))')
_SHOWN = 20
"""How many lines of the differences are shown for each tree."""


def result_of(checkout: Path, arguments: tuple[str, ...], tree: Path, processor: int) -> list[str]:
    """All that one run prints and writes, as lines. The code of the checkout runs, not an installed version."""
    path = os.pathsep.join(str(checkout / part) for part in ("", "codemods"))
    known = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1"}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "fixed")
        output = ("--output", str(copy)) if arguments[0] == "fix" else ()
        command = [sys.executable, "-c", _START, str(processor), *arguments, *output, "."]
        ran = subprocess.run(command, cwd=tree, env=known, capture_output=True, text=True, check=False)
        written = [
            f"{file.relative_to(copy)} {hashlib.sha256(file.read_bytes()).hexdigest()}"
            for file in sorted(copy.rglob("*"))
            if file.is_file()
        ]
        said = "\n".join((f"exit {ran.returncode}", ran.stdout, ran.stderr)).replace(folder, "FOLDER")
    return [*_SECONDS.sub("...", said).splitlines(), *written]


def differences(old: Path, new: Path, tree: Path) -> Iterator[str]:
    """What differs between the two versions, as lines of a diff; nothing if all is the same."""
    for name, arguments in RUNS.items():
        with ThreadPoolExecutor(2) as both:
            before, after = both.map(result_of, (old, new), repeat(arguments), repeat(tree), (0, 1))
        yield from difflib.unified_diff(before, after, f"old: {name}", f"new: {name}", n=0, lineterm="")


def main() -> int:
    """Compare, and print what differs. Returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    for name in ("old", "new"):
        parser.add_argument(name, type=Path, help="a checkout of the tool")
    parser.add_argument("trees", type=Path, nargs="+", metavar="tree", help="a folder of source")
    given = parser.parse_args()
    different = 0
    for tree in given.trees:
        found = list(differences(given.old.resolve(), given.new.resolve(), tree))
        different += bool(found)
        print(f"{tree.name}: {'different' if found else 'the same'}", flush=True)
        for line in found[:_SHOWN]:
            print(f"  {line}")
    print(
        f"{different} of {len(given.trees)} trees differ" if different else f"no difference on {len(given.trees)} trees"
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
