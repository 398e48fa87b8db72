"""Measures how long `transfer-lint check` takes, compared with what cannot be avoided.

    python benchmarks/check_speed.py [FOLDER ...]

Two tables, each from one run on one machine: read the ratios, not the seconds.

1. Whole processes: a 600-line file with transfers, the same without any, and the fixture pack, beside
   `python -c pass` and `import libcst`. Medians of paired runs.
2. The analysis alone, in one process: CPU seconds of a cold check of the Python files in each FOLDER (default: the
   fixture pack) that the byte scan lets through, and their ratio to the CPU seconds of `ast.parse` of these files.
"""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from transfer_lint.files.scan import may_have_site
from transfer_lint.files.tree import DiskSources
from transfer_lint.flow.program.project import Project
from transfer_lint.lint import judge
from transfer_lint.rules.options import RuleOptions

ROOT = Path(__file__).parent.parent
PACK = ROOT / "fixtures" / "instantid_original"
RUNS = 7

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


def sample(lines: int, *, with_transfers: bool) -> str:
    """The text of a file of about `lines` lines, made of copies of one function."""
    text, number = "import torch\n", 0
    move = "model.to(device)\n    x = x.to(device)" if with_transfers else "x = x.contiguous()"
    while text.count("\n") < lines:
        text += FUNCTION.format(n=number, move=move)
        number += 1
    return text


def processes() -> None:
    """Print the first table."""
    with tempfile.TemporaryDirectory() as folder:
        long, clean = Path(folder, "long.py"), Path(folder, "clean.py")
        long.write_text(sample(600, with_transfers=True), encoding="utf-8")
        clean.write_text(sample(600, with_transfers=False), encoding="utf-8")
        check = [sys.executable, "-m", "transfer_lint", "check", "--quiet", "--output-format", "concise"]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "python -c 'import libcst'": [sys.executable, "-c", "import libcst"],
            "check, 600 lines without a transfer": [*check, str(clean)],
            "check, 600 lines with 100 transfers": [*check, str(long)],
            "check, the fixture pack": [*check, str(PACK)],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(RUNS):  # alternately, so that a machine that slows down slows all of them
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, cwd=ROOT)
                taken[name].append(time.perf_counter() - start)
    base = statistics.median(taken["python -c pass"])
    print(f"{'whole process, median of ' + str(RUNS):42} {'ms':>7} {'x python':>9}")
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"{name:42} {median * 1000:7.0f} {median / base:9.1f}")


def analysis(folder: Path) -> None:
    """Print one row of the second table."""
    texts = {}
    for path in sorted(folder.rglob("*.py")):
        data = path.read_bytes()
        if may_have_site(data):
            try:
                text = data.decode()
                ast.parse(text)
            except (SyntaxError, ValueError):
                continue
            texts[str(path)] = text
    start = time.process_time()
    for text in texts.values():
        ast.parse(text)
    parsing = time.process_time() - start
    project = Project(DiskSources())
    start = time.process_time()
    sites = sum(judge.check(path, text, project, RuleOptions()).sites for path, text in texts.items())
    checking = time.process_time() - start
    lines = sum(text.count("\n") for text in texts.values())
    print(
        f"{folder.name:42} {len(texts):6} {lines:8} {sites:6} {parsing:8.2f} {checking:8.2f} {checking / parsing:6.1f}"
    )


def main() -> None:
    """Print both tables."""
    processes()
    columns = f"{'files':>6} {'lines':>8} {'sites':>6} {'parse s':>8} {'check s':>8} {'ratio':>6}"
    print(f"\n{'analysis, one process':42} {columns}")
    for folder in [Path(argument) for argument in sys.argv[1:]] or [PACK]:
        analysis(folder)


if __name__ == "__main__":
    main()
