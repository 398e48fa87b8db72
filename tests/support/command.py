"""Runs the command line as its users do: in another process, which has nothing of the tests in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from tests.support.forking import forking

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 600
"""Seconds after which a run that hangs is ended."""

WASTE = """\
import torch


def twice(x: torch.nn.Module) -> torch.nn.Module:
    y = x.to("cuda:0")
    return y.to("cuda:0")  # stays


class Net(torch.nn.Module):
    def forward(self, x: torch.Tensor, times: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            layer = twice(layer)
            x = layer(x, times, context)
        return x
"""
"""One hint (TL103, line 5) and one warning (TL101, line 6), both with safe fixes, none longer than its longest line."""

MENDED = """\
from itertools import chain

import torch


def twice(x: torch.nn.Module) -> torch.nn.Module:
    if any(t.device != torch.device("cuda:0") for t in chain(x.parameters(), x.buffers())):
        x.to("cuda:0")
    y = x
    return y  # stays


class Net(torch.nn.Module):
    def forward(self, x: torch.Tensor, times: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            layer = twice(layer)
            x = layer(x, times, context)
        return x
"""
"""What `fix` makes of WASTE."""

COOL = """\
import torch


def twice(x: torch.Tensor) -> torch.Tensor:
    y = x.to("cuda:0")
    return y.to("cuda:0")  # stays
"""
"""Two hints (TL102, line 5; TL101, line 6), both with safe fixes."""

LEFT = """\
import comfy.model_management
import torch


def last(steps: int) -> float:
    device = comfy.model_management.get_torch_device()
    values = torch.ones(8, device=device)
    for step in range(steps):
        values = (values + step).to(device)
        first = values[0].item()
    return first
"""
"""A hint with a safe fix (TL101), and a warning without a fix (TL301)."""

LOOP = """\
import comfy.model_management
import torch


def last(steps: int) -> float:
    values = torch.arange(8, device=comfy.model_management.get_torch_device())
    for step in range(steps):
        values = values + step
        first = values.cpu()[0].item()
    return first
"""
"""A warning (TL301) without a fix, and a hint (TL302) whose fix changes what the warning is about."""

TWO_SNAPSHOTS = """
def two_snapshots():
    import os, threading
    replace, written = os.replace, threading.Semaphore(0)
    os.replace = lambda *names: (replace(*names), written.release())
    written.acquire(), written.acquire()
"""
"""For a traced program: waits until all that it did is written, for the second snapshot has begun after the call."""

CLEAN = "def nothing() -> None:\n    pass\n"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def environment(**extra: str) -> dict[str, str]:
    """This process's environment, with the checkout importable first, no settings for colour, and English messages."""
    own = [str(ROOT / part) for part in ("", "codemods", "runtime")]
    path = os.pathsep.join([*own, *filter(None, [os.environ.get("PYTHONPATH")])])
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "TRANSFER_LINT_DEBUG")}
    return {**kept, "PYTHONPATH": path, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", **extra}


def lint(
    *arguments: str | Path,
    cwd: Path,
    stdin: str | bytes = b"",
    expect: int | None = None,
    hints: bool = True,
    **extra: str,
) -> Ran:
    """Run transfer-lint. Fails the test on a traceback, and on another exit code than `expect`, if that is given.

    hints: with --hints, so that both fixes of WASTE count.
    """
    if hints and arguments[:1] in (("check",), ("fix",)):
        arguments = (arguments[0], "--hints", *arguments[1:])
    given = stdin.encode() if isinstance(stdin, str) else stdin
    code, *printed = _run([*map(str, arguments)], cwd, given, extra)
    ran = Ran(code, *(text.decode("utf-8", "replace") for text in printed))
    assert "Traceback" not in ran.err, ran.err
    assert expect is None or ran.code == expect, ran
    return ran


def _run(arguments: Sequence[str], cwd: Path, stdin: bytes, extra: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """The exit code, and what is printed. A new interpreter is started only where one would differ."""
    if sys.platform != "linux" or any(name.startswith(("PYTHON", "LC_", "LANG")) for name in extra):
        command = [sys.executable, "-m", "transfer_lint", *arguments]
        found = subprocess.run(
            command, cwd=cwd, input=stdin, capture_output=True, env=environment(**extra), timeout=PATIENCE, check=False
        )
        return found.returncode, found.stdout, found.stderr
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        code = forking().run(arguments, cwd, environment(**extra), (given, out, err), PATIENCE)
        printed = []
        for stream in (out, err):
            stream.seek(0)
            printed.append(stream.read())
        return code, *printed
