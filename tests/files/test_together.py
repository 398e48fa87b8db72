"""Several files are replaced as one: all of them or none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import environment
from transfer_lint.files.temporary import remove_leftovers
from transfer_lint.files.together import replace_all
from transfer_lint.problems import Problem

NAMES = ("a.py", "b.py", "c.py")


@pytest.fixture
def changes(tmp_path: Path) -> list[tuple[str, bytes, bytes]]:
    for name in NAMES:
        (tmp_path / name).write_bytes(b"old " + name.encode())
    return [(str(tmp_path / name), b"old " + name.encode(), b"new " + name.encode()) for name in NAMES]


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all(tmp_path: Path, changes: list[tuple[str, bytes, bytes]]) -> None:
    (tmp_path / "b.py").chmod(0o755)
    replace_all(changes)
    assert held(tmp_path) == {name: b"new " + name.encode() for name in NAMES}
    assert (tmp_path / "b.py").stat().st_mode & 0o777 == 0o755


def test_none_where_one_has_changed(tmp_path: Path, changes: list[tuple[str, bytes, bytes]]) -> None:
    (tmp_path / "c.py").write_bytes(b"edited")
    with pytest.raises(Problem, match="changed on disk"):
        replace_all(changes)
    assert held(tmp_path) == {"a.py": b"old a.py", "b.py": b"old b.py", "c.py": b"edited"}


@pytest.mark.parametrize("number", range(1, 4))
def test_none_where_a_step_fails(
    tmp_path: Path, changes: list[tuple[str, bytes, bytes]], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, done = os.replace, []

    def failing(source: str, target: str) -> None:
        if os.path.basename(target) in NAMES:
            done.append(target)
            if len(done) == number:
                raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(Problem, match="no space left"):
        replace_all(changes)
    assert held(tmp_path) == {name: b"old " + name.encode() for name in NAMES}


def test_none_where_one_is_read_only(tmp_path: Path, changes: list[tuple[str, bytes, bytes]]) -> None:
    (tmp_path / "b.py").chmod(0o444)
    with pytest.raises(Problem, match="read-only"):
        replace_all(changes)
    assert held(tmp_path) == {name: b"old " + name.encode() for name in NAMES}


SIGNALLED = '''
import os, signal, sys
from transfer_lint import stopping
from transfer_lint.files import disk, temporary, together

moment, changes = 0, eval(sys.argv[1])
FILES = {module.__file__ for module in (disk, temporary, together)}
before = [open(path, "rb").read() for path, _, _ in changes]


def replace(last):
    """In this process: replace the files, and be sent a signal before line number `last`. Returns lines seen."""
    seen = 0

    def line(frame, event, argument):
        nonlocal seen
        if event == "line":
            seen += 1
            if seen == last:
                os.kill(os.getpid(), number)
        return line

    sys.settrace(lambda frame, event, argument: line if frame.f_code.co_filename in FILES else None)
    try:
        together.replace_all(changes)
    finally:
        sys.settrace(None)
    return seen


while True:
    moment += 1
    number = (signal.SIGINT, signal.SIGTERM)[moment % 2]
    child = os.fork()
    if not child:
        stopping.listen()
        try:
            os._exit(0 if replace(moment) < moment else 3)
        except stopping.Stopped as stopped:
            os._exit(stopped.code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    now = {open(path, "rb").read().split()[0] for path, _, _ in changes}
    assert len(now) == 1, (moment, now)
    assert code in (0, 128 + number), (moment, code)
    for (path, _, _), data in zip(changes, before):
        with open(path, "wb") as stream:
            stream.write(data)
    print(code, now.pop().decode())
    if code == 0:
        break
'''


@pytest.mark.skipif(os.name != "posix", reason="signals and forks of POSIX")
def test_a_signal_at_any_moment(tmp_path: Path, changes: list[tuple[str, bytes, bytes]]) -> None:
    """One process for each line that runs, signalled before that line: the files are all old or all new."""
    ran = subprocess.run(
        [sys.executable, "-c", SIGNALLED, repr(changes[:2])],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    *stopped, last = (line.split() for line in ran.stdout.splitlines())
    assert last == ["0", "new"]
    assert {code for code, _ in stopped} == {"130", "143"}
    told = [content for _, content in stopped]
    assert told == sorted(told, reverse=True), "old up to some line, then new"
    assert set(told) == {"old", "new"}
    remove_leftovers(path for path, *_ in changes)  # as the next run does
    assert held(tmp_path) == {name: b"old " + name.encode() for name in NAMES}
