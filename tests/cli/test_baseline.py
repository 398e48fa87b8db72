"""`check --baseline` and `--write-baseline`: what is known stays known, and what is new is reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import CLEAN, COOL, LOOP, WASTE, lint

NAME = "transfer-lint-baseline.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(f'[tool.transfer-lint]\nbaseline = "{NAME}"\n')
    (tmp_path / "waste.py").write_text(WASTE)
    (tmp_path / "clean.py").write_text(CLEAN)
    lint("check", "--write-baseline", cwd=tmp_path, expect=0)
    return tmp_path


def known(folder: Path) -> list[tuple[str, str, str, str, int]]:
    value = json.loads((folder / NAME).read_text(encoding="utf-8"))
    assert value["version"] == 1
    return [tuple(item.values()) for item in value["findings"]]


def test_what_is_written(folder: Path) -> None:
    assert known(folder) == [
        ("waste.py", "TL101", "twice", "y.to('cuda:0')", 1),
        ("waste.py", "TL103", "twice", "x.to('cuda:0')", 1),
    ]
    assert len((folder / NAME).read_text().splitlines()) == 4  # a line for each
    before = (folder / NAME).read_bytes()
    lint("check", "--write-baseline", cwd=folder, expect=0)
    assert (folder / NAME).read_bytes() == before


SAME = {
    "as it was": WASTE,
    "shifted": "# one\n\n" + WASTE,
    "reformatted": WASTE.replace('y.to("cuda:0")', "(\n  y\n  .to(  # there\n    'cuda:0',\n  )\n )"),
    "another function": WASTE + "\n\ndef other():\n    pass\n",
}  # fmt: skip


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_known_findings_are_suppressed(folder: Path, text: str) -> None:
    (folder / "waste.py").write_text(text)
    ran = lint("check", "--fail-on", "hint", cwd=folder, expect=0)
    assert ran.out == ""
    assert "2 known" in ran.err
    assert "out of date" not in ran.err
    summary = json.loads(lint("check", "--output-format", "json", cwd=folder, expect=0).out)["summary"]
    assert (summary["suppressed"], summary["warnings"], summary["hints"]) == (2, 0, 0)


NEW = {
    "another function": (WASTE.replace("twice", "again"), 2, 2),
    "another expression": (WASTE.replace("y = x.to", "z = x.to").replace("y.to", "z.to"), 1, 1),
    "once more": (WASTE.replace("# stays", "if x is x else y.to('cuda:0')"), 1, 0),
}


@pytest.mark.parametrize(("text", "new", "gone"), NEW.values(), ids=NEW)
def test_new_findings_are_reported_and_stale_entries_told(folder: Path, text: str, new: int, gone: int) -> None:
    (folder / "waste.py").write_text(text)
    ran = lint("check", cwd=folder, expect=1)
    assert len(ran.out.splitlines()) == new
    assert ran.err.count("is known and no longer found") == gone
    assert ("is out of date" in ran.err) == bool(gone)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(("clean.py",), 0, id="other files"),
        pytest.param(("--select", "TL2"), 0, id="other rules"),
        pytest.param(("--min-heat", "layer"), 0, id="hotter sites"),
    ],
)
def test_what_a_run_cannot_find_is_not_stale_and_not_forgotten(
    folder: Path, options: tuple[str, ...], code: int
) -> None:
    (folder / "waste.py").write_text(COOL)
    lint("check", "--write-baseline", cwd=folder, expect=0)
    before = known(folder)
    assert "no longer found" not in lint("check", *options, cwd=folder, expect=code).err
    lint("check", *options, "--write-baseline", cwd=folder, expect=0)
    assert known(folder) == before


def test_what_is_gone_is_forgotten(folder: Path) -> None:
    (folder / "waste.py").unlink()
    assert lint("check", cwd=folder, expect=0).err.count("no longer found") == 2
    lint("check", "--write-baseline", cwd=folder, expect=0)
    assert known(folder) == []
    assert lint("check", cwd=folder, expect=0).err.count("no longer found") == 0


def test_paths_are_relative_to_the_baseline(folder: Path) -> None:
    assert lint("check", folder, cwd=folder.parent, expect=0).out == ""
    lint("check", "--write-baseline=deep.json", folder, cwd=folder.parent, expect=0)
    value = json.loads((folder.parent / "deep.json").read_text())
    assert {item["path"] for item in value["findings"]} == {f"{folder.name}/waste.py"}
    (folder.parent / "deep.json").unlink()


def test_the_lint_itself_can_be_known(folder: Path) -> None:
    (folder / "bad.py").write_text("x.to(\n")
    (folder / "clean.py").write_text(CLEAN.replace("pass", "pass  # transfer-lint: ignore"))
    lint("check", "--write-baseline", cwd=folder, expect=0)
    assert ("bad.py", "TL902", "", "", 1) in known(folder)
    assert ("clean.py", "TL901", "", "# transfer-lint: ignore", 1) in known(folder)
    (folder / "bad.py").write_text("\n\nx.to(\n")
    assert lint("check", cwd=folder, expect=0).out == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--baseline", "no.json"), "no.json: there is no such baseline; write it", id="missing"),
        pytest.param(("--baseline", "clean.py"), "clean.py: is not a baseline", id="not json"),
        pytest.param(("--baseline", "other.json"), "other.json: is not a baseline", id="other json"),
        pytest.param(("--baseline", "."), "is a directory", id="folder"),
        pytest.param(("--write-baseline", "waste.py"), "waste.py: is not a baseline", id="would overwrite source"),
        pytest.param(("--write-baseline", "no/such/b.json"), "cannot be written", id="no such folder"),
    ],
)
def test_cannot(folder: Path, options: tuple[str, ...], words: str) -> None:
    (folder / "other.json").write_text('{"version": 1, "findings": [{"path": 3}]}')
    assert words in lint("check", *options, cwd=folder, expect=2).err
    assert (folder / "waste.py").read_text() == WASTE


@pytest.mark.parametrize("hints", [True, False], ids=["with hints", "plain"])
def test_a_fix_leaves_what_is_known_known(folder: Path, hints: bool) -> None:
    (folder / "loop.py").write_text(LOOP)
    lint("check", "--write-baseline", cwd=folder, expect=0)
    (folder / "clean.py").write_text(WASTE.replace("twice", "again"))
    ran = lint("fix", "--fail-on", "hint", cwd=folder, hints=hints, expect=0 if hints else 1)
    assert ("loop.py" in ran.out) is False
    assert ("fixed 5 transfers in 3 files; nothing left, 1 known (of 6 found)" in ran.err) is hints
    again = lint("check", "--fail-on", "hint", cwd=folder, expect=0 if hints else 1)
    assert "loop.py" not in again.out
    assert "no longer found" not in again.err
    assert ("loop.py", "TL301", "last", f"values{'' if hints else '.cpu()'}[0].item()", 1) in known(folder)
    assert any(entry[1] == "TL302" for entry in known(folder)) is not hints


def test_answers_leave_what_is_known_known(folder: Path) -> None:
    """A no stays known, a yes and an ignore comment are forgotten, and a changed expression is followed."""
    (folder / "loop.py").write_text(LOOP)
    (folder / "more.py").write_text(WASTE)
    lint("check", "--write-baseline", cwd=folder, expect=0)
    said = lint("fix", "--interactive", cwd=folder, stdin="y\ni\nn\nq\n", expect=0).err
    assert "fixed 1, ignored 1, left 3" in said
    assert [entry[:4] for entry in known(folder)] == [
        ("loop.py", "TL301", "last", "values[0].item()"),
        ("more.py", "TL101", "twice", "y.to('cuda:0')"),
        ("waste.py", "TL101", "twice", "y.to('cuda:0')"),
        ("waste.py", "TL103", "twice", "x.to('cuda:0')"),
    ]
    again = lint("check", "--fail-on", "hint", cwd=folder, expect=0)
    assert (again.out, "no longer found" in again.err) == ("", False)


def test_answers_until_an_end_and_with_another_baseline(folder: Path) -> None:
    (folder / "loop.py").write_text(LOOP)
    lint("check", "--write-baseline", "other.json", cwd=folder, expect=0)
    before = (folder / NAME).read_bytes()
    lint("fix", "-i", "--baseline", "other.json", "loop.py", cwd=folder, stdin="y\n", expect=0)
    entries = json.loads((folder / "other.json").read_text(encoding="utf-8"))["findings"]
    assert [e["expression"] for e in entries if e["path"] == "loop.py"] == ["values[0].item()"]
    assert (folder / NAME).read_bytes() == before
    (folder / "loop.py").write_text(LOOP)
    lint("check", "--write-baseline", "other.json", cwd=folder, expect=0)
    (folder / "loop.py").write_text(LOOP + LOOP.partition("\n\n\n")[2].replace("last", "next"))
    lint("fix", "-i", "--baseline", "other.json", "loop.py", cwd=folder, stdin="y\n", expect=130)  # no more input
    entries = json.loads((folder / "other.json").read_text(encoding="utf-8"))["findings"]
    assert [e["expression"] for e in entries if e["path"] == "loop.py"] == ["values[0].item()"]


def test_a_fix_of_one_file_forgets_nothing_of_others(folder: Path) -> None:
    (folder / "loop.py").write_text(LOOP)
    lint("check", "--write-baseline", cwd=folder, expect=0)
    lint("fix", "waste.py", cwd=folder, expect=0)
    assert [entry[:2] for entry in known(folder)] == [("loop.py", "TL301"), ("loop.py", "TL302")]


@pytest.mark.parametrize("options", [("--diff",), ("--output", "copy"), ("--baseline", "no.json")], ids=" ".join)
def test_what_writes_no_file_writes_no_baseline(folder: Path, options: tuple[str, ...]) -> None:
    before = (folder / NAME).read_bytes(), (folder / "waste.py").read_bytes()
    lint("fix", *options, cwd=folder)
    assert ((folder / NAME).read_bytes(), (folder / "waste.py").read_bytes()) == before


def test_positions_behind_wide_characters(folder: Path) -> None:
    (folder / "waste.py").write_text(WASTE.replace("return y", "return '\U0001f600\u00e9' and y"), encoding="utf-8")
    lint("check", "--write-baseline", cwd=folder, expect=0)
    assert "y.to('cuda:0')" in {entry[3] for entry in known(folder)}


def test_each_project_of_a_repository_has_its_own(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "waste.py").write_text(WASTE)
    for name in ("a", "b"):
        (tmp_path / name / "transfer-lint.toml").write_text(f'baseline = "{NAME}"\n')
    lint("check", "--write-baseline", cwd=tmp_path, expect=0)
    for name in ("a", "b"):
        assert {entry[0] for entry in known(tmp_path / name)} == {"waste.py"}
    assert {entry[0] for entry in known(tmp_path)} == {"c/waste.py"}
    (tmp_path / NAME).unlink()
    lint("check", "a", "b", "--write-baseline", cwd=tmp_path, expect=0)
    assert not (tmp_path / NAME).exists()
    (tmp_path / "a" / "waste.py").write_text(WASTE + WASTE.partition("\n\n\n")[2].replace("twice", "again"))
    ran = lint("check", "a", "b", cwd=tmp_path, expect=1)
    assert [line.split(":")[0] for line in ran.out.splitlines()] == ["a/waste.py", "a/waste.py"]
    assert "4 known" in ran.err
    assert "out of date" not in ran.err
    assert len(lint("check", "a/waste.py", "b/waste.py", cwd=tmp_path, expect=1).out.splitlines()) == 2
