"""The copy in which fixes are tried: nothing that happens there changes the program."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from transfer_lint.proving.stage import Stage


@pytest.fixture
def program(tmp_path: Path) -> Path:
    root = tmp_path / "pack"
    for path, text in {
        "a.py": "value = 1\n",
        "inner/b.py": "value = 2\n",
        "inner/weights.bin": "heavy",
        "__pycache__/a.pyc": "old",
        ".venv/lib/c.py": "value = 3\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def loaded(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("staged", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sources_are_copied_and_the_rest_is_linked(program: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    stage = Stage(str(program), str(tmp_path / "work"))
    found = {
        os.path.relpath(os.path.join(folder, name), stage.path): os.path.islink(os.path.join(folder, name))
        for folder, folders, files in os.walk(stage.path)
        for name in (*folders, *files)
    }
    assert found == {
        "a.py": False, "inner": False, "inner/b.py": False, "inner/weights.bin": True, ".venv": True,
    }  # fmt: skip
    assert stage.within(str(program / "inner" / "b.py")) == os.path.join(stage.path, "inner", "b.py")
    assert stage.within(str(tmp_path / "packed" / "b.py")) == str(tmp_path / "packed" / "b.py")


def test_every_content_is_what_python_imports(program: Path, tmp_path: Path) -> None:
    """Texts of one length, written within one second: compiled code of one must not be taken for another's."""
    (tmp_path / "work").mkdir()
    stage = Stage(str(program), str(tmp_path / "work"))
    a = str(program / "a.py")
    for number in (4, 5, 6):
        stage.hold({a: f"value = {number}\n".encode()})
        assert loaded(stage.within(a)).value == number
    stage.hold({str(program / "inner" / "b.py"): b"value = 7\n"})
    assert loaded(stage.within(a)).value == 1
    assert (program / "a.py").read_text(encoding="utf-8") == "value = 1\n"
    assert (program / "inner" / "b.py").read_text(encoding="utf-8") == "value = 2\n"
