"""Several files are replaced as one: all of them or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
