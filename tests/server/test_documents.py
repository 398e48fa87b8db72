"""Which documents are checked, however the editor names them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.command import MENDED, WASTE
from tests.support.language_client import applied, editing

ALWAYS = 'fix-hints = "always"\n'
NAMES = ["My Nodes/a.py", "käse/ä.py", "a+b.py", "(copy) [1].py", "100%25.py", "a;b#c?.py"]


@pytest.mark.parametrize("name", NAMES)
def test_a_document_has_diagnostics_and_actions_whatever_its_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(WASTE, encoding="utf-8")
    (tmp_path / "transfer-lint.toml").write_text(ALWAYS)
    with editing(tmp_path) as editor:
        buffer = editor.open("file://" + quote(str(path), safe="/"), WASTE)
        assert buffer.codes() == ["TL103", "TL101"]
        (every,) = buffer.actions(0, only=["source.fixAll"])
        (change,) = every["edit"]["documentChanges"]
        assert change["textDocument"] == {"uri": buffer.uri, "version": 1}
        assert applied(WASTE, change["edits"]) == MENDED


def test_editors_need_not_agree_on_what_to_escape(tmp_path: Path) -> None:
    path = tmp_path / "a b+(c).py"
    with editing(tmp_path) as editor:
        buffer = editor.open("file://" + quote(str(path), safe="/+()"), WASTE)
        assert buffer.codes() == ["TL103", "TL101"]
        buffer.uri = "file://" + quote(str(path), safe="/")
        assert "TL101" in buffer.hover(5, 14)
        assert [action["title"] for action in buffer.actions(5)][:1] == ["TL101: delete the call"]


@pytest.mark.parametrize("uri", ["file:///c%3A/My%20Nodes/a.py", "file:///C:/nodes/a.py", "file://server/share/a.py"])
def test_paths_of_windows(uri: str) -> None:
    with editing() as editor:
        buffer = editor.open(uri, WASTE)
        assert buffer.codes() == ["TL103", "TL101"]
        assert "TL101" in buffer.hover(5, 14)
        buffer.close()
        editor.wait_for("textDocument/publishDiagnostics", lambda p: p["uri"] == uri and not p["diagnostics"])


def test_a_buffer_that_is_not_saved_yet(tmp_path: Path) -> None:
    with editing(tmp_path) as editor:
        buffer = editor.open("untitled:Untitled-1", WASTE)
        assert buffer.codes() == ["TL103", "TL101"]
        fix = next(action for action in buffer.actions(5) if action.get("isPreferred"))
        (change,) = buffer.resolved(fix)["edit"]["documentChanges"]
        assert applied(WASTE, change["edits"]) == WASTE.replace('y.to("cuda:0")', "y")


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("build/a.py", "python"),  # excluded by default
        (".venv/lib/python3.12/site-packages/a.py", "python"),
        ("mine/a.py", "python"),  # excluded by the configuration
        ("ignored/a.py", "python"),  # by git
        ("../outside.py", "python"),  # outside of the workspace
        ("a.txt", "plaintext"),
    ],
)
def test_what_the_command_leaves_out_is_not_checked(name: str, language: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["git", "init", "-q", root], check=True)
    (root / ".gitignore").write_text("ignored/\n")
    (root / "transfer-lint.toml").write_text('extend-exclude = ["mine"]')
    with editing(root) as editor:
        left_out = editor.open((root / name).resolve(), WASTE, language)
        checked = editor.open(root / "checked.py", WASTE)
        assert checked.codes() == ["TL103", "TL101"]
        assert left_out.actions(5) == []
        assert all(not params["diagnostics"] for params in editor.published(left_out.uri))


def test_a_file_opened_alone_is_checked_unless_it_is_installed(tmp_path: Path) -> None:
    with editing() as editor:
        installed = editor.open(tmp_path / "site-packages/torch/a.py", WASTE)
        assert editor.open(tmp_path / "build/a.py", WASTE).codes() == ["TL103", "TL101"]
        assert installed.codes() == []


def test_several_workspace_folders_each_with_its_configuration(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for folder in (one, two, three):
        folder.mkdir()
    (two / "transfer-lint.toml").write_text('ignore = ["TL103"]')
    with editing(one, two) as editor:
        assert editor.open(one / "a.py", WASTE).codes() == ["TL103", "TL101"]
        assert editor.open(two / "a.py", WASTE).codes() == ["TL101"]
        later = editor.open(three / "a.py", WASTE)
        assert later.codes() == []
        change = {"added": [{"uri": three.as_uri(), "name": "three"}], "removed": []}
        editor.notify("workspace/didChangeWorkspaceFolders", {"event": change})
        assert later.codes(2) == ["TL103", "TL101"]


def test_changes_in_parts_count_lines_and_units_as_the_editor_does(tmp_path: Path) -> None:
    begins = "# \f form feed\n# \U0001f600\r\nimport torch\r\n\r\n\r\n"
    text = begins + 'def f(x: torch.Tensor):\r\n    "\U0001f600"; x = x.to("cpu")\r\n'
    with editing(tmp_path) as editor:
        buffer = editor.open(tmp_path / "a.py", text)
        assert buffer.codes() == ["TL201"]

        def replace(line: int, start: int, end: int, new: str) -> object:
            span = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
            return {"range": span, "text": new}

        buffer.send_change(
            replace(6, 10, 25, 'x = x.to("cuda:0")'),  # the whole second statement; the face has two units
            replace(7, 0, 0, '    return x.to("cuda:0")\r\n'),  # at the end
        )
        assert buffer.codes() == ["TL102", "TL101"]
