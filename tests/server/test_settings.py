"""The configuration and the editor's own settings, and how the server learns that they have changed."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import COOL, WASTE
from tests.support.language_client import CAPABILITIES, editing


def test_a_wrong_configuration_is_said_once_and_the_old_one_stays(tmp_path: Path) -> None:
    configuration = tmp_path / "transfer-lint.toml"
    configuration.write_text('ignore = ["TL103"]')
    with editing(tmp_path) as editor:
        buffer = editor.open(tmp_path / "a.py", WASTE)
        assert buffer.codes() == ["TL101"]
        configuration.write_text("ignored = 1")
        watched = {"changes": [{"uri": configuration.as_uri(), "type": 2}]}
        editor.notify("workspace/didChangeWatchedFiles", watched)
        assert buffer.codes(2) == ["TL101"]
        for number in range(3):
            buffer.change(WASTE + f"\nEDIT = {number}\n")
            assert buffer.codes() == ["TL101"]
            buffer.save()
            assert buffer.codes(2) == ["TL101"]
        (said,) = editor.of("window/showMessage")
        assert "did you mean 'ignore'?" in said["message"]
        configuration.write_text('ignore = ["TL101"]')
        editor.notify("workspace/didChangeWatchedFiles", watched)
        assert buffer.codes(3) == ["TL103"]
        configuration.write_text("ignored = 1")  # wrong again, so said again
        editor.notify("workspace/didChangeWatchedFiles", watched)
        assert buffer.codes(4) == ["TL103"]
        assert len(editor.of("window/showMessage")) == 2


def test_it_asks_to_be_told_of_files_and_settings(tmp_path: Path) -> None:
    with editing(tmp_path) as editor:
        wanted = editor.wait_for("client/registerCapability")["registrations"]
        by_method = {item["method"]: item["registerOptions"] for item in wanted}
        assert by_method["workspace/didChangeConfiguration"] == {"section": "transfer-lint"}
        watched = [item["globPattern"] for item in by_method["workspace/didChangeWatchedFiles"]["watchers"]]
        assert watched == ["**/*.py", "**/pyproject.toml", "**/transfer-lint.toml", "**/.gitignore"]


def test_settings_of_the_editor_take_effect_when_they_change(tmp_path: Path) -> None:
    refresh = {"inlayHint": {"refreshSupport": True}}
    with editing(
        tmp_path, capabilities={**CAPABILITIES, "workspace": {**CAPABILITIES["workspace"], **refresh}}
    ) as editor:
        buffer = editor.open(tmp_path / "a.py", COOL)
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
        params = {"textDocument": {"uri": buffer.uri}, "range": whole}
        assert editor.request("textDocument/inlayHint", params) == []
        editor.configuration = {"inlayHints": True}  # asked for
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        editor.wait_for("workspace/inlayHint/refresh")
        hint, *_ = editor.request("textDocument/inlayHint", params)
        assert hint["label"] == ": cuda:0, x.dtype"
        off = {"settings": {"transfer-lint": {"inlayHints": False}}}  # sent along
        editor.notify("workspace/didChangeConfiguration", off)
        assert editor.request("textDocument/inlayHint", params) == []
