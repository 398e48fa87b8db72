"""Bytes to text and back, and putting a file in place whole or not at all."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command import PATIENCE, environment
from transfer_lint.files import disk
from transfer_lint.files.decoding import decode
from transfer_lint.files.text import lines_of
from transfer_lint.problems import Problem

TEXTS = [
    pytest.param(b"", id="empty"),
    pytest.param(b"x = 1", id="no last line end"),
    pytest.param(b"a\r\nb\r\n", id="crlf"),
    pytest.param(b"a\r\nb\nc\rd", id="mixed"),
    pytest.param(b"a\n\x0cb\n\x0b\x1c", id="form feeds and the like"),
    pytest.param(b"\xef\xbb\xbfx = 1\n", id="bom"),
    pytest.param(b"\xef\xbb\xbf# coding: utf-8\n", id="bom and cookie"),
    pytest.param("é = '\U0001f600\u2028'\n".encode(), id="utf-8"),
    pytest.param(b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", id="latin-1"),
    pytest.param(b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n", id="cookie in line 2"),
    pytest.param("# coding: shift_jis\nx = '日本'\n".encode("shift_jis"), id="shift_jis"),
]


@pytest.mark.parametrize("data", TEXTS)
def test_round_trip(data: bytes) -> None:
    decoded = decode("a.py", data)
    assert decoded.encode(decoded.text) == data
    assert not decoded.text.startswith("\ufeff")
    assert "".join(lines_of(decoded.text)) == decoded.text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"x = '\xe9'\n", "is not UTF-8 and has no coding cookie (line 1)", id="latin-1 without cookie"),
        pytest.param(b"\n\n\nx = '\xe9'\n", "(line 4)", id="later line"),
        pytest.param(b"x\0y", "holds NUL bytes", id="NUL"),
        pytest.param("x = 1\n".encode("utf-16"), "holds NUL bytes", id="utf-16"),
        pytest.param(b"# coding: nonsense\n", "its coding cookie is of no use", id="unknown cookie"),
        pytest.param(b"# coding: rot13\n", "its coding cookie is of no use", id="cookie for no text encoding"),
        pytest.param(b"# coding: ascii\nx = '\xe9'\n", "is not ascii, its coding cookie", id="wrong cookie"),
        pytest.param(b"# coding: utf-7\nx = '+AGE-'\n", "would not come back the same", id="not reversible"),
    ],
)
def test_what_is_no_python_text(data: bytes, words: str) -> None:
    with pytest.raises(Problem) as raised:
        decode("a.py", data)
    assert words in raised.value.what
    assert raised.value.mend


def test_a_character_that_the_encoding_lacks(tmp_path: Path) -> None:
    decoded = decode("a.py", b"# coding: latin-1\n")
    with pytest.raises(Problem, match="cannot be written back as"):
        decoded.encode("€")


def test_lines_are_those_that_python_counts() -> None:
    assert lines_of("a\x0cb\r\nc\rd\n\x1ce\u2028f") == ["a\x0cb\r\n", "c\r", "d\n", "\x1ce\u2028f"]


def test_reading_never_waits_nor_takes_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "."):
        with pytest.raises(Problem, match=r"is a FIFO|is a directory|cannot be read"):
            disk.read(str(tmp_path / name))
    monkeypatch.setattr(disk, "MAX_BYTES", 10)
    (tmp_path / "big").write_bytes(b"x" * 11)
    with pytest.raises(Problem, match="MB, more than the"):
        disk.read(str(tmp_path / "big"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_bytes(b"old")
    return tmp_path / "a.py"


def alone(file: Path) -> bool:
    """No temporary file is left beside it."""
    return [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o4711])
def test_replace(file: Path, mode: int) -> None:
    file.chmod(mode)
    disk.replace(str(file), b"old", b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o7777 == mode
    assert alone(file)


def test_replace_keeps_the_owner(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(file, 12345, 23456)
    file.chmod(0o4755)
    disk.replace(str(file), b"old", b"new")
    status = file.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (12345, 23456, 0o4755)


def test_a_file_that_changed_meanwhile_is_left(file: Path) -> None:
    file.write_bytes(b"theirs")
    with pytest.raises(Problem, match="changed on disk"):
        disk.replace(str(file), b"old", b"new")
    assert file.read_bytes() == b"theirs"
    assert alone(file)


def test_a_file_that_changes_at_the_last_moment_is_left(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def write_meanwhile(descriptor: int) -> None:
        file.write_bytes(b"theirs")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", write_meanwhile)
    with pytest.raises(Problem, match="changed on disk"):
        disk.replace(str(file), b"old", b"new")
    assert file.read_bytes() == b"theirs"
    assert alone(file)


def test_a_file_that_went_away_stays_away(file: Path) -> None:
    file.unlink()
    with pytest.raises(Problem, match="no such file"):
        disk.replace(str(file), b"old", b"new")
    assert not list(file.parent.iterdir())


def test_read_only_was_meant(file: Path) -> None:
    file.chmod(0o444)
    with pytest.raises(Problem, match="is read-only"):
        disk.replace(str(file), b"old", b"new")
    assert file.read_bytes() == b"old"
    assert alone(file)


def test_an_interrupt_leaves_no_temporary(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        disk.replace(str(file), b"old", b"new")
    assert file.read_bytes() == b"old"
    assert alone(file)


FULL = """
import resource, signal, sys
from transfer_lint.files import disk
from transfer_lint.problems import Problem
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    disk.replace(sys.argv[1], b"old", b"n" * 5000)
except Problem as problem:
    print(problem.what)
"""


def test_a_disk_that_is_full(file: Path) -> None:
    command = [sys.executable, "-c", FULL, str(file)]
    found = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert found.stdout.startswith("cannot be written, left as it was: file too large")
    assert file.read_bytes() == b"old"
    assert alone(file)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000  # the limit was the other process's


KILLED = """
import os, sys, time
from transfer_lint.files import disk
sync = os.fsync
def wait(descriptor):
    sync(descriptor)
    print("half way", flush=True)
    time.sleep(60)
os.fsync = wait
if sys.argv[2] == "terminated":
    import signal
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # as the command line does
disk.replace(sys.argv[1], b"old", b"new")
"""


@pytest.mark.parametrize(("number", "tidy"), [(signal.SIGKILL, False), (signal.SIGTERM, True)], ids=["kill", "term"])
def test_a_kill_in_the_middle(file: Path, number: int, tidy: bool) -> None:
    command = [sys.executable, "-c", KILLED, str(file), "terminated" if tidy else "killed"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        assert process.stdout.readline() == b"half way\n"
        process.send_signal(number)
        process.wait(PATIENCE)
    assert file.read_bytes() == b"old"
    assert alone(file) is tidy
    left = [path for path in file.parent.iterdir() if path != file]
    assert not any(path.name.endswith(".py") for path in left)  # nobody takes it for source
    disk.replace(str(file), b"old", b"new")
    assert file.read_bytes() == b"new"


def test_readers_see_the_old_or_the_new_file_and_nothing_else(file: Path) -> None:
    first, second = b"a" * 200_000, b"b" * 200_000
    file.write_bytes(first)
    program = (
        "import sys\nfrom transfer_lint.files import disk\na, b = b'a' * 200_000, b'b' * 200_000\n"
        "for _ in range(40):\n    disk.replace(sys.argv[1], a, b)\n    disk.replace(sys.argv[1], b, a)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(file)], env=environment()) as process:
        deadline = time.monotonic() + PATIENCE
        seen = set()
        while process.poll() is None and time.monotonic() < deadline:
            seen.add(file.read_bytes())
    assert process.returncode == 0
    assert seen <= {first, second}
