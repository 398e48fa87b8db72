"""Temporary files: what a killed run leaves is removed by the next one, and only that. With real processes."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import CLEAN, MENDED, WASTE, environment, lint
from transfer_lint.files import disk
from transfer_lint.files.temporary import is_temporary, remove_leftovers

HALF_WAY = """
import os, sys, time
sync = os.fsync
def wait(descriptor):
    sync(descriptor)
    print("half way", flush=True)
    time.sleep(60)
os.fsync = wait
from transfer_lint.cli import main
sys.argv = ["transfer-lint", *sys.argv[1:]]
main()
"""


def half_way(folder: Path, *arguments: str, command: str = "fix") -> subprocess.Popen[bytes]:
    """A run that has written its first temporary file and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", HALF_WAY, command, "--hints", *arguments],
        cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == b"half way\n"
    return process


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if is_temporary(path.name)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "waste.py").write_text(WASTE)
    return tmp_path


def test_the_next_fix_removes_what_a_killed_one_left(folder: Path) -> None:
    with half_way(folder) as process:
        process.kill()
    assert len(leftovers(folder)) == 1
    assert (folder / "pack" / "waste.py").read_text() == WASTE
    lint("fix", cwd=folder, expect=0)
    assert not leftovers(folder)
    assert (folder / "pack" / "waste.py").read_text() == MENDED


def test_also_where_it_has_nothing_to_write(folder: Path) -> None:
    with half_way(folder) as process:
        process.kill()
    (folder / "pack" / "waste.py").write_text(CLEAN)
    lint("check", cwd=folder, expect=0)
    lint("fix", "--diff", cwd=folder, expect=0)
    assert len(leftovers(folder)) == 1  # these two write nothing
    lint("fix", "pack/waste.py", cwd=folder, expect=0)
    assert not leftovers(folder)


def test_also_in_a_copy(folder: Path) -> None:
    with half_way(folder, "--output", "fixed", "pack") as process:
        process.kill()
    assert len(leftovers(folder / "fixed")) == 1
    lint("fix", "--output", "fixed", "pack", cwd=folder, expect=0)
    assert [path.name for path in (folder / "fixed").iterdir()] == ["waste.py"]


@pytest.mark.parametrize("options", [("--output-file", "report"), ("--write-baseline",)], ids=" ".join)
def test_also_of_a_report_and_a_baseline(folder: Path, options: tuple[str, ...]) -> None:
    with half_way(folder, *options, command="check") as process:
        process.kill()
    assert len(leftovers(folder)) == 1
    lint("check", *options, cwd=folder)
    assert not leftovers(folder)
    assert len(list(folder.iterdir())) == 2


def test_a_leftover_is_not_copied(folder: Path) -> None:
    with half_way(folder) as process:
        process.kill()
    lint("fix", "--output", "fixed", "pack", cwd=folder, expect=0)
    assert [path.name for path in (folder / "fixed").iterdir()] == ["waste.py"]
    assert len(leftovers(folder / "pack")) == 1  # the originals' folder is not written to


def test_what_a_running_fix_writes_is_left_to_it(folder: Path) -> None:
    (folder / "pack" / "more.py").write_text(WASTE)
    with half_way(folder, "pack/waste.py") as process:
        lint("fix", "pack/more.py", cwd=folder, expect=0)
        assert len(leftovers(folder)) == 1
        process.send_signal(signal.SIGTERM)
    assert not leftovers(folder)
    assert (folder / "pack" / "more.py").read_text() == MENDED


@pytest.mark.parametrize("name", [".waste.py.k3x_9abc.tmp", ".transfer-lint-note.tmp", "transfer-lint-k3x_9abc.tmp"])
def test_files_of_others_stay(folder: Path, name: str) -> None:
    (folder / "pack" / name).write_text("mine")
    lint("fix", cwd=folder, expect=0)
    assert (folder / "pack" / name).read_text() == "mine"


def test_what_has_the_name_of_one_and_is_no_file_stays(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    (tmp_path / ".transfer-lint-a_folder.tmp").mkdir()
    os.symlink("kept.txt", tmp_path / ".transfer-lint-the_link.tmp")
    os.mkfifo(tmp_path / ".transfer-lint-the_fifo.tmp")
    before = sorted(os.listdir(tmp_path))
    remove_leftovers([str(tmp_path / "a.py"), str(tmp_path / "nowhere" / "a.py")])
    assert sorted(os.listdir(tmp_path)) == before


def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    name = "é" * 126 + ".py"  # 255 bytes
    (tmp_path / name).write_text(WASTE)
    lint("fix", cwd=tmp_path, expect=0)
    assert (tmp_path / name).read_text() == MENDED


def test_the_folder_is_synced_after_the_replacement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_bytes(b"old")
    synced: list[tuple[bool, bytes]] = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        status = os.fstat(descriptor)
        is_folder = stat.S_ISDIR(status.st_mode) and os.path.samestat(status, tmp_path.stat())
        synced.append((is_folder, (tmp_path / "a.py").read_bytes()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    disk.replace(str(tmp_path / "a.py"), b"old", b"new")
    assert synced == [(False, b"old"), (True, b"new")]
