"""What is looked at is data: nothing of it runs, and nothing else is started. See docs/security.md."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import WASTE, environment

PLANTED = ("click", "libcst", "pathspec", "tomllib", "ast", "torch", "transfer_lint", "sitecustomize", "nodes")
SCRIPT = "import sys\nfrom transfer_lint.cli import main\nsys.exit(main())\n"  # as an installer writes it

WATCHED = """
import json, sys
events = []
def hook(name, arguments):
    if name.startswith(("subprocess.", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "socket.")):
        events.append(name)
    elif name == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        events.append(f"write {arguments[0]}")
sys.addaudithook(hook)
from transfer_lint.cli import main
try:
    main()
finally:
    print(json.dumps(events), file=sys.__stderr__)
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with a program, and modules that leave a mark when they are imported."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in PLANTED:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w').close()\n" + WASTE)
    return folder


@pytest.mark.parametrize("command", [("check",), ("fix", "--diff"), ("explain", "nodes.py:7"), ("graph", "nodes.py")])
def test_the_command_imports_nothing_of_the_current_folder(hostile: Path, command: tuple[str, ...]) -> None:
    script = hostile.parent / "bin" / "transfer-lint"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    ran = subprocess.run(
        [sys.executable, str(script), *command],
        cwd=hostile,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in (0, 1), ran.stderr
    assert not (hostile.parent / "mark").exists()


STARTING = ("multiprocessing", "selectors", "signal", "socket", "struct", "pickle", "tempfile", "threading")

SEVERAL = """
import multiprocessing, sys
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv.pop(1))
    from transfer_lint.lint import pool
    pool.MIN_WEIGHT = 0
    from transfer_lint.cli import main
    sys.exit(main())
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_neither_do_its_workers_however_they_are_started(hostile: Path, method: str) -> None:
    for name in STARTING:
        (hostile / f"{name}.py").write_text(f"open({str(hostile.parent / 'mark')!r}, 'w').close()\n" + WASTE)
    script = hostile.parent / "bin" / "transfer-lint"
    script.parent.mkdir()
    script.write_text(SEVERAL)
    ran = subprocess.run(
        [sys.executable, str(script), method, "check", "--no-cache", "--jobs", "2"],
        cwd=hostile,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert not (hostile.parent / "mark").exists()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="-P is of Python 3.11")
def test_neither_does_a_module_started_with_P(hostile: Path) -> None:
    def started(*options: str) -> bool:
        (hostile.parent / "mark").unlink(missing_ok=True)
        subprocess.run(
            [sys.executable, *options, "-m", "transfer_lint", "check"],
            cwd=hostile, env=environment(), capture_output=True, check=False,
        )  # fmt: skip
        return (hostile.parent / "mark").exists()

    assert not started("-P")
    assert started()  # Python's own rule, and why the page warns of it


def test_the_codemod_runs_no_formatter_that_a_folder_names(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    mark = tmp_path / "mark"
    (tmp_path / ".libcst.codemod.yaml").write_text(f"formatter: ['touch', '{mark}']\n")
    command = ["-m", "libcst.tool", "codemod", "-x", "--no-format", "transfer_codemods.FixTransfers", "a.py"]
    ran = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert not mark.exists()


@pytest.mark.parametrize(
    "command", [("check", "."), ("check", "--fixes", "--output-format", "json"), ("fix", "--diff")]
)
def test_no_process_no_connection_no_write(hostile: Path, command: tuple[str, ...]) -> None:
    (hostile / ".git").mkdir()
    (hostile / ".git" / "config").write_text('[core]\n\tfsmonitor = "touch mark"\n\texcludesFile = x\n')
    ran = subprocess.run(
        [sys.executable, "-c", WATCHED, *command],
        cwd=hostile, env=environment(PYTHONSAFEPATH="1", PYTHONDONTWRITEBYTECODE="1"), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    events = json.loads(ran.stderr.splitlines()[-1])
    assert "Traceback" not in ran.stderr
    marks = ("CACHEDIR.TAG", ".gitignore")  # of the cache's own folder, the first time
    assert [event for event in events if not event.endswith(marks)] == []
