"""The libcst codemod commands, run as a user runs them, with a planner installed for the test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "def f(x, m):\r\n    x = x.to(d)\r\n    m.to(d)\r\n    return x.cpu(), f'{x.to(d)}'  # c\r\n"

PLANNER = """
from transfer_codemods import Anchor, DeleteTransfer, GuardModule, GuardTensor, Half, KeepOnDevice, Target

def plan(path, source, unsafe):
    assert path.endswith("pack.py") or path == "-"
    here = Target(Half(0), None)
    found = {Anchor(2, 11): GuardTensor(here, rebind=True), Anchor(3, 7): GuardModule(here),
             Anchor(4, 26): DeleteTransfer()}
    if unsafe:
        found[Anchor(4, 14)] = KeepOnDevice(Target(Half(None, wrap='torch.device("cpu")'), None))
    return found
"""

TENSOR = "    if x.device != d:\r\n        x = x.to(d)\r\n"
MODULE = "    if any(t.device != d for t in chain(m.parameters(), m.buffers())):\r\n        m.to(d)\r\n"


def install(site: Path, name: str) -> None:
    """A planner as an installed distribution would bring it."""
    (site / f"{name}.py").write_text(PLANNER)
    info = site / f"{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[transfer_codemods.planner]\n{name} = {name}:plan\n")


def python(folder: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs Python where nothing but what a test installed can plan."""
    code = (
        "import sys, importlib.metadata as m; real = m.entry_points;"
        "m.entry_points = lambda **k: [p for p in real(**k) if p.name in ('one', 'two')];"
        "sys.argv = ['libcst.tool', *sys.argv[1:]]; import libcst.tool;"
        "sys.exit(libcst.tool.main('libcst.tool', sys.argv[1:]))"
    )
    path = os.pathsep.join([str(folder / "site"), str(ROOT / "codemods")])
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, input=stdin, capture_output=True, text=True, timeout=PATIENCE
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    (tmp_path / "pack.py").write_bytes(SOURCE.encode())
    return tmp_path


def codemod(folder: Path, command: str, *options: str) -> tuple[str, str]:
    """The file's new text, and what the user was told."""
    done = python(folder, "codemod", "-x", "--no-format", f"transfer_codemods.{command}", *options, "pack.py")
    assert "Traceback" not in done.stderr
    return (folder / "pack.py").read_bytes().decode(), done.stderr


@pytest.mark.parametrize(
    ("command", "changes"),
    [
        ("FixTransfers", {"    x = x.to(d)\r\n": TENSOR, "    m.to(d)\r\n": MODULE}),
        ("GuardTensors", {"    x = x.to(d)\r\n": TENSOR}),
        ("GuardModules", {"    m.to(d)\r\n": MODULE}),
        ("DeleteTransfers", {}),
        ("KeepOnDevices", {}),
    ],
)
def test_command(folder: Path, command: str, changes: dict[str, str]) -> None:
    install(folder / "site", "one")
    expected = SOURCE
    for before, after in changes.items():
        expected = expected.replace(before, after)
    if MODULE in expected:
        expected = "from itertools import chain\r\n\r\n\r\n" + expected
    text, told = codemod(folder, command)
    assert text == expected
    warned = "pack.py:4:26: not rewritten: The call is inside an f-string" in told
    assert warned == (command in ("FixTransfers", "DeleteTransfers"))


def test_unsafe(folder: Path) -> None:
    install(folder / "site", "one")
    text, _ = codemod(folder, "KeepOnDevices", "--unsafe")
    assert text == SOURCE.replace("x.cpu()", "x")


def test_standard_input(folder: Path) -> None:
    install(folder / "site", "one")
    done = python(folder, "codemod", "-x", "--no-format", "transfer_codemods.GuardTensors", "-", stdin=SOURCE)
    assert TENSOR.replace("\r\n", "\n") in done.stdout.replace("\r\n", "\n")


def test_configured_name(folder: Path) -> None:
    """Without -x, as the module's docstring says."""
    install(folder / "site", "one")
    (folder / ".libcst.codemod.yaml").write_text("modules: [transfer_codemods]\n")
    done = python(folder, "codemod", "--no-format", "commands.GuardTensors", "pack.py")
    assert done.returncode == 0, done.stderr
    assert TENSOR in (folder / "pack.py").read_bytes().decode()


def test_no_planner(folder: Path) -> None:
    text, told = codemod(folder, "FixTransfers")
    assert text == SOURCE
    assert "no planner is installed" in told
    assert "pip install transfer-lint" in told


def test_two_planners(folder: Path) -> None:
    install(folder / "site", "one")
    install(folder / "site", "two")
    text, told = codemod(folder, "FixTransfers")
    assert text == SOURCE
    assert "several planners are installed (one, two)" in told


@pytest.mark.parametrize("module", ["transfer_codemods", "transfer_codemods.actions"])
def test_deciding_imports_no_libcst(module: str) -> None:
    code = f"import sys, {module}; sys.exit('libcst' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT / "codemods")}
        ).returncode
        == 0
    )


def test_public_names() -> None:
    import transfer_codemods

    for name in transfer_codemods.__all__:
        public = getattr(transfer_codemods, name)
        assert name in ("Action", "Plan") or public.__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        transfer_codemods.nothing  # noqa: B018


OTHERS = """
from transfer_codemods import Anchor, AssignResult, ConstructOnDevice, Half, MergeTransfer, Target

def plan(path, source, unsafe):
    device, dtype = Target(Half(0), None), Target(None, Half(0))
    return {Anchor(2, 7): AssignResult(), Anchor(3, 20): MergeTransfer(device, dtype),
            Anchor(3, 42): ConstructOnDevice(device, with_dtype=True)}
"""
LINES = ["def f(x):", "    x.to(d)", "    return x.to(d).to(t), torch.zeros(2).to(d)", ""]


@pytest.mark.parametrize(
    ("command", "changed"),
    [
        ("AssignResults", [LINES[0], "    x = x.to(d)", *LINES[2:]]),
        ("MergeTransfers", [*LINES[:2], "    return x.to(d, dtype=t), torch.zeros(2).to(d)", ""]),
        ("ConstructOnDevices", [*LINES[:2], "    return x.to(d).to(t), torch.zeros(2, device=d)", ""]),
        ("FixTransfers", [LINES[0], "    x = x.to(d)", "    return x.to(d, dtype=t), torch.zeros(2, device=d)", ""]),
        ("GuardTensors", LINES),
    ],
)
def test_other_actions(folder: Path, command: str, changed: list[str]) -> None:
    install(folder / "site", "one")
    (folder / "site" / "one.py").write_text(OTHERS)
    (folder / "pack.py").write_text("\n".join(LINES))
    text, told = codemod(folder, command)
    assert text.split("\n") == changed
    assert "not rewritten" not in told
