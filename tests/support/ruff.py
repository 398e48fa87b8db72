"""The real ruff: its import sorter, pyflakes and formatter, on a folder and with the settings that lie in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def ruff(folder: Path, *arguments: str) -> str:
    """What ruff prints about a folder."""
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "--quiet", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def tidy(folder: Path) -> None:
    """Sort imports and format; files that pyflakes finds fault with even then are removed."""
    ruff(folder, "check", "--select", "F", "--fix", "--unsafe-fixes")
    for line in ruff(folder, "check", "--select", "F", "--output-format", "concise").splitlines():
        Path(line.partition(".py:")[0] + ".py").unlink(missing_ok=True)
    ruff(folder, "check", "--select", "I,F", "--fix")
    ruff(folder, "format")
    assert not complaints(folder)


def complaints(folder: Path) -> str:
    """What ruff finds fault with, and what its formatter would change; nothing, if a folder is tidy."""
    return ruff(folder, "check", "--select", "I,F", "--output-format", "concise") + ruff(folder, "format", "--diff")
