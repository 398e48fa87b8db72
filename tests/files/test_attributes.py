"""What a file keeps when it is fixed: names, access control lists, extended attributes. On a real file system."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from tests.support.command import MENDED, WASTE, lint
from transfer_lint.files import disk
from transfer_lint.problems import Problem

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
USER, NAMED_USER, GROUP, MASK, OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
NOBODY_IN_PARTICULAR = 0xFFFFFFFF


def acl(named: int, permissions: int) -> bytes:
    """An access control list as Linux stores it, which gives `permissions` to the user `named` besides the owner."""
    entries = [
        (USER, 6, NOBODY_IN_PARTICULAR), (NAMED_USER, permissions, named), (GROUP, 4, NOBODY_IN_PARTICULAR),
        (MASK, permissions | 4, NOBODY_IN_PARTICULAR), (OTHERS, 0, NOBODY_IN_PARTICULAR),
    ]  # fmt: skip
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def attach(path: Path, name: str, value: bytes) -> None:
    if not hasattr(os, "setxattr"):
        pytest.skip("this system has no os.setxattr")
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM):
            raise
        pytest.skip(f"the file system of {path.parent} does not take {name}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_bytes(b"old")
    return tmp_path / "a.py"


def test_extended_attributes_stay(file: Path) -> None:
    attach(file, "user.origin", b"upstream \0 2")
    attach(file, "user.empty", b"")
    disk.replace(str(file), b"old", b"new")
    assert file.read_bytes() == b"new"
    assert {name: os.getxattr(file, name) for name in os.listxattr(file)} == {
        "user.origin": b"upstream \0 2",
        "user.empty": b"",
    }


def test_an_access_control_list_stays(file: Path) -> None:
    file.chmod(0o640)
    attach(file, ACCESS, acl(12345, 6))
    mode = file.stat().st_mode
    disk.replace(str(file), b"old", b"new")
    assert file.read_bytes() == b"new"
    assert os.getxattr(file, ACCESS) == acl(12345, 6)
    assert file.stat().st_mode == mode


def test_a_list_for_new_files_of_the_folder_is_not_put_on_an_old_one(file: Path) -> None:
    file.chmod(0o600)
    attach(file.parent, DEFAULT, acl(12345, 6))
    (file.parent / "new").write_text("")
    assert ACCESS in os.listxattr(file.parent / "new")
    disk.replace(str(file), b"old", b"new")
    assert ACCESS not in os.listxattr(file)
    assert file.stat().st_mode & 0o7777 == 0o600


def test_without_its_attributes_it_is_not_replaced(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attach(file, "user.origin", b"upstream")

    def no_room(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "setxattr", no_room)
    with pytest.raises(Problem, match="cannot be written, left as it was: no space left on device"):
        disk.replace(str(file), b"old", b"new")
    assert file.read_bytes() == b"old"
    assert [path.name for path in file.parent.iterdir()] == ["a.py"]


def test_a_file_with_several_names_is_left_and_said(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "waste").write_text(WASTE)
    os.link(tmp_path / "cache" / "waste", tmp_path / "pack" / "waste.py")
    (tmp_path / "pack" / "alone.py").write_text(WASTE)
    ran = lint("fix", "pack", cwd=tmp_path, expect=2)
    assert "pack/waste.py: has 2 names (hard links), left as it was; put a copy in its place" in ran.err
    assert "fixed 2 transfers in 1 file" in ran.err
    assert "pack/waste.py:6:14: TL101" in ran.out  # it is left, and said
    assert (tmp_path / "cache" / "waste").read_text() == WASTE
    assert (tmp_path / "cache" / "waste").samefile(tmp_path / "pack" / "waste.py")
    assert (tmp_path / "pack" / "alone.py").read_text() == MENDED


def test_a_file_with_several_names_that_needs_no_fix_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(MENDED)
    os.link(tmp_path / "a.py", tmp_path / "b.py")
    assert "nothing to fix; nothing left" in lint("fix", cwd=tmp_path, expect=0).err


def test_a_name_that_is_added_at_the_last_moment_is_seen(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def link_meanwhile(descriptor: int) -> None:
        os.link(file, file.parent / "other.py")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", link_meanwhile)
    with pytest.raises(Problem, match="changed on disk"):
        disk.replace(str(file), b"old", b"new")
    assert file.read_bytes() == b"old"


def test_a_copy_parts_the_names(tmp_path: Path) -> None:
    """A copy that was made of links must not write into the original."""
    (tmp_path / "pack").mkdir()
    (tmp_path / "fixed").mkdir()
    (tmp_path / "pack" / "a.py").write_text(WASTE)
    os.link(tmp_path / "pack" / "a.py", tmp_path / "fixed" / "a.py")
    lint("fix", "--output", "fixed", "pack", cwd=tmp_path, expect=0)
    assert (tmp_path / "pack" / "a.py").read_text() == WASTE
    assert (tmp_path / "fixed" / "a.py").read_text() == MENDED
