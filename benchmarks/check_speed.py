"""Measures how long `transfer-lint` takes, compared with what cannot be avoided.

    python benchmarks/check_speed.py [FOLDER ...] [--file FILE ...] [--edit FILE ...]

Tables, all from one run on one machine: read the ratios, not the seconds. Seconds are CPU seconds of a process and of
those that it started; memory is the peak of the largest process.

1. Start: `check` of a file without a transfer, and of one with a hundred, over `python -c pass`.
2. A small program whose calls unfold to 2^11 paths.
3. Each FOLDER (default: the fixture pack), whole processes: a cold check over `ast.parse` of the files that the byte
   scan lets through, in a process of its own; a second check over `python -c pass` plus reading and hashing the files;
   reports with edits over json; `fix --unsafe-fixes --output` over the cold check.
4. Each FILE of --file, a file of a large package: its check inside the package, and alone.
5. Each FILE of --edit: a change in an editor over its check, and what the server holds after the first change and after
   the last one. benchmarks/server_edits.py shows each change.

Needs no network, and writes to a temporary folder, also what Python compiles.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from server_edits import edits

ROOT = Path(__file__).parent.parent
PACK = ROOT / "fixtures" / "instantid_original"
RUNS = 7
CHANGES = 24

FUNCTION = '''
def prepare_{n}(model: torch.nn.Module, x: torch.Tensor, device: torch.device, scale: float = 1.0):
    """Scale the input where the model is."""
    if scale <= 0:
        raise ValueError("scale must be positive")
    {move}
    for _ in range(3):
        x = x * scale
    return model(x)
'''

PARSE = """
import ast, sys, time
from pathlib import Path
from transfer_lint.files.discovery import collect
from transfer_lint.files.scan import may_have_site
from transfer_lint.settings import Settings
texts = []
for path in collect(["."], Settings(root=".")).files:
    data = Path(path).read_bytes()
    if path.endswith(".py") and may_have_site(data):
        try:
            ast.parse(text := data.decode())
        except (SyntaxError, ValueError):
            continue
        texts.append(text)
start = time.process_time()
for text in texts:
    ast.parse(text)
print(time.process_time() - start, len(texts), sum(text.count("\\n") for text in texts))
"""

HASH = """
import hashlib
from pathlib import Path
for path in Path(".").rglob("*.py"):
    hashlib.sha256(path.read_bytes()).digest()
"""


@dataclass(frozen=True)
class Cost:
    """What a process took. seconds: CPU. peak: MiB."""

    seconds: float
    peak: float
    out: str


def run(command: Sequence[str | Path], cwd: Path) -> Cost:
    """Run a command, and those that it starts."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([*map(str, command)], cwd=cwd, stdout=out, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


def lint(*arguments: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "transfer_lint", *arguments]


def check(*arguments: str | Path) -> list[str | Path]:
    return lint("check", "--no-cache", "--quiet", "--output-format", "json", *arguments)


def medians(commands: Mapping[str, Sequence[str | Path]], cwd: Path) -> dict[str, float]:
    """The median CPU seconds of each; alternately, so that a machine that slows down slows all of them."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            taken[name].append(run(command, cwd).seconds)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def sample(lines: int, *, with_transfers: bool) -> str:
    """The text of a file of about `lines` lines, made of copies of one function."""
    text, number = "import torch\n", 0
    move = "model.to(device)\n    x = x.to(device)" if with_transfers else "x = x.contiguous()"
    while text.count("\n") < lines:
        text += FUNCTION.format(n=number, move=move)
        number += 1
    return text


def unfolding(levels: int) -> str:
    """A program whose calls unfold to 2^levels paths, each with an effect of its own."""
    text = "import torch\ndef f0(m, x):\n    if m.c0 is None:\n        m.c0 = {}\n    return x\n"
    for n in range(1, levels + 1):
        text += f"def f{n}(m, x):\n    x = f{n - 1}(m.a0, x)\n    x = f{n - 1}(m.a1, x)\n    return x\n"
    return text + (
        f"def run(net, xs, device):\n    for x0 in xs:\n        y = f{levels}(net, x0.to(device))\n    return y\n"
    )


def row(name: str, cost: Cost | float, base: float, over: str) -> None:
    """Print one row."""
    seconds, peak = (cost.seconds, f"{cost.peak:6.0f}") if isinstance(cost, Cost) else (cost, f"{'':6}")
    print(f"{name:52} {seconds:8.2f} {peak} {seconds / base:8.1f} x {over}", flush=True)


def start(folder: Path) -> float:
    """Print tables 1 and 2. Returns the seconds of `python -c pass`."""
    long, clean, deep = folder / "long.py", folder / "clean.py", folder / "deep.py"
    long.write_text(sample(600, with_transfers=True), encoding="utf-8")
    clean.write_text(sample(600, with_transfers=False), encoding="utf-8")
    deep.write_text(unfolding(11), encoding="utf-8")
    plain = [*lint("check", "--no-cache")]
    taken = medians(
        {
            "python -c pass": [sys.executable, "-c", "pass"],
            "check, 600 lines without a transfer": lint("check", clean),
            "check, 600 lines with 100 transfers": [*plain, long],
        },
        folder,
    )
    base = taken["python -c pass"]
    for name, seconds in taken.items():
        row(name, seconds, base, "python -c pass")
    row("check, calls that unfold to 2^11 paths", run([*plain, deep], folder), base, "python -c pass")
    return base


def tree(folder: Path, base: float, scratch: Path) -> None:
    """Print the rows of one folder."""
    parsed = run([sys.executable, "-c", PARSE], folder).out.split()
    parsing, files, lines = float(parsed[0]), int(parsed[1]), int(parsed[2])
    print(f"\n{folder.name}: {files} files with {lines} lines may hold a transfer")
    cold = run(check("."), folder)
    row("check, cold", cold, parsing, "ast.parse")
    cache = scratch / "cache"
    cached = lint("check", "--quiet", "--output-format", "json", "--cache-dir", cache, ".")
    row("check that fills the cache", run(cached, folder), cold.seconds, "check, cold")
    hashing = run([sys.executable, "-c", HASH], folder).seconds
    row("check, nothing has changed", run(cached, folder), hashing, "python that reads and hashes the files")
    shutil.rmtree(cache, ignore_errors=True)
    for name, options in {"sarif": ["sarif"], "html": ["html"], "json --fixes": ["json", "--fixes"]}.items():
        row(f"check, {name}", run(check("--output-format", *options, "."), folder), cold.seconds, "json")
    fix = lint("fix", "--no-cache", "--quiet", "--unsafe-fixes", "--output", scratch / "fixed", ".")
    row("fix --unsafe-fixes --output", run(fix, folder), cold.seconds, "check, cold")
    shutil.rmtree(scratch / "fixed", ignore_errors=True)


def one_file(path: Path, base: float, scratch: Path) -> None:
    """Print the rows of one file of a package: inside it, and alone."""
    print(f"\n{path.name}, one file of a large package")
    inside = run(check(path.name), path.parent)
    copy = Path(shutil.copy(path, scratch))
    alone = run(check(copy.name), scratch)
    row("check, inside the package", inside, alone.seconds, "the file alone")
    row("check, the file alone", alone, base, "python -c pass")


def edited(path: Path) -> None:
    """Print the rows of one file in an editor."""
    opened, *changes = edits(path, CHANGES)
    print(f"\n{path.name}, in an editor")
    alone = run(check(path.name), path.parent)
    row("check", alone, alone.seconds, "check")
    row("server, the first answer", Cost(opened.processor / 1000, opened.memory, ""), alone.seconds, "check")
    median = statistics.median(edit.processor for edit in changes) / 1000
    row(f"server, a change (median of {CHANGES})", Cost(median, changes[0].memory, ""), alone.seconds, "check")
    row(f"memory, MiB: after {CHANGES} changes over after one", changes[-1].memory, changes[0].memory, "")


def prepare(scratch: Path) -> None:
    """Let all commands be those of this tree, compiled as those of an installed tool are."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "codemods"), str(ROOT / "runtime")])
    os.environ["PYTHONPYCACHEPREFIX"] = str(scratch / "compiled")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    run(check("--output-format", "html", PACK), scratch)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[PACK])
    parser.add_argument("--file", action="append", type=Path, default=[])
    parser.add_argument("--edit", action="append", type=Path, default=[])
    arguments = parser.parse_args()
    print(f"{'':52} {'CPU s':>8} {'MiB':>6} {'ratio':>8}")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        prepare(scratch)
        base = start(scratch)
        for folder in arguments.folders:
            tree(folder.resolve(), base, scratch)
        for path in arguments.file:
            one_file(path.resolve(), base, scratch)
        for path in arguments.edit:
            edited(path.resolve())


if __name__ == "__main__":
    main()
