"""An action never rests on what is no more: other open documents, files on disk, the configuration."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import WASTE
from tests.support.language_client import PULL, applied, editing
from transfer_lint.server import answers
from transfer_lint.server.document import Cell, Document
from transfer_lint.settings import Settings

MAKE = 'import torch\n\n\ndef make(n):\n    return torch.zeros(n, device="cuda:0")\n'
MAKE_ELSEWHERE = "import torch\n\n\ndef make(n):\n    return torch.zeros(n)\n"
USE = 'from make import make\n\n\ndef use(n):\n    return make(n).to("cuda:0")\n'


def test_an_edit_examines_the_open_documents_that_depend_on_it(tmp_path: Path) -> None:
    (tmp_path / "make.py").write_text(MAKE)
    with editing(tmp_path) as editor:
        use = editor.open(tmp_path / "use.py", USE)
        assert use.codes() == ["TL101"]
        make = editor.open(tmp_path / "make.py", MAKE)
        assert use.codes(2) == ["TL101"]
        (stale, *_) = use.actions(4)
        make.change(MAKE_ELSEWHERE)  # and not saved
        assert "edit" not in use.resolved(stale)
        said = editor.wait_for("window/showMessage")
        assert "TL101 is no longer found there" in said["message"]
        assert use.codes(3) == ["TL106"]
        assert "TL101" not in "".join(action["title"] for action in use.actions(4))
        make.close()  # the file counts again
        assert use.codes(4) == ["TL101"]


def test_an_action_is_proved_again_when_it_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "make.py").write_text(MAKE)
    with editing(tmp_path) as editor:
        use = editor.open(tmp_path / "use.py", USE)
        assert use.codes() == ["TL101"]
        fix = use.actions(4)[0]
        (change,) = use.resolved(fix)["edit"]["documentChanges"]
        assert "return make(n)\n" in applied(USE, change["edits"])
        (tmp_path / "make.py").write_text(MAKE_ELSEWHERE)  # by another program, and the editor does not tell
        assert "edit" not in use.resolved(fix)
        assert "TL101 is no longer found there" in editor.wait_for("window/showMessage")["message"]
        assert "edit" not in use.resolved(use.actions(4, only=["quickfix"])[0])


def test_kinds_of_actions(tmp_path: Path) -> None:
    (tmp_path / "transfer-lint.toml").write_text('fix-hints = "always"')
    with editing(tmp_path) as editor:
        buffer = editor.open(tmp_path / "a.py", WASTE)
        titles = {
            "TL101: delete the call": "quickfix",
            "TL101: ignore it here": "quickfix",
            "transfer-lint: apply all safe fixes": "source.fixAll.transferLint",
        }
        assert {action["title"]: action["kind"] for action in buffer.actions(5)} == titles
        for only, kind in (("quickfix", "quickfix"), ("source", "source.fixAll.transferLint")):
            found = buffer.actions(5, only=[only])
            assert {action["title"] for action in found} == {t for t, of in titles.items() if of == kind}
            assert all(("edit" in action) is (only == "source") for action in found)
            assert all(buffer.resolved(action)["edit"]["documentChanges"] for action in found)
        assert {action["title"] for action in buffer.actions(5, only=[""])} == set(titles)
        assert buffer.actions(5, only=["refactor"]) == buffer.actions(5, only=["source.fixAll.other"]) == []


def test_an_editor_that_resolves_nothing_gets_edits_at_once(tmp_path: Path) -> None:
    with editing(tmp_path, capabilities={}) as editor:
        buffer = editor.open(tmp_path / "a.py", WASTE)
        fix, ignore = (action for action in buffer.actions(5) if action["kind"] == "quickfix")
        assert applied(WASTE, fix["edit"]["changes"][buffer.uri]) == WASTE.replace('y.to("cuda:0")', "y")
        assert "# transfer-lint: ignore[TL101]" in applied(WASTE, ignore["edit"]["changes"][buffer.uri])


def test_diagnostics_that_the_editor_asks_for(tmp_path: Path) -> None:
    (tmp_path / "make.py").write_text(MAKE)
    with editing(tmp_path, capabilities=PULL) as editor:
        use = editor.open(tmp_path / "use.py", USE)
        first = use.pulled()
        assert (first["kind"], [found["code"] for found in first["items"]]) == ("full", ["TL101"])
        assert use.pulled(first["resultId"]) == {"kind": "unchanged", "resultId": first["resultId"]}
        make = editor.open(tmp_path / "make.py", MAKE)
        make.change(MAKE_ELSEWHERE)
        editor.wait_for("workspace/diagnostic/refresh")
        again = use.pulled(first["resultId"])
        assert [found["code"] for found in again["items"]] == ["TL106"]
        assert editor.of("textDocument/publishDiagnostics") == []


def test_a_diagnostic_links_to_its_rule(tmp_path: Path) -> None:
    with editing(tmp_path) as editor:
        _, found = editor.open(tmp_path / "a.py", WASTE).diagnostics()
        page = Path(found["codeDescription"]["href"].removeprefix("file://"))
        assert page.read_text(encoding="utf-8").startswith("# redundant-transfer (TL101)")
        (*_, fact) = found["relatedInformation"]
        assert fact["location"]["uri"] == (tmp_path / "a.py").as_uri()


def test_what_is_asked_again_with_the_same_answers_is_not_examined_again(tmp_path: Path) -> None:
    paths = {name: str(tmp_path / f"{name}.py") for name in ("make", "use", "other")}
    texts = {paths["make"]: MAKE, paths["use"]: USE, paths["other"]: "A = 1\n"}
    for path, text in texts.items():
        Path(path).write_text(text)
    use = Document("file:///use", paths["use"], (Cell("file:///use", 1, USE),))
    library, settings = answers.Library(), Settings(root=str(tmp_path))

    def check(before: answers.Checked | None, **changed: str) -> answers.Checked:
        open_now = texts | {paths[name]: text for name, text in changed.items()}
        asked = answers.Asked(use, open_now, settings, 1)
        return answers.check(library.reading(asked), asked, before)

    first = check(None)
    assert [finding.code for finding in first.findings] == ["TL101"]
    assert check(first).findings is first.findings
    assert check(first, other="A = 2\n").findings is first.findings
    assert check(first, make=MAKE + "# more\n").findings is not first.findings
    assert [finding.code for finding in check(first, make=MAKE_ELSEWHERE).findings] == ["TL106"]
