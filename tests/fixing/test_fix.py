"""`fix` and its plan, called as the codemods and the tests of rules call them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import MENDED, WASTE
from transfer_codemods.actions import Anchor, DeleteTransfer, Plan, UnreadLocal
from transfer_lint.files.decoding import decode
from transfer_lint.files.tree import DiskSources
from transfer_lint.findings import FixHints
from transfer_lint.fixing import fix
from transfer_lint.fixing.fix import FixedFile, fix_paths, fix_source, write_fixed
from transfer_lint.fixing.planning import plan
from transfer_lint.fixing.rewriting import edits
from transfer_lint.flow.program.project import Project
from transfer_lint.lint.check import check_paths
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _settings(here: Path) -> Settings:
    return Settings(root=str(here), fix_hints=FixHints.ALWAYS)


def test_fix_source_is_pure(here: Path) -> None:
    result = fix_source("a.py", WASTE, Project(DiskSources()), _settings(here))
    assert result.text == MENDED
    assert sorted(finding.code for finding in result.applied) == ["TL101", "TL103"]
    assert result.remaining == ()
    assert result.refused == {}
    assert not list(here.iterdir())


def test_fix_source_says_why_it_cannot(here: Path) -> None:
    with pytest.raises(Problem, match="nests too deep"):
        fix_source(
            "a.py",
            f"x.to({'-' * 100_000}d)",
            Project(DiskSources()),
            _settings(here),
        )


def test_a_text_that_does_not_parse_is_a_finding(here: Path) -> None:
    result = fix_source("a.py", "x.to(", Project(DiskSources()), _settings(here))
    assert [(finding.code, finding.line, finding.column) for finding in result.remaining] == [("TL902", 1, 5)]
    assert result.text == "x.to("
    assert plan("a.py", "x.to(", False) == {}


def at_calls(plan: Plan) -> set[Anchor]:
    """Without what is done to the locals that may be left unread."""
    return {anchor for anchor, action in plan.items() if not isinstance(action, UnreadLocal)}


def test_what_is_done_to_comments_is_no_matter_of_the_codemods(here: Path) -> None:
    (here / "transfer-lint.toml").write_text('fix-hints = "always"')
    text = WASTE.replace("# stays", "# transfer-lint: ignore[TL201]")
    assert at_calls(plan("a.py", text, False)) == {Anchor(5, 11), Anchor(6, 14)}
    assert fix_source("a.py", text, Project(DiskSources()), _settings(here)).text == MENDED.replace("  # stays", "")


def test_plan_speaks_of_anchors(here: Path) -> None:
    (here / "transfer-lint.toml").write_text('fix-hints = "always"')
    found = plan("a.py", WASTE, False)
    assert at_calls(found) == {Anchor(5, 11), Anchor(6, 14)}
    assert found[Anchor(6, 14)] == DeleteTransfer()


def test_plan_obeys_the_configuration_and_comments(here: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.transfer-lint]\nselect = ["TL101"]\n')
    assert at_calls(plan("a.py", WASTE, False)) == {Anchor(6, 14)}
    assert not plan("a.py", WASTE.replace("# stays", "# transfer-lint: ignore"), False)


def test_files_see_each_other_as_they_will_be(here: Path) -> None:
    """A caller's transfer is redundant only because of what its callee, in another file, does."""
    (here / "callee.py").write_text(
        'import torch\n\n\ndef load(x: torch.Tensor) -> torch.Tensor:\n    return x.to("cuda:0")\n'
    )
    (here / "caller.py").write_text(
        'from callee import load\n\n\ndef use(x):\n    y = load(x)\n    return y.to("cuda:0")\n'
    )
    settings = Settings(root=str(here), select=("TL101",))
    outcome = check_paths(["callee.py", "caller.py"], settings)
    assert [(finding.path, finding.code) for finding in outcome.findings] == [("caller.py", "TL101")]
    assert {fact.path for fact in outcome.findings[0].evidence} >= {"callee.py"}


def test_a_failed_write_stops_what_was_proved_with_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.py", "b.py"):
        (here / name).write_text(WASTE)
    fixed = fix_paths(["a.py", "b.py"], _settings(here))
    assert [file.path for file in fixed.files] == ["a.py", "b.py"]
    (here / "a.py").write_text("theirs")
    written = write_fixed(fixed, ["a.py", "b.py"], _settings(here))
    assert [file.path for file in written.files] == ["b.py"]  # safe fixes rest on nothing of a.py's
    assert [problem.path for problem in written.outcome.problems] == ["a.py"]
    assert (here / "b.py").read_text() == MENDED

    (here / "b.py").write_text(WASTE)
    monkeypatch.setattr(fix, "_has_unsafe", lambda file: file.path == "a.py")
    first, second = write_fixed(fixed, ["a.py", "b.py"], _settings(here)).outcome.problems
    assert "changed on disk" in first.what
    assert "its fixes rest on those of a.py" in second.what
    assert ((here / "a.py").read_text(), (here / "b.py").read_text()) == ("theirs", WASTE)


def test_a_fixed_file_goes_back_in_its_own_encoding(here: Path) -> None:
    data = b"\xef\xbb\xbfx = 1\r\n"
    file = FixedFile("a.py", data, decode("a.py", data), "y = 2\r\n", ())
    assert file.new == b"\xef\xbb\xbfy = 2\r\n"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param("a\nb\n", "a\nb\n", [], id="none"),
        pytest.param("a\nb\nc\n", "a\nc\n", [(2, 1, 3, 1, "")], id="deleted line"),
        pytest.param("a\nb", "a\nB", [(2, 1, 2, 2, "B")], id="last line without end"),
        pytest.param("a\n", "a\nb\n", [(2, 1, 2, 1, "b\n")], id="added at the end"),
        pytest.param("a\r\nb\r\n", "A\r\nb\r\n", [(1, 1, 2, 1, "A\r\n")], id="crlf"),
        pytest.param("a\n\x0cb\nc\n", "a\n\x0cb\nd\n", [(3, 1, 4, 1, "d\n")], id="form feed is no line end"),
    ],
)
def test_edits(before: str, after: str, found: list[tuple[int, int, int, int, str]]) -> None:
    assert [(e.line, e.column, e.end_line, e.end_column, e.text) for e in edits(before, after)] == found
