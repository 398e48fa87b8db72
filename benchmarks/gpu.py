"""Everything that needs a GPU, in one command and under eight minutes: `python benchmarks/gpu.py [--out FOLDER]`.

It fetches nothing and installs nothing: torch, numpy and click have to be there; without pytest the scenarios are
verified directly, without insightface and OpenCV stand-ins find and draw the faces. Each part runs in a process of its
own, has a limit of time, and is reported whatever becomes of the others. Written to FOLDER (default
benchmarks/results): gpu-CARD.md and gpu-CARD.json. Exits with 1 if a part failed, with 2 where there is no GPU.

--rehearse runs the same parts without a GPU, on the CPU and a simulated device: what fails then would fail beside a
card too. The tests that need a GPU are collected and skipped; the scenarios are verified in their place.
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
SCENARIO = ("--scenario", "tests/runtime/scenarios/everything.py", "--ignore-devices", "--repeat")
PYTEST = ("-m", "pytest", "-q", "-o", "addopts=", "--import-mode=importlib", "-p", "no:cacheprovider", "-m", "gpu")

Arguments = tuple[str, ...]


def gpu_tests() -> Arguments:
    """The files with tests that need a GPU. Others may need packages that are not here."""
    files = (ROOT / "tests").rglob("test_*.py")
    return tuple(
        sorted(each.relative_to(ROOT).as_posix() for each in files if "pytest.mark.gpu" in each.read_text("utf-8"))
    )


def parts(out: Path, rehearse: bool = False) -> dict[str, tuple[int, Arguments]]:
    """Name -> (limit in seconds, arguments of Python), the most telling first."""
    few, share = (("--steps", "1"), ("--repeats", "1")) if rehearse else (("--steps", "10"), ())
    found: dict[str, tuple[int, Arguments]] = {
        "share of a step": (60, ("benchmarks/step_share.py", "--json", str(out / "gpu-step-share.json"), *share)),
        "transfers and times": (90, ("benchmarks/instantid.py", "--out", str(out), *few)),
    }
    if find_spec("pytest"):
        found["tests"] = (300, (*PYTEST, *gpu_tests()))
    if rehearse:
        found["scenarios"] = (220, (*VERIFY, *SCENARIO, "1", "--no-timing", "--simulate", "cuda"))
    elif not find_spec("pytest"):
        found["scenarios"] = (220, (*VERIFY, *SCENARIO, "3"))
    return found


def run(arguments: tuple[str, ...], limit: float) -> dict[str, object]:
    """One part's exit code (None: it did not end in time), seconds and last words."""
    own = [str(ROOT / name) for name in ("", "codemods", "runtime")]
    path = os.pathsep.join([*own, *filter(None, [os.environ.get("PYTHONPATH")])])
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
    parser.add_argument("--rehearse", action="store_true", help="run without a GPU, to see that only that is missing")
    options = parser.parse_args()
    import torch

    if not options.rehearse and not torch.cuda.is_available():
        print("there is no GPU here: torch.cuda says so (--rehearse runs without one)", file=sys.stderr)
        return 2
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    card = "no card: a rehearsal" if options.rehearse else torch.cuda.get_device_name()
    begin, results = time.perf_counter(), {}
    for name, (limit, arguments) in parts(out, options.rehearse).items():
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
