"""Runs that are stopped, by real signals to real processes: one line, the exit code, whole files, no process left.

Every process of a run has its standard output, so the output ends when the last of them has.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.command import CLEAN, MENDED, PATIENCE, WASTE, environment, lint

pty = pytest.importorskip("pty", reason="terminals are POSIX's")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")

PREPARED = """
import multiprocessing, os, sys, time
multiprocessing.set_start_method("fork")  # so that what is changed below is changed in the workers
from transfer_lint.lint import pool, runner
pool.MIN_WEIGHT = 0 if "several" in sys.argv[1] else 10**9
pool.usable_processors = lambda: 2
examine = runner.examine
def slow(path, *rest):
    if path.startswith("slow"):
        with open("begun_" + path, "a") as stream:
            stream.write(f"{os.getpid()}\\n")
        time.sleep(600)
    return examine(path, *rest)
runner.examine = slow
from transfer_lint.__main__ import main
sys.argv = ["transfer-lint", *sys.argv[2:]]
"""

PLAIN = "import sys\nfrom transfer_lint.__main__ import main\nsys.argv[:1] = ['transfer-lint']"


def start(folder: Path, program: str, *arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", f"{program}\nmain()", *arguments],
        cwd=folder, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )  # fmt: skip


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def begun(folder: Path, *names: str) -> Callable[[], bool]:
    """Whether a process is at each of these files."""
    paths = [folder / f"begun_{name}" for name in names]
    return lambda: all(path.is_file() and path.read_text().endswith("\n") for path in paths)


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """The exit code, and what was printed by the process and all that it has started, which have all ended."""
    out, err = process.communicate(timeout=PATIENCE)
    assert b"Traceback" not in err, err
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("slow_1.py", "slow_2.py", "waste.py"):
        (tmp_path / name).write_text(WASTE)
    return tmp_path


BOTH = pytest.mark.parametrize(
    ("number", "code", "line"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
    ids=["ctrl-c", "term"],
)


@BOTH
@pytest.mark.parametrize("command", ["check", "fix"])
def test_the_parent_alone_is_told(folder: Path, command: str, number: int, code: int, line: str) -> None:
    process = start(folder, PREPARED, "several", command)
    wait_for(begun(folder, "slow_1.py", "slow_2.py"))
    process.send_signal(number)
    more = "; nothing is written yet" if command == "fix" else ""
    assert ended(process) == (code, "", f"{line}{more}\n")
    assert {path.read_text() for path in folder.glob("*.py") if "begun" not in path.name} == {WASTE}


@BOTH
def test_all_processes_are_told(folder: Path, number: int, code: int, line: str) -> None:
    process = start(folder, PREPARED, "several", "check")
    wait_for(begun(folder, "slow_1.py", "slow_2.py"))
    os.killpg(process.pid, number)
    assert ended(process) == (code, "", f"{line}\n")


@BOTH
def test_a_run_in_one_process(folder: Path, number: int, code: int, line: str) -> None:
    process = start(folder, PREPARED, "one", "check")
    wait_for(begun(folder, "slow_1.py"))
    process.send_signal(number)
    assert ended(process) == (code, "", f"{line}\n")


@pytest.mark.parametrize("form", ["concise", "github"])
@pytest.mark.parametrize("processes", ["several", "one"])
def test_what_is_finished_is_printed_while_others_run(folder: Path, form: str, processes: str) -> None:
    (folder / "first.py").write_text(WASTE)
    (folder / "slow_2.py").unlink()
    process = start(folder, PREPARED, processes, "check", "--hints", "--output-format", form)
    assert process.stdout
    lines = [process.stdout.readline().decode() for _ in range(4 if processes == "several" else 2)]
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (143, "", "terminated\n")
    assert all(line.startswith("::") is (form == "github") for line in lines)
    assert {name for line in lines for name in ("first.py", "waste.py", "slow_1.py") if name in line} == (
        {"first.py", "waste.py"} if processes == "several" else {"first.py"}
    )


def test_the_bar_names_the_file_that_it_waits_for(folder: Path) -> None:
    (folder / "slow_2.py").unlink()
    ours, theirs = pty.openpty()
    process = start(folder, PREPARED, "several", "check", stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"slow_1.py" not in shown:
        shown += os.read(ours, 1000)
    assert b"checking" in shown
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    with open(ours, "rb", buffering=0) as terminal, suppress(OSError):  # its end is an error
        while more := terminal.read(1000):
            shown += more
    assert shown.endswith(b"\rinterrupted\r\n")


def test_the_parent_is_killed(folder: Path) -> None:
    """The workers notice, although nobody can tell them."""
    process = start(folder, PREPARED, "several", "check")
    wait_for(begun(folder, "slow_1.py", "slow_2.py"))
    process.kill()
    assert ended(process) == (-signal.SIGKILL, "", "")


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_the_parent_is_killed_however_it_started_the_workers(tmp_path: Path, method: str) -> None:
    for number in range(300):
        (tmp_path / f"waste_{number}.py").write_text(WASTE + f"# {'x' * 1000}\n")
    program = f"import multiprocessing\nmultiprocessing.set_start_method('{method}')\n" + PLAIN
    process = start(tmp_path, program, "check", "--hints", "--no-cache")
    assert process.stdout
    assert b"TL103" in process.stdout.readline()
    process.kill()
    code, _, said = ended(process)
    assert (code, said) == (-signal.SIGKILL, "")


TRACED = """
import fcntl, subprocess, sys, time
def run():
    lock = open("lock", "w")
    fcntl.flock(lock, fcntl.LOCK_EX)  # what is held here and by the one below is free when both have ended
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], pass_fds=[lock.fileno()])
    print(file=open("begun_scenario", "w"), flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("command", [("trace", "--scenario", "s.py"), ("verify", "a.py", "a.py", "--scenario", "s.py")])
def test_the_parent_of_a_program_is_killed(tmp_path: Path, command: tuple[str, ...]) -> None:
    """The program that is traced ends with it, and so does what the program has started."""
    import fcntl

    (tmp_path / "s.py").write_text(TRACED)
    (tmp_path / "a.py").write_text(CLEAN)
    process = start(tmp_path, PLAIN, *command)
    wait_for(begun(tmp_path, "scenario"))
    process.kill()
    with open(tmp_path / "lock") as lock:
        wait_for(lambda: _taken(fcntl.LOCK_EX | fcntl.LOCK_NB, lock.fileno()))


def _taken(how: int, descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        return False
    return True


def test_a_job_in_the_background_stays_deaf_to_ctrl_c(folder: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    process = start(folder, deaf + PREPARED, "several", "check")
    wait_for(begun(folder, "slow_1.py", "slow_2.py"))
    os.killpg(process.pid, signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 143


EARLY = """
import os, signal, sys
class Finder:
    def find_spec(name, *rest):
        if name == module:
            os.kill(os.getpid(), number)
module, number = sys.argv[1], int(sys.argv[2])
sys.argv = ["transfer-lint", "check", "--help"]
sys.meta_path.insert(0, Finder)
from transfer_lint.__main__ import main
"""


@BOTH
@pytest.mark.parametrize("module", ["transfer_lint.cli", "click", "transfer_lint.problems", "transfer_lint.cli.check"])
def test_while_it_is_imported(folder: Path, module: str, number: int, code: int, line: str) -> None:
    assert ended(start(folder, EARLY, module, str(int(number)))) == (code, "", f"{line}\n")


WRITING = """
import os, sys, time
sync, count = os.fsync, 0
def sync_slowly(descriptor):
    global count
    sync(descriptor)
    count += 1
    if count == 5:  # two for each file: it, and its folder
        print("third", flush=True)
        time.sleep(600)
os.fsync = sync_slowly
from transfer_lint.__main__ import main
sys.argv = ["transfer-lint", *sys.argv[1:]]
"""


@BOTH
def test_in_the_midst_of_writing(tmp_path: Path, number: int, code: int, line: str) -> None:
    for name in "abcde":
        (tmp_path / f"{name}.py").write_text(WASTE)
    process = start(tmp_path, WRITING, "fix", "--hints")
    assert process.stdout
    assert process.stdout.readline() == b"third\n"
    process.send_signal(number)
    assert ended(process) == (code, "", f"{line}; 2 of 5 files written: a.py, b.py\n")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.py": MENDED, "b.py": MENDED, "c.py": WASTE, "d.py": WASTE, "e.py": WASTE,
    }  # fmt: skip


def test_what_a_file_is_called_is_made_visible(tmp_path: Path) -> None:
    for name in "abcde":
        (tmp_path / f"{name}\x1b[2J.py").write_text(WASTE)
    process = start(tmp_path, WRITING, "fix", "--hints")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert ended(process)[2] == "terminated; 2 of 5 files written: a\\x1b[2J.py, b\\x1b[2J.py\n"


def test_just_after_a_file_was_put_in_place(tmp_path: Path) -> None:
    """What is said is read from disk, so it is true at any moment."""
    for name in "abc":
        (tmp_path / f"{name}.py").write_text(WASTE)
    program = WRITING.replace("count == 5", "count == 4")
    process = start(tmp_path, program, "fix", "--hints")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, "", "interrupted; 2 of 3 files written: a.py, b.py\n")
    assert (tmp_path / "b.py").read_text() == MENDED


def test_a_copy(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    for name in "abcde":
        (tmp_path / "pack" / f"{name}.py").write_text(WASTE)
    process = start(tmp_path, WRITING, "fix", "--hints", "--output", "copy", "pack")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (143, "", "terminated; the copy in copy is not complete\n")
    assert {path.name: path.read_text() for path in (tmp_path / "copy").iterdir()} == {"a.py": MENDED, "b.py": MENDED}


def test_comments(tmp_path: Path) -> None:
    for name in "abcde":
        (tmp_path / f"{name}.py").write_text(WASTE)
    process = start(tmp_path, WRITING, "check", "--add-ignores")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (143, "", "terminated; ignored 4 findings in 2 files\n")


def test_at_a_question(tmp_path: Path) -> None:
    (tmp_path / "waste.py").write_text(WASTE)
    process = start(tmp_path, PLAIN, "fix", "--hints", "--interactive")
    assert process.stdin
    process.stdin.write(b"y\n")
    process.stdin.flush()
    wait_for(lambda: (tmp_path / "waste.py").read_text() != WASTE)
    process.send_signal(signal.SIGINT)
    code, _, said = ended(process)
    assert (code, said) == (130, "interrupted; fixed 1, ignored 0\n")


@BOTH
def test_while_it_watches(tmp_path: Path, number: int, code: int, line: str) -> None:
    process = start(tmp_path, PREPARED, "one", "check", "--watch")
    assert process.stderr
    while b"watching" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.5)  # whether it watches already or is about to, it is told the same
    process.send_signal(number)
    assert ended(process) == (code, "", f"{line}\n")


def test_a_second_signal_ends_it_at_once(folder: Path) -> None:
    program = (
        PREPARED + "\nfrom transfer_lint.lint import workers\nworkers.Crew.__exit__ = lambda *a: time.sleep(600)\n"
    )
    process = start(folder, program, "several", "check")
    wait_for(begun(folder, "slow_1.py", "slow_2.py"))
    process.send_signal(signal.SIGINT)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    assert ended(process) == (-signal.SIGTERM, "", "")


def worker_of(folder: Path, name: str) -> int:
    return int((folder / f"begun_{name}").read_text().split()[-1])


def test_a_worker_that_is_killed_in_the_middle(folder: Path) -> None:
    """Its file is looked at again, alone, and the run ends as if nothing had been."""
    for number in range(10):
        (folder / f"more_{number}.py").write_text(CLEAN)
    program = PREPARED.replace("time.sleep(600)", "time.sleep(0 if os.path.exists('again') else 600)")
    process = start(folder, program, "several", "check", "--hints")
    wait_for(begun(folder, "slow_1.py", "slow_2.py"))
    (folder / "again").touch()
    for name in ("slow_1.py", "slow_2.py"):
        os.kill(worker_of(folder, name), signal.SIGKILL)
    code, out, err = ended(process)
    assert code == 1
    assert sorted(line.split(":")[0] for line in out.splitlines()) == sorted(["slow_1.py", "slow_2.py", "waste.py"] * 2)
    assert "13 files" in err
    assert all(len((folder / f"begun_slow_{n}.py").read_text().split()) == 2 for n in (1, 2))


@pytest.mark.parametrize(("known", "times"), [(False, 4), (True, 8)], ids=["new", "known before"])
def test_a_file_whose_worker_is_killed_again_and_again(folder: Path, known: bool, times: int) -> None:
    """Of what is known of the first texts, none is lost; with a rewritten file, each is tried as it was, once more."""
    kept = ("--cache-dir", "kept")
    if known:
        lint("check", "--hints", *kept, cwd=folder, expect=1)
    process = start(folder, PREPARED, "several", "fix", "--hints", *kept)
    wait_for(begun(folder, "slow_1.py", "slow_2.py"))
    killed: set[int] = set()
    while process.poll() is None:
        for name in ("slow_1.py", "slow_2.py"):
            if (number := worker_of(folder, name)) not in killed:
                killed.add(number)
                os.kill(number, signal.SIGKILL)
        time.sleep(0.01)
    code, _, err = ended(process)
    assert code == 2
    assert len(killed) == times
    for name in ("slow_1.py", "slow_2.py"):
        said = f"{name}: brought down the process that looked at it, twice (SIGKILL); give it more memory, or exclude"
        assert said in err
        assert (folder / name).read_text() == WASTE
    assert (folder / "waste.py").read_text() == MENDED
    assert "fixed 2 transfers in 1 file" in err
