"""What one check needed is freed: `check --watch` and the processes of the server check again and again."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import WASTE
from transfer_lint.files.tree import DiskSources
from transfer_lint.flow.program.project import Project
from transfer_lint.lint.check import check_paths
from transfer_lint.server import answers
from transfer_lint.server.document import Cell, Document
from transfer_lint.settings import Settings


def _projects() -> set[int]:
    gc.collect()
    return {id(thing) for thing in gc.get_objects() if type(thing) is Project}


def _by_command(path: Path) -> Callable[[], object]:
    return lambda: check_paths([str(path)], Settings(root=str(path.parent)))


def _by_server(path: Path) -> Callable[[], object]:
    library = answers.Library()
    document = Document(path.as_uri(), str(path), (Cell(path.as_uri(), 1, WASTE),))
    asked = answers.Asked(document, {str(path): WASTE}, Settings(root=str(path.parent)), 1)
    return lambda: answers.check(library.reading(asked), asked)


@pytest.mark.parametrize("way", [_by_command, _by_server])
def test_no_project_outlives_its_check(way: Callable[[Path], Callable[[], object]], tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(WASTE)
    check = way(path)
    before = _projects()
    results = [check() for _ in range(3)]
    assert len(results) == 3
    assert _projects() <= before


def test_files_are_read_again_when_they_have_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "a.py").write_text("A = 1\n")
    sources = DiskSources()
    first = sources.read("a.py")
    assert (first, sources.read("b.py"), sources.python_files("a.py")) == ("A = 1\n", None, ("a.py",))
    sources.refresh(listing=False)
    assert sources.read("a.py") is first  # not read again
    (tmp_path / "a.py").write_text("A = 22\n")
    (tmp_path / "b.py").write_text("B = 1\n")
    assert sources.read("a.py") is first
    sources.refresh(listing=False)
    assert (sources.read("a.py"), sources.read("b.py")) == ("A = 22\n", "B = 1\n")
    assert sources.python_files("a.py") == ("a.py",)
    sources.refresh(listing=True)
    assert sources.python_files("a.py") == ("a.py", "b.py")
    os.remove("a.py")
    sources.refresh(listing=False)
    assert sources.read("a.py") is None
