"""Everything that needs a GPU, in one command and under eight minutes: `python benchmarks/gpu.py [--out FOLDER]`.

It fetches nothing and installs nothing: torch, numpy and click have to be there; without pytest the scenarios are
verified directly, without insightface and OpenCV stand-ins find and draw the faces. Each part runs in a process of its
own, has a limit of time, and is reported whatever becomes of the others. Written to FOLDER (default
benchmarks/results): gpu-CARD.md and gpu-CARD.json. Exits with 1 if a part failed, with 2 where there is no GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIMIT = 460
"""Seconds for all parts."""

VERIFY = ("-m", "transfer_lint", "verify", "fixtures/instantid_original", "runtime/instantid_runtime")
SCENARIO = ("--scenario", "tests/runtime/scenarios/everything.py", "--ignore-devices", "--repeat", "3")
PYTEST = ("-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests/runtime/test_regression.py")


def parts(out: Path) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Name -> (limit in seconds, arguments of Python), the most telling first."""
    tests = (*PYTEST, "tests/trace/test_recorded.py") if find_spec("pytest") else (*VERIFY, *SCENARIO)
    if find_spec("xdist"):
        tests = (*tests, "-n0")
    return {
        "share of a step": (90, ("benchmarks/step_share.py", "--json", str(out / "gpu-step-share.json"))),
        "transfers and times": (150, ("benchmarks/instantid.py", "--steps", "10")),
        "tests" if find_spec("pytest") else "scenarios": (220, tests),
    }


def run(arguments: tuple[str, ...], limit: float) -> dict[str, object]:
    """One part's exit code (None: it did not end in time), seconds and last words."""
    path = os.pathsep.join(str(ROOT / name) for name in ("", "codemods", "runtime"))
    begin = time.perf_counter()
    try:
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit,
            check=False,
        )
        code, said = ran.returncode, ran.stdout
    except subprocess.TimeoutExpired as late:
        partial = late.stdout or b""
        code, said = None, partial.decode(errors="replace") if isinstance(partial, bytes) else partial
    return {"code": code, "seconds": round(time.perf_counter() - begin, 1), "said": said[-6000:]}


def page(card: str, results: dict[str, dict[str, object]]) -> str:
    """The results as Markdown."""
    lines = [f"# On {card}", ""]
    for name, result in results.items():
        how = "did not end in time" if result["code"] is None else f"exit {result['code']}"
        lines += [f"## {name}: {how}, {result['seconds']} s", "", "```text", str(result["said"]).strip(), "```", ""]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("there is no GPU here: torch.cuda says so", file=sys.stderr)
        return 2
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    card = torch.cuda.get_device_name()
    begin, results = time.perf_counter(), {}
    for name, (limit, arguments) in parts(out).items():
        left = LIMIT - (time.perf_counter() - begin)
        print(f"{name} ...", file=sys.stderr)
        results[name] = run(arguments, max(1.0, min(limit, left)))
        stem = "gpu-" + re.sub(r"\W+", "-", card).strip("-").lower()
        (out / f"{stem}.md").write_text(page(card, results), encoding="utf-8")
        (out / f"{stem}.json").write_text(
            json.dumps({"card": card, "parts": results}, indent=1) + "\n", encoding="utf-8"
        )
    print(page(card, results))
    return 0 if all(result["code"] == 0 for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
