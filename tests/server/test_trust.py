"""Nothing of the workspace is ever imported, whatever its files are called and wherever the server is started."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.command import WASTE
from tests.support.language_client import editing

NAMES = ("ast", "asyncio", "click", "libcst", "multiprocessing", "queue", "selectors", "signal", "struct", "tomllib")


def test_modules_in_the_workspace_are_not_imported(tmp_path: Path) -> None:
    root, marks = tmp_path / "root", tmp_path / "imported"
    root.mkdir()
    marks.mkdir()
    for name in NAMES:
        (root / f"{name}.py").write_text(f"open({str(marks / name)!r}, 'w').close()\n")
    script = tmp_path / "bin" / "transfer-lint"  # as an installer writes it
    script.parent.mkdir()
    script.write_text("from transfer_lint.cli import main\n\nif __name__ == '__main__':\n    main()\n")
    with editing(root, command=[sys.executable, script, "server"], cwd=root) as editor:
        buffer = editor.open(root / "a.py", WASTE)
        assert buffer.codes() == ["TL103", "TL101"]
        (fix, *_) = buffer.actions(5)
        assert buffer.resolved(fix)["edit"]
        assert editor.end() == 0
    assert [mark.name for mark in marks.iterdir()] == []
