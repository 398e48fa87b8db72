"""Without an extra, a command says which one it needs; the lint itself needs none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import WASTE, environment

PROGRAM = """
import sys
for name in ("jinja2", "markupsafe", "pygls", "watchfiles", "torch"):
    sys.modules[name] = None
from transfer_lint.cli import main
main()
"""


def without_extras(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "waste.py").write_text(WASTE)
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("check", "--output-format", "html"), "report"),
        (("graph", "waste.py", "--format", "svg"), "report"),
        (("server",), "server"),
        (("check", "--watch"), "watch"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_what_needs_an_extra_names_it(arguments: tuple[str, ...], extra: str, tmp_path: Path) -> None:
    ran = without_extras(tmp_path, *arguments)
    assert ran.returncode == 2
    assert f"pip install 'transfer-lint[{extra}]'" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        *(("check", "--output-format", name) for name in ("full", "json", "sarif", "github", "gitlab", "junit")),
        ("graph", "waste.py"),
        ("graph", "waste.py", "--format", "dot"),
    ],
    ids=" ".join,
)
def test_what_needs_none(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ran = without_extras(tmp_path, *arguments)
    assert ran.returncode in (0, 1)
    assert "TL101" in ran.stdout
